UPDATE accounts SET used = used - ?2 WHERE id = (SELECT owner FROM spaces WHERE id = ?1)
