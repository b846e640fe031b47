INSERT INTO blobs (space, id, upload, object, size, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
