DELETE FROM blobs WHERE space = ?1 AND id = ?2 AND released_day < ?3 RETURNING object, size
