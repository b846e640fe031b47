-- One that was released before keeps its day and its commit.
UPDATE blobs SET released_day = COALESCE(released_day, ?3), released_seq = COALESCE(released_seq, ?4)
WHERE space = ?1 AND upload IS NULL AND id IN (SELECT unhex(value) FROM json_each(?2))
