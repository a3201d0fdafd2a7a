SELECT plain.change(:client_id);
