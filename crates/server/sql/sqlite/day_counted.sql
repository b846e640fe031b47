SELECT counted_day FROM counted_days
