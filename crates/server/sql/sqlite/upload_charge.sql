UPDATE uploads SET charged = charged + ?3 WHERE space = ?1 AND id = ?2
