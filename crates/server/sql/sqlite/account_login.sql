SELECT id, opaque_record FROM accounts WHERE handle = ?1
