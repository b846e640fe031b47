SELECT object FROM doomed WHERE object > ?1 ORDER BY object LIMIT ?2
