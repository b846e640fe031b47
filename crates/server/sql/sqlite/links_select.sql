SELECT link FROM sigchain WHERE account = ?1 ORDER BY seq
