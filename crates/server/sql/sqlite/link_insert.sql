INSERT INTO sigchain (account, seq, hash, link) VALUES (?1, ?2, ?3, ?4)
