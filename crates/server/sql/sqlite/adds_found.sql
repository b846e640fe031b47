-- CROSS JOIN keeps the list outside, so that each blob is looked up by its key; the planner knows nothing of its length.
SELECT COUNT(*), COALESCE(SUM(CASE WHEN b.upload IS NULL THEN 0 ELSE b.size END), 0)
FROM json_each(?2) a CROSS JOIN blobs b ON b.space = ?1 AND b.id = unhex(a.value ->> 0)
WHERE b.complete = 1 AND b.size = a.value ->> 1
