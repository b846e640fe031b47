SELECT count(*) FROM accounts WHERE id = ?1 AND request_hash = ?2
