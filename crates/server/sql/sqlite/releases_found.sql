-- CROSS JOIN keeps the list outside, so that each blob is looked up by its key.
SELECT COUNT(*) FROM json_each(?2) r CROSS JOIN blobs b ON b.space = ?1 AND b.id = unhex(r.value) WHERE b.upload IS NULL
