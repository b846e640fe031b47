DELETE FROM blobs WHERE space = ?1 AND id = ?2 AND released_day < ?3 AND released_seq <= ?4 RETURNING object, size
