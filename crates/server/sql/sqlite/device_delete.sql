DELETE FROM devices WHERE account = ?1 AND id = ?2
