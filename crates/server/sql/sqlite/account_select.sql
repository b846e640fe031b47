SELECT handle, space, quota, used, reserved FROM accounts WHERE id = ?1
