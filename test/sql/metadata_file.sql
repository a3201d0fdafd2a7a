-- Metadata files: queued and written, waited for, exported; where they may lie. The server makes its own folder.
\set VERBOSITY terse
SELECT '/tmp/icecat_regress_' || (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS root \gset
SET regress.root = :'root';
DO $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'mkdir -p ' || current_setting('regress.root'));
	EXECUTE format('ALTER DATABASE %I SET icecat.file_roots = %L', current_database(), current_setting('regress.root'));
END $$;
\c
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT icecat.create_warehouse('file_test', 'file://' || :'root') IS NOT NULL AS made;
SELECT icecat.create_namespace('file_test', '{a}') IS NOT NULL AS made;

-- async, the default: the location is known at once, the file follows.
CREATE TEMP TABLE answer AS SELECT icecat.create_table('file_test', '{a}', 't', '{"type": "struct", "fields": []}') AS doc;
SELECT icecat.wait_for_metadata('file_test', '{a}', 't') AS written;
SELECT pg_read_file(substr(doc ->> 'metadata-location', 8))::jsonb = (doc -> 'metadata')::jsonb AS same FROM answer;
SELECT is_current, is_queued, version FROM icecat.metadata_files WHERE warehouse = 'file_test' ORDER BY version;
-- Inside the transaction that commits there is nothing to wait for yet.
BEGIN;
SELECT icecat.commit_table('file_test', '{a}', 't', NULL, '[{"action": "set-properties", "updates": {"k": "v"}}]') IS NOT NULL AS done;
SELECT icecat.wait_for_metadata('file_test', '{a}', 't') AS written;
SELECT is_current, is_queued, version FROM icecat.metadata_files WHERE warehouse = 'file_test' ORDER BY version;
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 't') AS written;
SELECT count(*) AS files FROM pg_ls_dir((SELECT substr(location, 8) FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 't') || '/metadata');
-- A rolled back commit leaves no file.
BEGIN;
SELECT icecat.commit_table('file_test', '{a}', 't', NULL, '[{"action": "set-properties", "updates": {"k": "w"}}]') IS NOT NULL AS done;
ROLLBACK;
SELECT icecat.run_worker_once() AS done;
SELECT count(*) AS files FROM pg_ls_dir((SELECT substr(location, 8) FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 't') || '/metadata');

-- sync: the file is there when the call returns, even before the commit.
BEGIN;
SELECT icecat.create_table('file_test', '{a}', 's', '{"type": "struct", "fields": []}', p_properties => '{"icecat.metadata-write-mode": "sync"}') IS NOT NULL AS made;
SELECT (pg_stat_file(substr(metadata_location, 8))).size > 0 AS there FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 's';
COMMIT;

-- none: no file until it is exported.
SELECT icecat.create_table('file_test', '{a}', 'n', '{"type": "struct", "fields": []}', p_properties => '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'n') AS nothing_to_wait_for;
SELECT (pg_stat_file(substr(metadata_location, 8), true)).size IS NULL AS none FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 'n';
SELECT icecat.export_metadata('file_test', '{a}', 'n') = (SELECT metadata_location FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 'n') AS exported;
SELECT pg_read_file(substr(metadata_location, 8))::jsonb = (icecat.load_table('file_test', '{a}', 'n') -> 'metadata')::jsonb AS same
FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 'n';

-- Outside the roots nothing is made.
SELECT icecat.create_table('file_test', '{a}', 'x', '{"type": "struct", "fields": []}', p_location => 'file:///icecat_elsewhere/x');
SELECT icecat.create_table('file_test', '{a}', 'x', '{"type": "struct", "fields": []}', p_location => 'gopher://x/y');
SELECT icecat.wait_for_metadata('file_test', '{a}', 'x');
SELECT icecat.export_metadata('file_test', '{a}', 'x');
SELECT icecat.wait_for_metadata('file_test', '{a}', 't', -1);

-- A purge takes files and rows; without purge the files stay.
SELECT icecat.drop_table('file_test', '{a}', 't', p_purge => true);
SELECT icecat.drop_table('file_test', '{a}', 's', p_purge => true);
SELECT icecat.drop_table('file_test', '{a}', 'n');
CREATE FUNCTION pg_temp.purged() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM icecat.run_worker_once();
		IF NOT EXISTS (SELECT FROM icecat_data.metadata_task) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END $$;
SELECT pg_temp.purged();
SELECT count(*) AS tables_left FROM pg_ls_dir(:'root' || '/a');
SELECT name, details ->> 'files-deleted' AS files_deleted, details ->> 'files-kept' AS files_kept
FROM icecat.read_events('file_test') WHERE event_type = 'purge-table' ORDER BY name;
SELECT pending_writes, pending_deletes, pending_purges, failing FROM icecat.worker_status();

SELECT icecat.drop_namespace('file_test', '{a}');
SET regress.root = :'root';
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I RESET icecat.file_roots', current_database());
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'rm -rf ' || current_setting('regress.root'));
END $$;
