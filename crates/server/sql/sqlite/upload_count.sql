SELECT COUNT(*) FROM uploads WHERE space = ?1
