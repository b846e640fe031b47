INSERT INTO spaces (id, owner, epoch, keys, head, seq, frontier) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT DO NOTHING
