SELECT epoch, keys FROM spaces WHERE id = ?1
