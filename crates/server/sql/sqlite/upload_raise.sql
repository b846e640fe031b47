UPDATE uploads SET reserved = ?3, active_day = ?4 WHERE space = ?1 AND id = ?2
