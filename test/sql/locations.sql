-- Where a namespace's tables go: its own location, else that of the nearest namespace above that has one, else the warehouse's.
\set VERBOSITY terse
SELECT icecat.create_warehouse('locations', 's3://lake/', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
\set schema '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": false, "type": "long"}]}'
CREATE FUNCTION pg_temp.shown(VARIADIC p_levels text[]) RETURNS text LANGUAGE sql AS $$
	SELECT icecat.load_namespace('locations', p_levels) ->> 'properties'
$$;
CREATE FUNCTION pg_temp.table_at(p_name text, VARIADIC p_levels text[]) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(icecat.create_table('locations', p_levels, p_name, '{"type": "struct", "fields": []}') -> 'metadata' ->> 'location', '-[0-9a-f-]{36}$', '-UUID')
$$;

-- The default is told on creation and load, and not stored.
SELECT icecat.create_namespace('locations', '{a}', '{"owner": "ann"}');
SELECT icecat.rest_create_namespace('locations', '{"namespace": ["a", "b"]}');
SELECT pg_temp.shown('a'), pg_temp.shown('a', 'b');
SELECT namespace, properties FROM icecat.namespaces WHERE warehouse = 'locations' ORDER BY 1;
SELECT pg_temp.table_at('t', 'a', 'b');
-- A child inherits its parent's, also from further above; the namespace's own name is not repeated below its own.
SELECT icecat.update_namespace_properties('locations', '{a}', '{"location": "s3://other/place/"}');
SELECT icecat.create_namespace('locations', '{a,b,c}') ->> 'properties';
SELECT pg_temp.shown('a'), pg_temp.shown('a', 'b'), pg_temp.shown('a', 'b', 'c');
SELECT pg_temp.table_at('t1', 'a'), pg_temp.table_at('t2', 'a', 'b'), pg_temp.table_at('t', 'a', 'b', 'c');
SELECT icecat.update_namespace_properties('locations', '{a,b}', '{"location": "s3://third"}');
SELECT pg_temp.shown('a', 'b'), pg_temp.shown('a', 'b', 'c');
-- Staged, made by a commit, and views alike.
SELECT regexp_replace(icecat.create_table('locations', '{a,b,c}', 'staged', :'schema', p_stage_create => true) -> 'metadata' ->> 'location', '-[0-9a-f-]{36}$', '-UUID') AS staged;
SELECT regexp_replace(icecat.create_view('locations', '{a,b,c}', 'v', :'schema', '{"version-id": 1, "schema-id": 0, "timestamp-ms": 1, "summary": {}, "default-namespace": ["n"],
	"representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}') -> 'metadata' ->> 'location', '-[0-9a-f-]{36}$', '-UUID') AS view;
-- What was not set cannot be removed; what was goes, and the default is back.
SELECT icecat.update_namespace_properties('locations', '{a,b,c}', NULL, '{location}');
SELECT icecat.update_namespace_properties('locations', '{a}', NULL, '{location}');
SELECT icecat.update_namespace_properties('locations', '{a,b}', NULL, '{location}');
SELECT pg_temp.shown('a'), pg_temp.shown('a', 'b', 'c');
-- A change of the warehouse's location is followed; without one there is none.
SELECT icecat.alter_warehouse('locations', p_location => 's3://moved') IS NOT NULL AS done;
SELECT pg_temp.shown('a', 'b', 'c');
SELECT icecat.update_namespace_properties('locations', '{a,b}', '{"location": "/"}') IS NOT NULL AS useless;
SELECT pg_temp.shown('a', 'b'), pg_temp.shown('a', 'b', 'c');
SELECT icecat.create_warehouse('locations_none', NULL, '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('locations_none', '{a}');
SELECT icecat.create_table('locations_none', '{a}', 't', :'schema');
-- No two namespaces share a folder: a level whose name is not kept whole has a hash of it.
SELECT icecat.create_namespace('locations', ARRAY[n]) -> 'properties' ->> 'location' AS location
FROM unnest(ARRAY['x y', 'x_y', 'x/y', 'x%y', '...', '___', repeat('l', 64), repeat('l', 65), repeat('l', 66)]) AS n;
SELECT count(DISTINCT location), max(length(location)) < 1400 AS short
FROM (SELECT icecat.create_namespace('locations', (array_fill(repeat('d', 60), ARRAY[32]))[1:n]) -> 'properties' ->> 'location' FROM generate_series(1, 32) AS n) AS t (location);
