SELECT floor.commit(:client_id);
