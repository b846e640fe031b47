SELECT id, ticket FROM uploads WHERE space = ?1 ORDER BY id
