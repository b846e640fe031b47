SELECT object FROM blobs WHERE object >= ?1 AND object < ?2
