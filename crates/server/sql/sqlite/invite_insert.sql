INSERT INTO invites (id, hash, quota, made_day) VALUES (?1, ?2, ?3, ?4)
