SELECT COUNT(*) FROM blobs WHERE complete
