UPDATE accounts SET reserved = reserved + ?2
WHERE id = (SELECT owner FROM spaces WHERE id = ?1) AND ?2 <= quota - used - reserved + ?3
