-- CROSS JOIN as in adds_found.
UPDATE uploads SET reserved = reserved - moved.bytes, charged = charged - moved.bytes
FROM (
    SELECT b.upload AS upload, SUM(b.size) AS bytes
    FROM json_each(?2) a CROSS JOIN blobs b ON b.space = ?1 AND b.id = unhex(a.value ->> 0)
    WHERE b.upload IS NOT NULL GROUP BY b.upload
) AS moved
WHERE uploads.space = ?1 AND uploads.id = moved.upload
