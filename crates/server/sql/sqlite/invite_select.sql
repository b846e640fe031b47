SELECT quota FROM invites WHERE hash = ?1
