SELECT id, request_hash FROM accounts WHERE id = ?1 OR handle = ?2 ORDER BY id = ?1 DESC LIMIT 1
