SELECT baseline.commit(:client_id);
