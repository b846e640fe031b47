UPDATE spaces SET head = ?3, seq = ?4, frontier = ?5 WHERE id = ?1 AND head = ?2
