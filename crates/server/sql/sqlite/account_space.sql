SELECT space FROM accounts WHERE id = ?1
