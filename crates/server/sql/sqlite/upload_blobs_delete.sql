DELETE FROM blobs WHERE space = ?1 AND upload = ?2 RETURNING id, object
