\set id random(0, :tables - 1)
SELECT icecat.load_table(:warehouse, '{bench}', 't' || :id);
