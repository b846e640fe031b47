SELECT id, object, size, complete FROM blobs WHERE space = ?1 AND upload = ?2 AND id > ?3 ORDER BY id LIMIT ?4
