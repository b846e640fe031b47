UPDATE accounts SET quota = ?2 WHERE id = ?1
