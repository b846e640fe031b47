SELECT space, id FROM blobs WHERE released_day < ?1 LIMIT ?2
