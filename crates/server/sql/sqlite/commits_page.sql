SELECT header, body FROM commits WHERE space = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3
