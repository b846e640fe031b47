SELECT s.head, s.frontier, c.header, c.body
FROM spaces s JOIN commits c ON c.space = s.id AND c.seq = s.seq WHERE s.id = ?1
