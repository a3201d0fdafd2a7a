\set id random(0, :tables - 1)
SELECT (s.r).body, (s.r).etag FROM (SELECT icecat.rest_load_table(:warehouse, '{bench}', 't' || :id, '*') AS r OFFSET 0) AS s;
