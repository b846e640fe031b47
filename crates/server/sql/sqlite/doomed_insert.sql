INSERT INTO doomed (object) VALUES (?1)
