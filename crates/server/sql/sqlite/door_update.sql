UPDATE door SET sign_up = ?1 WHERE id = 1
