-- The tables of a SQL catalog as views: what JdbcCatalog and SqlCatalog send, and what it does.
\set VERBOSITY terse
SELECT '/tmp/icecat_regress_' || (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS root \gset
SET regress.root = :'root';
DO $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat >/dev/null; mkdir -p ' || current_setting('regress.root'));
	EXECUTE format('ALTER DATABASE %I SET icecat.file_roots = %L', current_database(), current_setting('regress.root'));
END $$;
\c
SET regress.root = :'root';
SET client_min_messages = warning;
SET search_path = icecat;
\set VERBOSITY terse

-- A client's work: the next document of a table, made from its current file, with some members changed, and its file.
CREATE FUNCTION pg_temp.write(p_location text, p_document jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L::text) TO %L', p_document::text, regexp_replace(p_location, '^file:(//)?', ''));
	RETURN p_location;
END $$;
CREATE FUNCTION pg_temp.current(p_table text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_catalog.pg_read_file(regexp_replace(metadata_location, '^file:(//)?', ''))::jsonb
	FROM icecat.iceberg_tables WHERE catalog_name = 'sql_test' AND table_name = p_table
$$;
CREATE FUNCTION pg_temp.next(p_table text, p_name text, p_changes jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.write(d ->> 'location' || '/metadata/' || p_name || '.metadata.json', d || jsonb_build_object('metadata-log',
		coalesce(d -> 'metadata-log', '[]') || jsonb_build_object('timestamp-ms', d -> 'last-updated-ms', 'metadata-file', t.metadata_location)) || p_changes)
	FROM icecat.iceberg_tables AS t, pg_temp.current(p_table) AS d WHERE t.catalog_name = 'sql_test' AND t.table_name = p_table
$$;
CREATE FUNCTION pg_temp.snapshot(p_id bigint, p_parent bigint, p_sequence bigint) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('snapshot-id', p_id, 'parent-snapshot-id', p_parent, 'sequence-number', p_sequence,
		'timestamp-ms', 1700000000000, 'manifest-list', 'file:///m' || p_id, 'summary', '{"operation": "append"}'::jsonb, 'schema-id', 0))
$$;
-- The commit as JdbcCatalog words it.
CREATE FUNCTION pg_temp.swap(p_table text, p_new text, p_old text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_rows bigint;
BEGIN
	UPDATE icecat.iceberg_tables SET metadata_location = p_new, previous_metadata_location = p_old
	WHERE catalog_name = 'sql_test' AND table_namespace = 'a.b' AND table_name = p_table AND metadata_location = p_old AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL);
	GET DIAGNOSTICS v_rows = ROW_COUNT;
	RETURN v_rows;
END $$;

SELECT icecat.create_warehouse('sql_test', 'file://' || :'root', '{"icecat.location-overlap": "allow"}') IS NOT NULL AS made;
-- No client needs to make the tables: they are found, with the column that says which layout it is.
SELECT 1 FROM iceberg_tables, iceberg_namespace_properties LIMIT 0;
SELECT iceberg_type FROM iceberg_tables LIMIT 0;

-- Namespaces: rows of properties, and one for being there.
INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES
	('sql_test', 'a.b', 'owner', 'ann'), ('sql_test', 'a.b', 'exists', 'true');
SELECT * FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' ORDER BY namespace, property_key;
SELECT namespace, properties FROM icecat.namespaces WHERE warehouse = 'sql_test' ORDER BY namespace;
INSERT INTO iceberg_namespace_properties VALUES ('sql_test', 'a', 'exists', 'true');
INSERT INTO iceberg_namespace_properties VALUES ('sql_test', 'a.b', 'owner', 'bob');
INSERT INTO iceberg_namespace_properties VALUES ('sql_test', 'a..b', 'exists', 'true');
INSERT INTO iceberg_namespace_properties VALUES ('nowhere', 'a', 'exists', 'true');
INSERT INTO iceberg_namespace_properties VALUES ('sql_test', 'a', 'color', NULL);
UPDATE iceberg_namespace_properties SET property_value = CASE WHEN property_key = 'owner' THEN 'bob' END
WHERE catalog_name = 'sql_test' AND namespace = 'a.b' AND property_key IN ('owner', 'nothing') RETURNING *;
UPDATE iceberg_namespace_properties SET property_key = 'proprietor' WHERE catalog_name = 'sql_test' AND property_key = 'owner';
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' AND namespace = 'a.b' AND property_key IN ('owner', 'nothing') RETURNING property_key;
-- A level with a dot has no name there.
SELECT icecat.create_namespace('sql_test', '{x.y}') IS NOT NULL AS made;
SELECT namespace, property_key, property_value FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' ORDER BY namespace;
-- A drop: all rows of a namespace. Not while it holds something.
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' AND namespace = 'a';
INSERT INTO iceberg_namespace_properties VALUES ('sql_test', 'gone', 'k', 'v'), ('sql_test', 'gone', 'l', 'w');
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' AND namespace = 'gone';
SELECT icecat.namespace_exists('sql_test', '{gone}');

-- A table made over REST is there, and its file too, though nobody has written it yet.
SELECT icecat.create_table('sql_test', '{a,b}', 't', '{"type": "struct", "fields": [{"id": 1, "name": "id", "required": true, "type": "long"}]}') IS NOT NULL AS made;
BEGIN;
SELECT icecat.commit_table('sql_test', '{a,b}', 't', NULL, '[{"action": "set-properties", "updates": {"k": "v"}}]') IS NOT NULL AS done;
SELECT (pg_stat_file(substr(metadata_location, 8), true)).size IS NULL AS queued FROM icecat.tables WHERE warehouse = 'sql_test';
SELECT catalog_name, table_namespace, table_name, iceberg_type,
	pg_temp.current('t') -> 'properties' AS properties FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_namespace = 'a.b' AND table_name = 't';
SELECT pg_temp.current('t') = (icecat.load_table('sql_test', '{a,b}', 't') -> 'metadata')::jsonb AS same;
COMMIT;
SELECT previous_metadata_location = (SELECT file FROM icecat.metadata_files WHERE table_name = 't' AND warehouse = 'sql_test' AND version = 1) AS previous FROM iceberg_tables WHERE catalog_name = 'sql_test';
-- In mode none, too: reading the column writes it. What does not read it writes nothing.
SELECT icecat.create_table('sql_test', '{a,b}', 'n', '{"type": "struct", "fields": []}', p_properties => '{"icecat.metadata-write-mode": "none"}') ->> 'metadata-location' AS location \gset
SELECT DISTINCT table_namespace FROM iceberg_tables WHERE catalog_name = 'sql_test';
SELECT pg_stat_file(substr(:'location', 8), true) IS NULL AS none;
SELECT pg_temp.current('n') = (icecat.load_table('sql_test', '{a,b}', 'n') -> 'metadata')::jsonb AS same;
DELETE FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_name = 'n';

-- A commit: one row, the next version; and none where another came first.
SELECT metadata_location AS v2 FROM icecat.tables WHERE warehouse = 'sql_test' \gset
SELECT pg_temp.next('t', 'v3', jsonb_build_object('last-updated-ms', 1800000000000, 'last-sequence-number', 1, 'current-snapshot-id', 1,
	'snapshots', jsonb_build_array(pg_temp.snapshot(1, NULL, 1)), 'refs', '{"main": {"snapshot-id": 1, "type": "branch"}}'::jsonb,
	'snapshot-log', '[{"snapshot-id": 1, "timestamp-ms": 1700000000000}]'::jsonb)) AS v3 \gset
SELECT pg_temp.swap('t', :'v3', :'v2');
SELECT pg_temp.swap('t', :'v3', :'v2');
SELECT version, current_snapshot_id, metadata_location = :'v3' AS location FROM icecat.tables WHERE warehouse = 'sql_test';
SELECT (icecat.load_table('sql_test', '{a,b}', 't') -> 'metadata')::jsonb = pg_temp.current('t') AS same;
-- Only what changed was written: what the client spelled anew has kept its text.
SELECT kind, count(*) FROM icecat_data.table_part JOIN icecat.tables USING (table_id) WHERE warehouse = 'sql_test' AND ordinal >> 20 = 3 GROUP BY kind ORDER BY kind;
SELECT count(*) AS removed FROM icecat_data.table_part JOIN icecat.tables USING (table_id) WHERE warehouse = 'sql_test' AND removed_version = 3;
-- REST goes on from there.
SELECT icecat.commit_table('sql_test', '{a,b}', 't', NULL, '[{"action": "set-properties", "updates": {"by": "rest"}}]') -> 'metadata' -> 'metadata-log' -> -1 ->> 'metadata-file' = :'v3' AS continues;
SELECT pg_temp.swap('t', :'v3', :'v2');

-- Documents that cannot follow: nothing changes.
SELECT metadata_location AS v4 FROM iceberg_tables WHERE catalog_name = 'sql_test' \gset
\set VERBOSITY sqlstate
SELECT pg_temp.swap('t', pg_temp.next('t', 'bad-uuid', '{"table-uuid": "11111111-1111-4111-8111-111111111111"}'), :'v4');
SELECT pg_temp.swap('t', :'v4' || '.not-there', :'v4');
\set VERBOSITY terse
SELECT pg_temp.swap('t', pg_temp.next('t', 'bad-sequence', '{"last-sequence-number": 0, "snapshots": [], "refs": {}, "current-snapshot-id": -1, "snapshot-log": []}'), :'v4');
SELECT pg_temp.swap('t', pg_temp.next('t', 'bad-snapshot', jsonb_build_object('snapshots', jsonb_build_array(pg_temp.snapshot(1, NULL, 1) || '{"manifest-list": "file:///other"}'))), :'v4');
SELECT pg_temp.swap('t', pg_temp.next('t', 'bad-order', jsonb_build_object('snapshots', jsonb_build_array(pg_temp.snapshot(1, NULL, 1), pg_temp.snapshot(2, 1, 1)))), :'v4');
SELECT pg_temp.swap('t', pg_temp.next('t', 'bad-log', '{"metadata-log": []}'), :'v4');
SELECT pg_temp.swap('t', pg_temp.write(:'v4' || '.broken', '"text"'), :'v4');
SELECT pg_temp.swap('t', 'file:///etc/passwd', :'v4');
SELECT pg_temp.swap('t', NULL, :'v4');
SELECT version, metadata_location = :'v4' AS location FROM icecat.tables WHERE warehouse = 'sql_test';

-- Snapshots expire, the other spelling of a file location is the same file, a format goes up.
SELECT pg_temp.next('t', 'v5', '{"snapshots": [], "refs": {}, "current-snapshot-id": -1, "snapshot-log": [], "format-version": 3, "next-row-id": 0}') AS v5 \gset
SELECT pg_temp.swap('t', replace(:'v5', 'file:///', 'file:/'), :'v4');
SELECT version, format_version, current_snapshot_id, metadata_location LIKE 'file:/tmp/%' AS spelled FROM icecat.tables WHERE warehouse = 'sql_test';
SELECT icecat.commit_metadata_file('sql_test', '{a,b}', 't', pg_temp.next('t', 'v6', '{"last-updated-ms": 1800000000001}'), :'v5');
SELECT icecat.commit_metadata_file('sql_test', '{a,b}', 't', :'v5', :'v5');
SELECT icecat.commit_metadata_file('sql_test', '{a,b}', 'nothing', :'v5');
SELECT icecat.wait_for_metadata('sql_test', '{a,b}', 't') AS written;

-- Rename, as both clients word it; a taken name is a unique violation.
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
VALUES ('sql_test', 'new.one', 'copy', pg_temp.write('file://' || :'root' || '/copy.metadata.json', pg_temp.current('t') || '{"table-uuid": "22222222-2222-4222-8222-222222222222"}'), NULL, 'TABLE');
SELECT warehouse, namespace, table_name, version FROM icecat.tables WHERE warehouse = 'sql_test' ORDER BY table_name;
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location) SELECT 'sql_test', 'new.one', 'copy', metadata_location, NULL FROM icecat.tables WHERE table_name = 'copy';
\set VERBOSITY sqlstate
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) SELECT 'sql_test', 'new.one', 'copy', metadata_location FROM icecat.tables WHERE table_name = 'copy';
UPDATE iceberg_tables SET table_namespace = 'new.one', table_name = 'copy' WHERE catalog_name = 'sql_test' AND table_namespace = 'a.b' AND table_name = 't';
UPDATE iceberg_tables SET table_namespace = 'nowhere' WHERE catalog_name = 'sql_test' AND table_name = 't';
UPDATE iceberg_tables SET catalog_name = 'other' WHERE catalog_name = 'sql_test' AND table_name = 't';
INSERT INTO iceberg_tables VALUES ('sql_test', '', 'top', 'file:///x', NULL, 'TABLE');
INSERT INTO iceberg_tables VALUES ('sql_test', 'a', 'other_type', 'file:///x', NULL, 'THING');
\set VERBOSITY terse
UPDATE iceberg_tables SET table_namespace = 'new.one', table_name = 'moved' WHERE catalog_name = 'sql_test' AND table_namespace = 'a.b' AND table_name = 't' AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) RETURNING table_namespace, table_name;
UPDATE iceberg_tables SET table_name = 'again' WHERE catalog_name = 'sql_test' AND table_namespace = 'a.b' AND table_name = 't' RETURNING table_name;

-- A role that may use the views needs no other right than rows.
SET client_min_messages = error;
CREATE ROLE icecat_regress_client;
RESET client_min_messages;
GRANT USAGE ON SCHEMA icecat TO icecat_regress_client;
GRANT SELECT, UPDATE, DELETE ON icecat.iceberg_tables TO icecat_regress_client;
GRANT SELECT ON icecat.iceberg_namespace_properties TO icecat_regress_client;
SELECT icecat.grant('icecat_regress_client', p) FROM unnest('{write,drop}'::text[]) AS p;
SELECT icecat.commit_table('sql_test', '{new,one}', 'moved', NULL, '[{"action": "set-properties", "updates": {"icecat.metadata-write-mode": "none"}}]') IS NOT NULL AS done;
SET ROLE icecat_regress_client;
SELECT count(*) FROM iceberg_tables WHERE catalog_name = 'sql_test' AND metadata_location LIKE 'file:%';
SELECT count(*) FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test';
INSERT INTO iceberg_tables VALUES ('sql_test', 'a', 't', 'file:///x', NULL, 'TABLE');
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test';
SELECT icecat._iceberg_tables_write();
DELETE FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_name = 'copy' RETURNING table_name;
DELETE FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_name IN ('copy', 'moved') RETURNING table_name;
RESET ROLE;
DROP OWNED BY icecat_regress_client;
DROP ROLE icecat_regress_client;

SELECT * FROM icecat.check_integrity('sql_test');
SELECT event_type, namespace, name, version FROM icecat.read_events('sql_test') WHERE object_kind = 'table' ORDER BY number;
-- Views have rows of their own type; what writes to them is as with tables.
CREATE FUNCTION pg_temp.version(p_id integer, p_sql text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('version-id', p_id, 'timestamp-ms', 1573518431292, 'schema-id', 0, 'summary', '{}'::jsonb, 'default-namespace', '["a"]'::jsonb,
		'representations', jsonb_build_array(jsonb_build_object('type', 'sql', 'sql', p_sql, 'dialect', 'spark')))
$$;
CREATE FUNCTION pg_temp.next_view(p_name text, p_version integer, p_sql text, p_changes jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.write(d ->> 'location' || '/metadata/' || p_name || '.metadata.json', d || jsonb_build_object('current-version-id', p_version,
		'versions', (d -> 'versions') || pg_temp.version(p_version, p_sql),
		'version-log', (d -> 'version-log') || jsonb_build_object('version-id', p_version, 'timestamp-ms', 1800000000000)) || p_changes)
	FROM pg_temp.current('v') AS d
$$;
CREATE FUNCTION pg_temp.swap_view(p_new text, p_old text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_rows bigint;
BEGIN
	UPDATE icecat.iceberg_tables SET metadata_location = p_new, previous_metadata_location = p_old
	WHERE catalog_name = 'sql_test' AND table_namespace = 'a' AND table_name = 'v' AND metadata_location = p_old AND iceberg_type = 'VIEW';
	GET DIAGNOSTICS v_rows = ROW_COUNT;
	RETURN v_rows;
END $$;
SELECT icecat.create_view('sql_test', '{a}', 'v', '{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "a", "required": false, "type": "int"}]}',
	pg_temp.version(1, 'SELECT 1 AS a')::json, p_properties => '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT table_namespace, table_name, iceberg_type, previous_metadata_location FROM iceberg_tables WHERE catalog_name = 'sql_test' AND iceberg_type = 'VIEW';
SELECT pg_temp.current('v') = (icecat.load_view('sql_test', '{a}', 'v') -> 'metadata')::jsonb AS same;
SELECT metadata_location AS w1 FROM iceberg_tables WHERE catalog_name = 'sql_test' AND iceberg_type = 'VIEW' \gset
SELECT pg_temp.next_view('w2', 2, 'SELECT 2 AS a') AS w2 \gset
SELECT pg_temp.swap_view(:'w2', :'w1');
SELECT pg_temp.swap_view(:'w2', :'w1');
SELECT version, current_version_id, metadata_location = :'w2' AS location FROM icecat.views WHERE warehouse = 'sql_test';
SELECT version_id, is_current FROM icecat.view_versions WHERE warehouse = 'sql_test' ORDER BY version_id;
SELECT (icecat.load_view('sql_test', '{a}', 'v') -> 'metadata')::jsonb = pg_temp.current('v') AS same;
SELECT pg_temp.swap_view(pg_temp.next_view('bad', 3, 'SELECT 3 AS a', jsonb_build_object('versions', jsonb_build_array(pg_temp.version(2, 'SELECT 9 AS a'), pg_temp.version(3, 'SELECT 3 AS a')),
	'version-log', '[{"version-id": 3, "timestamp-ms": 1800000000000}]'::jsonb)), :'w2');
\set VERBOSITY sqlstate
SELECT pg_temp.swap_view(pg_temp.next_view('bad', 3, 'SELECT 3 AS a', '{"view-uuid": "11111111-1111-4111-8111-111111111111"}'), :'w2');
INSERT INTO iceberg_tables VALUES ('sql_test', 'a', 'v', :'w2', NULL, 'VIEW');
INSERT INTO iceberg_tables VALUES ('sql_test', 'a', 'v', :'v5', NULL, 'TABLE');
UPDATE iceberg_tables SET iceberg_type = 'TABLE' WHERE catalog_name = 'sql_test' AND table_name = 'v';
\set VERBOSITY terse
INSERT INTO iceberg_tables VALUES ('sql_test', 'a', 'v_copy', :'w2', NULL, 'VIEW');
UPDATE iceberg_tables SET table_name = 'v_moved' WHERE catalog_name = 'sql_test' AND table_namespace = 'a' AND table_name = 'v' AND iceberg_type = 'VIEW' RETURNING table_name;
SELECT icecat.commit_metadata_file('sql_test', '{a}', 'v_moved', :'w1');
SELECT view_name, version, current_version_id FROM icecat.views WHERE warehouse = 'sql_test' ORDER BY view_name;
-- Where a file cannot be written, a list says so and goes on.
SELECT icecat.create_table('sql_test', '{a}', 'no_place', '{"type": "struct", "fields": []}', p_location => pg_temp.write('file://' || :'root' || '/in_the_way', '1') || '/t',
	p_properties => '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
\set VERBOSITY sqlstate
SELECT count(*) FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_namespace = 'a' AND metadata_location IS NOT NULL;
DELETE FROM iceberg_tables WHERE catalog_name = 'sql_test' AND table_name IN ('v_moved', 'no_place');
\set VERBOSITY terse

-- An existing catalog of the oldest layout, in any schema: taken over by its metadata files.
CREATE SCHEMA "old ""one""";
CREATE TABLE "old ""one""".iceberg_tables (catalog_name varchar(255), table_namespace varchar(255), table_name varchar(255),
	metadata_location varchar(1000), previous_metadata_location varchar(1000));
CREATE TABLE "old ""one""".iceberg_namespace_properties (catalog_name varchar(255), namespace varchar(255), property_key varchar(255), property_value varchar(1000));
SELECT icecat.create_warehouse('import_test', 'file://' || :'root', '{"icecat.location-overlap": "allow"}') IS NOT NULL AS made;
SELECT icecat.create_table('sql_test', '{x.y}', n, '{"type": "struct", "fields": []}', p_properties => '{"icecat.metadata-write-mode": "sync"}') IS NOT NULL AS made FROM unnest('{one,two,three}'::text[]) AS n;
INSERT INTO "old ""one""".iceberg_tables SELECT 'prod', 'shop.' || table_name, table_name, metadata_location FROM icecat.tables WHERE warehouse = 'sql_test' AND table_name <> 'three';
INSERT INTO "old ""one""".iceberg_tables VALUES ('prod', 'shop.two', 'lost', 'file://' || :'root' || '/lost.metadata.json'), ('prod', 'shop', 'elsewhere', 'file:///etc/x.metadata.json'),
	('prod', '', 'top', 'file:///x'), ('other', 'shop', 'not_ours', 'file:///x');
INSERT INTO "old ""one""".iceberg_namespace_properties VALUES ('prod', 'shop.one', 'owner', 'ann'), ('prod', 'shop.one', 'exists', 'true'), ('prod', 'empty', 'exists', 'true'), ('other', 'not_ours', 'exists', 'true');
\set import 'icecat.import_sql_catalog(\'import_test\', \'"old ""one""".iceberg_tables\', \'"old ""one""".iceberg_namespace_properties\', \'prod\''
SELECT kind, namespace, name, status, replace(error, :'root', 'ROOT') AS error FROM :import, p_dry_run => true);
SELECT count(*) FROM icecat.namespaces WHERE warehouse = 'import_test';
SELECT kind, namespace, name, status, replace(error, :'root', 'ROOT') AS error FROM :import);
SELECT * FROM iceberg_namespace_properties WHERE catalog_name = 'import_test' ORDER BY namespace, property_key;
SELECT t.table_namespace, t.table_name, t.metadata_location = o.metadata_location AS same FROM iceberg_tables AS t JOIN "old ""one""".iceberg_tables AS o USING (table_name) WHERE t.catalog_name = 'import_test' ORDER BY table_name;
-- Again, after the old catalog and this one went on: what follows is taken, what was changed here since is not.
SELECT icecat.commit_table('sql_test', '{x.y}', n, NULL, '[{"action": "set-properties", "updates": {"by": "old"}}]') IS NOT NULL AS done FROM unnest('{one,two}'::text[]) AS n;
SELECT icecat.commit_table('import_test', '{shop,two}', 'two', NULL, '[{"action": "set-properties", "updates": {"by": "new"}}]') IS NOT NULL AS done;
UPDATE "old ""one""".iceberg_tables AS o SET metadata_location = t.metadata_location FROM icecat.tables AS t WHERE t.warehouse = 'sql_test' AND t.table_name = o.table_name;
DELETE FROM "old ""one""".iceberg_tables WHERE table_name NOT IN ('one', 'two');
ALTER TABLE "old ""one""".iceberg_tables ADD COLUMN iceberg_type varchar(5);
INSERT INTO "old ""one""".iceberg_tables VALUES ('prod', 'shop.two', 'thing', 'file:///x', NULL, 'THING'), ('prod', 'shop.two', 'v', :'w2', NULL, 'VIEW');
UPDATE "old ""one""".iceberg_namespace_properties SET property_value = 'bob' WHERE property_key = 'owner';
SELECT * FROM :import) WHERE status <> 'exists';
SELECT * FROM :import, 'update');
SELECT * FROM :import, 'update') WHERE status <> 'exists';
SELECT * FROM :import, 'other');
SELECT table_name, version, properties ->> 'by' AS by FROM icecat.tables JOIN LATERAL (SELECT icecat.load_table(warehouse, namespace, table_name) -> 'metadata' -> 'properties') AS p (properties) ON true WHERE warehouse = 'import_test' ORDER BY table_name;
SELECT * FROM icecat.check_integrity('import_test');
-- It reads nothing for who may not read it.
SET client_min_messages = error;
CREATE ROLE icecat_regress_client;
RESET client_min_messages;
GRANT USAGE ON SCHEMA icecat, "old ""one""" TO icecat_regress_client;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO icecat_regress_client;
SET ROLE icecat_regress_client;
SELECT * FROM :import);
RESET ROLE;
DROP OWNED BY icecat_regress_client;
DROP ROLE icecat_regress_client;
SET client_min_messages = warning;
DROP SCHEMA "old ""one""" CASCADE;
DELETE FROM iceberg_tables WHERE catalog_name = 'import_test';
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'import_test' AND namespace LIKE 'shop.%';
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'import_test';
DELETE FROM iceberg_tables WHERE catalog_name = 'sql_test';
SELECT icecat.drop_table('sql_test', '{x.y}', n) FROM unnest('{one,two,three}'::text[]) AS n;

DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test' AND namespace IN ('a.b', 'new.one');
DELETE FROM iceberg_namespace_properties WHERE catalog_name = 'sql_test';
SELECT icecat.drop_namespace('sql_test', '{x.y}');
SELECT count(*) FROM icecat.namespaces WHERE warehouse = 'sql_test';
SET regress.root = :'root';
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I RESET icecat.file_roots', current_database());
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format('cat >/dev/null; for i in 1 2 3 4 5; do rm -rf %s && exit 0; sleep 1; done; exit 1', current_setting('regress.root')));
END $$;
