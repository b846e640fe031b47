SELECT version, checksum FROM _sqlx_migrations ORDER BY version
