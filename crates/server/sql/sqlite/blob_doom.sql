DELETE FROM blobs WHERE space = ?1 AND id = ?2 AND released_day IS NOT NULL RETURNING object, size
