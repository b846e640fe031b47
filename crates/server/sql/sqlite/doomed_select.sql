SELECT object FROM doomed LIMIT ?1
