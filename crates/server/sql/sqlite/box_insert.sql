INSERT INTO boxes (account, kind, version, sealed) VALUES (?1, ?2, ?3, ?4)
