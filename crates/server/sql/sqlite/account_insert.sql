INSERT INTO accounts (id, handle, request_hash, opaque_record, recovery_public_key, space, quota, registered_day)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
