DELETE FROM uploads WHERE space = ?1 AND id = ?2 RETURNING reserved
