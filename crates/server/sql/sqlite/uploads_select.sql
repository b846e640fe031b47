SELECT id, ticket FROM uploads WHERE space = ?1 AND id > ?2 ORDER BY id LIMIT ?3
