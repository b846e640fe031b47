UPDATE flushes SET count = count + 1 WHERE id = 1
