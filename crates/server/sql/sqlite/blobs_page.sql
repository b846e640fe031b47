SELECT id, size, released_day FROM blobs WHERE space = ?1 AND id > ?2 AND upload IS NULL ORDER BY id LIMIT ?3
