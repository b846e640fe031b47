SELECT COALESCE(SUM(b.size), 0), MIN(b.released_day), MAX(b.released_day)
FROM spaces s CROSS JOIN blobs b ON b.space = s.id AND b.released_day IS NOT NULL
WHERE s.owner = ?1 AND (?2 IS NULL OR (s.id = ?2 AND b.released_seq <= ?3))
