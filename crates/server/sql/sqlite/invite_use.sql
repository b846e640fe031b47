DELETE FROM invites WHERE hash = ?1
