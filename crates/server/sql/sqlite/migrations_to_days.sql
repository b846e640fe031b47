UPDATE _sqlx_migrations SET installed_on = date(installed_on), execution_time = 0 WHERE installed_on <> date(installed_on)
