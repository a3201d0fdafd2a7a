-- What plain PostgreSQL does for the same bytes and rows: the baseline that every figure is compared with.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS baseline CASCADE;
CREATE SCHEMA baseline;
CREATE TABLE baseline.document (id integer PRIMARY KEY, body text NOT NULL);
INSERT INTO baseline.document
SELECT i, (SELECT string_agg(md5(i || ':' || n), ',') FROM generate_series(1, 620) AS n)
FROM generate_series(0, 999) AS i;

CREATE TABLE baseline.head (id integer PRIMARY KEY, version bigint NOT NULL, location text NOT NULL) WITH (fillfactor = 60);
INSERT INTO baseline.head SELECT i, 0, 'file:///warehouse/metadata.json' FROM generate_series(0, 999) AS i;
CREATE TABLE baseline.part (id integer, version bigint, kind integer, body text, PRIMARY KEY (id, version, kind));

-- Locks a row, updates it and inserts three.
CREATE FUNCTION baseline.commit(p_id integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_version bigint;
BEGIN
	SELECT version INTO v_version FROM baseline.head WHERE id = p_id FOR UPDATE;
	v_version := v_version + 1;
	UPDATE baseline.head SET version = v_version WHERE id = p_id;
	INSERT INTO baseline.part VALUES (p_id, v_version, 1, repeat('s', 600));
	INSERT INTO baseline.part VALUES (p_id, v_version, 2, repeat('l', 80));
	INSERT INTO baseline.part VALUES (p_id, v_version, 3, repeat('m', 120));
	RETURN v_version;
END $$;
VACUUM ANALYZE baseline.document, baseline.head;
