UPDATE blobs SET upload = ?3 WHERE space = ?1 AND id = ?2
