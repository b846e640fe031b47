INSERT INTO commits (space, seq, header, body) VALUES (?1, ?2, ?3, ?4)
