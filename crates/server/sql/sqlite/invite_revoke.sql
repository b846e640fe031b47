DELETE FROM invites WHERE id = ?1
