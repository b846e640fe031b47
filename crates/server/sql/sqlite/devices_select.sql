SELECT id FROM devices WHERE account = ?1 ORDER BY id
