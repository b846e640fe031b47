SELECT COALESCE(SUM(LENGTH(ticket)), 0) FROM uploads WHERE space = ?1 AND id <> ?2
