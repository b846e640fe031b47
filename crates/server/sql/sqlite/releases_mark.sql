-- One that was released before keeps its day.
UPDATE blobs SET released_day = COALESCE(released_day, ?3)
WHERE space = ?1 AND upload IS NULL AND id IN (SELECT unhex(value) FROM json_each(?2))
