SELECT plain.change(999);
