SELECT reserved, charged FROM uploads WHERE space = ?1 AND id = ?2
