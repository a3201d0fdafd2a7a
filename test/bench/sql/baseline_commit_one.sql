SELECT baseline.commit(999);
