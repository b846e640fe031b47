SELECT 1 FROM blobs WHERE object = ?1
