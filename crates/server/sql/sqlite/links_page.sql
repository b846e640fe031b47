SELECT link FROM sigchain WHERE account = ?1 AND seq >= ?2 ORDER BY seq
