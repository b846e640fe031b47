UPDATE uploads SET active_day = ?3 WHERE space = ?1 AND id = ?2 AND active_day <> ?3
