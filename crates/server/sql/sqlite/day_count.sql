-- A jump counts nothing, in whichever direction; nor does a day that comes again.
INSERT INTO counted_days (one, seen_day, counted_day) VALUES (1, ?1, ?1)
ON CONFLICT (one) DO UPDATE SET
    counted_day = counted_day + CASE WHEN ?1 - seen_day BETWEEN 1 AND ?2 THEN ?1 - seen_day ELSE 0 END,
    seen_day = CASE WHEN seen_day - ?1 BETWEEN 1 AND ?2 THEN seen_day ELSE ?1 END
RETURNING counted_day
