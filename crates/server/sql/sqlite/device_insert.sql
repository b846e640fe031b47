INSERT INTO devices (account, id, auth_public_key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING
