-- Metadata files of views: queued and written, waited for, exported, registered, exactly of their version. The server makes its own folder.
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
\set VERBOSITY terse
SELECT icecat.create_warehouse('view_file', 'file://' || :'root', '{"icecat.location-overlap": "allow"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('view_file', '{a}') IS NOT NULL AS made;
CREATE TEMP TABLE versions (name text, location text, metadata text);
CREATE FUNCTION pg_temp.version(p_sql text) RETURNS json LANGUAGE sql AS $$
	SELECT json_build_object('version-id', 1, 'timestamp-ms', 1573518431292, 'schema-id', 0, 'summary', json_build_object('k', 'v'),
		'default-namespace', json_build_array('a'), 'representations', json_build_array(json_build_object('type', 'sql', 'sql', p_sql, 'dialect', 'spark')))
$$;
CREATE FUNCTION pg_temp.make(p_name text, p_properties json DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	INSERT INTO versions SELECT p_name, doc ->> 'metadata-location', doc ->> 'metadata'
	FROM icecat.create_view('view_file', '{a}', p_name, '{"type": "struct", "schema-id": 0, "fields": []}', pg_temp.version('SELECT 1'), p_properties => p_properties) AS doc
$$;
CREATE FUNCTION pg_temp.replace(p_name text, p_sql text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO versions SELECT p_name, doc ->> 'metadata-location', doc ->> 'metadata'
	FROM icecat.replace_view('view_file', '{a}', p_name, NULL, json_build_array(json_build_object('action', 'add-view-version', 'view-version', pg_temp.version(p_sql)),
		json_build_object('action', 'set-current-view-version', 'view-version-id', -1))) AS doc
$$;
-- Each file holds what its commit answered, byte for byte; NULL: there is no file.
CREATE FUNCTION pg_temp.files(p_name text) RETURNS TABLE (file text, exact boolean) LANGUAGE sql AS $$
	SELECT substring(location FROM '/(\d{5})-'), pg_read_file(substr(location, 8), 0, 1000000, true) = metadata FROM versions WHERE name = p_name ORDER BY 1
$$;

-- async, the default: the first file at once, the others by the worker; several in one transaction, each of its version.
SELECT pg_temp.make('v');
SELECT * FROM pg_temp.files('v');
BEGIN;
SELECT pg_temp.replace('v', 'SELECT 2');
SELECT pg_temp.replace('v', 'SELECT 3');
SELECT metadata_is_queued FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'v';
SELECT icecat.wait_for_metadata('view_file', '{a}', 'v') AS written;
SELECT pg_temp.replace('v', 'SELECT 1');
COMMIT;
SELECT icecat.wait_for_metadata('view_file', '{a}', 'v') AS written;
SELECT * FROM pg_temp.files('v');
SELECT metadata_is_queued FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'v';
-- A view has no data folder.
SELECT pg_ls_dir((SELECT substr(location, 8) FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'v')) AS folder;
-- A rolled back commit leaves no file.
BEGIN;
SELECT pg_temp.replace('v', 'SELECT 4');
ROLLBACK;
SELECT icecat.run_worker_once() IS NOT NULL AS done;
SELECT count(*) AS files FROM pg_ls_dir((SELECT substr(location, 8) FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'v') || '/metadata');

-- sync: the file is there when the call returns.
BEGIN;
SELECT pg_temp.make('s', '{"icecat.metadata-write-mode": "sync"}');
SELECT pg_temp.replace('s', 'SELECT 2');
SELECT * FROM pg_temp.files('s');
COMMIT;

-- none: no file until it is exported.
SELECT pg_temp.make('n', '{"icecat.metadata-write-mode": "none"}');
SELECT pg_temp.replace('n', 'SELECT 2');
SELECT * FROM pg_temp.files('n');
SELECT icecat.load_view('view_file', '{a}', 'n') IS NOT NULL AS loads;
SELECT icecat.export_metadata('view_file', '{a}', 'n') = (SELECT metadata_location FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'n') AS exported;
SELECT * FROM pg_temp.files('n');

-- Where and how, as for tables: write.metadata.path, write.metadata.compression-codec.
SELECT regexp_replace(icecat.create_view('view_file', '{a}', 'z', '{"type": "struct", "schema-id": 0, "fields": []}', pg_temp.version('SELECT 1'),
	p_properties => json_build_object('write.metadata.path', 'file://' || :'root' || '/elsewhere/', 'write.metadata.compression-codec', 'gzip'))
	->> 'metadata-location', '^file://.*(/elsewhere/\d{5}-)[0-9a-f-]{36}', '\1UUID') AS location;
SELECT encode(pg_read_binary_file(substr(metadata_location, 8), 0, 2), 'hex') AS magic FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'z';
SELECT icecat.create_view('view_file', '{a}', 'outside', '{"type": "struct", "schema-id": 0, "fields": []}', pg_temp.version('SELECT 1'), p_location => 'file:///etc/icecat');
SELECT icecat.view_exists('view_file', '{a}', 'outside');

-- A dropped view comes back by its file, also by one that is still in the queue; and by an earlier one.
BEGIN;
SELECT pg_temp.replace('v', 'SELECT 5');
SELECT icecat.drop_view('view_file', '{a}', 'v');
SELECT (icecat.register_view('view_file', '{a}', 'v', location) ->> 'metadata')::text = metadata AS same FROM versions WHERE name = 'v' ORDER BY location DESC LIMIT 1;
COMMIT;
SELECT icecat.run_worker_once() IS NOT NULL AS done;
SELECT icecat.load_view('view_file', '{a}', 'v') -> 'metadata' ->> 'current-version-id' AS version;
SELECT icecat.register_view('view_file', '{a}', 'v', 'file:///nowhere');
SELECT icecat.rest_register_view('view_file', '{a}', json_build_object('name', 'old', 'metadata-location', location)) -> 'metadata' ->> 'current-version-id' AS version
FROM versions WHERE name = 'v' ORDER BY location LIMIT 1;
SELECT pg_temp.replace('old', 'SELECT 9');
-- A schema of an older version may be gone, as in Java; unknown fields and the log come along.
CREATE TEMP TABLE document AS SELECT json_build_object('view-uuid', '11111111-1111-4111-8111-111111111111', 'format-version', 1, 'location', 'file://' || :'root' || '/foreign',
	'current-version-id', 5, 'versions', json_build_array(pg_temp.version('SELECT 1'), (pg_temp.version('SELECT 5')::jsonb || '{"version-id": 5, "schema-id": 3}')::json),
	'schemas', json_build_array('{"type": "struct", "schema-id": 3, "fields": []}'::json), 'version-log', json_build_array('{"timestamp-ms": 1, "version-id": 5}'::json), 'x-odd', 1.50) AS doc;
DO $$
BEGIN
	EXECUTE format('COPY document TO %L', current_setting('regress.root') || '/foreign.metadata.json');
END $$;
SELECT (icecat.register_view('view_file', '{a}', 'foreign', 'file://' || :'root' || '/foreign.metadata.json') -> 'metadata')::jsonb = doc::jsonb AS same FROM document;
SELECT icecat.replace_view('view_file', '{a}', 'foreign', NULL, '[{"action": "set-properties", "updates": {"a": "b"}}]') IS NOT NULL AS done;
SELECT doc -> 'metadata' -> 'x-odd' AS odd, doc -> 'metadata' -> 'version-log' -> 0 AS first, json_array_length(doc -> 'metadata' -> 'versions') AS versions
FROM icecat.load_view('view_file', '{a}', 'foreign') AS doc;
\set VERBOSITY sqlstate
SELECT icecat.register_view('view_file', '{a}', 'missing', 'file://' || :'root' || '/missing.metadata.json') IS NULL;
\set VERBOSITY terse
SELECT icecat.create_table('view_file', '{a}', 't', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT icecat.register_view('view_file', '{a}', 't', metadata_location) FROM icecat.tables WHERE warehouse = 'view_file';
SELECT icecat.register_view('view_file', '{a}', 'not_a_view', metadata_location) IS NULL FROM icecat.tables WHERE warehouse = 'view_file';
SELECT icecat.register_table('view_file', '{a}', 'not_a_table', metadata_location) IS NULL FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'n';
SELECT icecat.register_table('view_file', '{a}', 'n', metadata_location) IS NULL FROM icecat.tables WHERE warehouse = 'view_file';
SELECT icecat.register_table('view_file', '{a}', 'n', metadata_location, true) IS NULL FROM icecat.tables WHERE warehouse = 'view_file';

-- Somebody took the file away: a load says so, an export writes it again.
DO $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', (SELECT 'cat >/dev/null; rm ' || substr(metadata_location, 8) FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 's'));
END $$;
\set VERBOSITY sqlstate
SELECT icecat.load_view('view_file', '{a}', 's') IS NULL;
\set VERBOSITY terse
SELECT icecat.export_metadata('view_file', '{a}', 's') IS NOT NULL AS exported;
SELECT icecat.load_view('view_file', '{a}', 's') IS NOT NULL AS loads;

-- A purge of a table leaves the files of a view that lies below it, though the table's metadata names one as its own.
SELECT icecat.create_view('view_file', '{a}', 'below', '{"type": "struct", "schema-id": 0, "fields": []}', pg_temp.version('SELECT 1'),
	p_location => (SELECT location || '/metadata/below' FROM icecat.tables WHERE warehouse = 'view_file')) IS NOT NULL AS made;
SELECT icecat.commit_table('view_file', '{a}', 't', NULL, json_build_array(json_build_object('action', 'set-statistics', 'snapshot-id', 1, 'statistics', json_build_object(
	'snapshot-id', 1, 'statistics-path', metadata_location, 'file-size-in-bytes', 1, 'file-footer-size-in-bytes', 1, 'blob-metadata', json_build_array())))) IS NOT NULL AS done
FROM icecat.views WHERE warehouse = 'view_file' AND view_name = 'below';
SELECT icecat.drop_table('view_file', '{a}', 't', true);
CREATE FUNCTION pg_temp.purged() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM icecat.run_worker_once();
		IF NOT EXISTS (SELECT FROM icecat_data.metadata_task JOIN icecat_data.warehouse USING (warehouse_id) WHERE name = 'view_file') THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END $$;
SELECT pg_temp.purged();
SELECT details ->> 'files-kept' AS files_kept FROM icecat.read_events('view_file') WHERE event_type = 'purge-table';
SELECT icecat.load_view('view_file', '{a}', 'below') IS NOT NULL AS loads;

SELECT * FROM icecat.check_integrity('view_file');
SELECT DISTINCT event_type FROM icecat.read_events('view_file') WHERE object_kind = 'view' ORDER BY 1;
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I RESET icecat.file_roots', current_database());
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format('cat >/dev/null; for i in 1 2 3 4 5; do rm -rf %s && exit 0; sleep 1; done; exit 1', current_setting('regress.root')));
END $$;
