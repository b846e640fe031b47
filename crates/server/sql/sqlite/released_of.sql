SELECT b.space, b.id
FROM spaces s CROSS JOIN blobs b ON b.space = s.id AND b.released_day IS NOT NULL
WHERE s.owner = ?1 AND s.id = ?2 AND b.released_seq <= ?3 LIMIT ?4
