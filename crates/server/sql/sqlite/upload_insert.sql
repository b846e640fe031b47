INSERT INTO uploads (space, id, reserved, active_day) VALUES (?1, ?2, ?3, ?4)
