SELECT space, id FROM uploads WHERE active_day < ?1 LIMIT ?2
