SELECT auth_public_key FROM devices WHERE account = ?1 AND id = ?2
