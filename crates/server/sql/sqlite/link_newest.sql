SELECT seq, hash FROM sigchain WHERE account = ?1 ORDER BY seq DESC LIMIT 1
