SELECT id, date(registered_day * 86400, 'unixepoch') AS registered, used, reserved, quota FROM accounts ORDER BY registered_day, id
