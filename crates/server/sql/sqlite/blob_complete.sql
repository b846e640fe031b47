UPDATE blobs SET complete = 1 WHERE space = ?1 AND id = ?2 AND object = ?3
