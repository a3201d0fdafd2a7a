SELECT floor.commit(999);
