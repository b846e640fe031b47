SELECT object, upload, size, hash, complete FROM blobs WHERE space = ?1 AND id = ?2
