DELETE FROM doomed WHERE object = ?1
