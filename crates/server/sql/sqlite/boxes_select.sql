SELECT kind, version, sealed FROM boxes WHERE account = ?1
