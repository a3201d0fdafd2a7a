-- What plain PostgreSQL does, to compare with: the baseline of test/bench/run.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS plain CASCADE;
CREATE SCHEMA plain;
CREATE TABLE plain.small (id integer PRIMARY KEY, body text NOT NULL);
INSERT INTO plain.small
SELECT i, (SELECT string_agg(md5(i || ':' || n), ',') FROM generate_series(1, 620) AS n) FROM generate_series(0, 999) AS i;
CREATE TABLE plain.large (id integer PRIMARY KEY, body text NOT NULL);
INSERT INTO plain.large
SELECT i, (SELECT string_agg(md5(i || ':' || n), ',') FROM generate_series(1, 9300) AS n) FROM generate_series(0, 31) AS i;

CREATE TABLE plain.head (id integer PRIMARY KEY, version bigint NOT NULL, location text NOT NULL) WITH (fillfactor = 60);
INSERT INTO plain.head SELECT i, 0, 'file:///warehouse/metadata.json' FROM generate_series(0, 999) AS i;
CREATE TABLE plain.part (id integer, version bigint, body text, PRIMARY KEY (id, version));

-- Locks a row, updates it and inserts one.
CREATE FUNCTION plain.change(p_id integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_version bigint;
BEGIN
	SELECT version + 1 INTO v_version FROM plain.head WHERE id = p_id FOR UPDATE;
	UPDATE plain.head SET version = v_version WHERE id = p_id;
	INSERT INTO plain.part VALUES (p_id, v_version, repeat('s', 600));
	RETURN v_version;
END $$;
VACUUM ANALYZE plain.small, plain.large, plain.head;
