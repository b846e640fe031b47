SELECT id, quota, date(made_day * 86400, 'unixepoch') AS made FROM invites ORDER BY made_day, id
