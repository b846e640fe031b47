UPDATE blobs SET upload = NULL, released_day = NULL, released_seq = NULL
WHERE space = ?1 AND id IN (SELECT unhex(value ->> 0) FROM json_each(?2))
