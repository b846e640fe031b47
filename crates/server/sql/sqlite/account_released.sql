SELECT COALESCE(SUM(b.size), 0), MAX(b.released_day)
FROM spaces s CROSS JOIN blobs b ON b.space = s.id AND b.released_day IS NOT NULL WHERE s.owner = ?1
