SELECT space, id, object, size, hash FROM blobs WHERE object > ?1 AND complete ORDER BY object LIMIT ?2
