SELECT object, size FROM blobs WHERE space = ?1 AND id = ?2 AND upload IS NULL
