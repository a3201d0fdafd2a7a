-- Metadata files: queued and written, waited for, exported; where they may lie. The server makes its own folder.
\set VERBOSITY terse
SELECT '/tmp/icecat_regress_' || (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS root \gset
SET regress.root = :'root';
DO $$
BEGIN
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; mkdir -p ' || current_setting('regress.root'));
	EXECUTE format('ALTER DATABASE %I SET icecat.file_roots = %L', current_database(), current_setting('regress.root'));
END $$;
\c
SET regress.root = :'root';
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT icecat.create_warehouse('file_test', 'file://' || :'root', '{"icecat.location-overlap": "allow"}') IS NOT NULL AS made;
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

-- The document of a queued version is the one that the commit returned, byte for byte: read in the statement that
-- commits, after refs have moved, and when the next commits came before the file.
SELECT icecat.create_table('file_test', '{a}', 'exact', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
CREATE TEMP TABLE versions (location text, metadata text);
CREATE FUNCTION pg_temp.change(p_updates text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO versions SELECT doc ->> 'metadata-location', doc ->> 'metadata'
	FROM icecat.commit_table('file_test', '{a}', 'exact', NULL, p_updates::json) AS doc
$$;
CREATE FUNCTION pg_temp.snapshot(p_id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('{"action": "add-snapshot", "snapshot": {"snapshot-id": %s, "sequence-number": %s, "timestamp-ms": %s, "manifest-list": "file:///m", "summary": {"operation": "append"}, "schema-id": 0}}',
		p_id, p_id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;
CREATE FUNCTION pg_temp.ref(p_name text, p_id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('{"action": "set-snapshot-ref", "ref-name": "%s", "type": "branch", "snapshot-id": %s}', p_name, p_id)
$$;
SELECT icecat.commit_table('file_test', '{a}', 'exact', NULL, '[{"action": "set-properties", "updates": {"in": "one statement"}}]') ->> 'metadata-location' AS location, icecat.run_worker_once() AS done \gset
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_read_file(substr(:'location', 8)) = icecat.load_table('file_test', '{a}', 'exact') ->> 'metadata' AS same;
BEGIN;
SELECT pg_temp.change(format('[%s, %s, %s]', pg_temp.snapshot(1), pg_temp.ref('main', 1), pg_temp.ref('side', 1)));
SELECT pg_temp.change(format('[%s, %s]', pg_temp.snapshot(2), pg_temp.ref('main', 2)));
SAVEPOINT s;
SELECT pg_temp.change(format('[%s, %s]', pg_temp.snapshot(3), pg_temp.ref('main', 3)));
ROLLBACK TO SAVEPOINT s;
SELECT pg_temp.change(format('[%s, %s, %s]', pg_temp.snapshot(4), pg_temp.ref('main', 4), pg_temp.ref('new', 4)));
SELECT pg_temp.change('[{"action": "remove-snapshots", "snapshot-ids": [2]}, {"action": "remove-snapshot-ref", "ref-name": "side"}]');
SELECT pg_temp.change(format('[{"action": "remove-properties", "removals": ["in"]}, %s]', pg_temp.ref('side', 4)));
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_read_file(substr(location, 8)) = metadata AS same, metadata::json ->> 'refs' AS refs FROM versions;
-- Queued by version 0.1.0, which wrote the head as an object with keys.
BEGIN;
SELECT pg_temp.change(format('[%s]', pg_temp.ref('old \"form\"', 4)));
UPDATE icecat_data.metadata_task AS t SET head = json_build_object('format-version', head -> 0, 'table-uuid', head -> 1, 'location', h.location,
	'last-sequence-number', head -> 3, 'last-updated-ms', head -> 4, 'last-column-id', head -> 5, 'current-schema-id', head -> 6, 'default-spec-id', head -> 7,
	'last-partition-id', head -> 8, 'default-sort-order-id', head -> 9, 'current-snapshot-id', head -> 10, 'next-row-id', head -> 11, 'refs', head -> 12)
FROM icecat_data.table_head AS h JOIN icecat.tables USING (table_id) WHERE warehouse = 'file_test' AND table_name = 'exact' AND t.table_id = h.table_id
RETURNING t.head ->> 'table-uuid' = h.table_uuid AS uuid, t.head -> 'refs' AS refs;
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
-- A place for metadata files of its own: the head has the location.
SELECT pg_temp.change(format('[{"action": "set-properties", "updates": {"write.metadata.path": "%s/elsewhere/metadata"}}]', icecat.load_table('file_test', '{a}', 'exact') -> 'metadata' ->> 'location'));
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_temp.change(format('[{"action": "remove-properties", "removals": ["write.metadata.path"]}, {"action": "remove-snapshot-ref", "ref-name": "%s"}]', 'old \"form\"'));
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT count(*) FILTER (WHERE pg_read_file(substr(location, 8)) <> metadata) AS differ, count(*) FILTER (WHERE location LIKE '%/elsewhere/metadata/%') AS elsewhere FROM versions;
-- Registered over itself at an earlier version; what that removes is forgotten.
SELECT icecat.register_table('file_test', '{a}', 'exact', location, p_overwrite => true) ->> 'metadata' = metadata AS same FROM versions LIMIT 1;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_temp.change('[{"action": "set-properties", "updates": {"after": "overwrite"}}]');
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT count(*) AS differ FROM versions WHERE pg_read_file(substr(location, 8)) <> metadata;
SELECT count(*) AS removed_rows FROM icecat_data.table_part JOIN icecat.tables USING (table_id) WHERE warehouse = 'file_test' AND table_name = 'exact' AND removed_version IS NOT NULL;
-- Many snapshots removed by one commit: while a queued document still has them, and when none does.
DELETE FROM versions;
BEGIN;
SELECT pg_temp.change(format('[%s, %s]', string_agg(pg_temp.snapshot(1000 + n), ', ' ORDER BY n), pg_temp.ref('main', 1500))) FROM generate_series(1, 500) AS n;
SELECT pg_temp.change(format('[{"action": "remove-snapshots", "snapshot-ids": [%s]}]', string_agg((1000 + n)::text, ', '))) FROM generate_series(1, 200) AS n;
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_read_file(substr(location, 8)) = metadata AS same, (SELECT count(*) FROM json_array_elements(metadata::json -> 'snapshots') AS s WHERE (s ->> 'snapshot-id')::bigint > 1000) AS snapshots FROM versions;
BEGIN;
SELECT pg_temp.change(format('[{"action": "remove-snapshots", "snapshot-ids": [%s]}]', string_agg((1200 + n)::text, ', '))) FROM generate_series(1, 200) AS n;
SELECT count(*) AS removed_rows FROM icecat_data.table_snapshot JOIN icecat.tables USING (table_id) WHERE warehouse = 'file_test' AND table_name = 'exact' AND removed_version IS NOT NULL;
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'exact') AS written;
SELECT pg_read_file(substr(location, 8)) = metadata AS same, (SELECT count(*) FROM json_array_elements(metadata::json -> 'snapshots') AS s WHERE (s ->> 'snapshot-id')::bigint > 1000) AS snapshots FROM versions;
SELECT * FROM icecat.check_integrity() WHERE warehouse = 'file_test';
SELECT icecat.drop_table('file_test', '{a}', 'exact');

-- An old metadata file that is to be deleted stays while a live table names it: one that was registered meanwhile, or the
-- table itself, put back to an earlier version; as its metadata file, or in its log.
SELECT icecat.create_table('file_test', '{a}', 'kept', '{"type": "struct", "fields": []}', p_properties =>
	'{"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "1"}') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.commit_kept() RETURNS text LANGUAGE sql AS $$
	SELECT icecat.commit_table('file_test', '{a}', 'kept', NULL, json_build_array(json_build_object('action', 'set-properties',
		'updates', json_build_object('k', gen_random_uuid())))) ->> 'metadata-location'
$$;
SELECT metadata_location AS kept1 FROM icecat.tables WHERE warehouse = 'file_test' AND table_name = 'kept' \gset
SELECT pg_temp.commit_kept() AS kept2 \gset
SELECT icecat.wait_for_metadata('file_test', '{a}', 'kept') AS written;
BEGIN;
SELECT pg_temp.commit_kept() AS kept3 \gset
SELECT pg_temp.commit_kept() AS kept4 \gset
SELECT right(location, 20) = right(:'kept1', 20) AS first, right(location, 20) = right(:'kept2', 20) AS second
FROM icecat_data.metadata_task WHERE kind = 'delete' ORDER BY version;
SELECT icecat.register_table('file_test', '{a}', 'copy', :'kept2') IS NOT NULL AS registered;
COMMIT;
SELECT icecat.wait_for_metadata('file_test', '{a}', 'kept') AS written;
CREATE FUNCTION pg_temp.done() RETURNS boolean LANGUAGE plpgsql AS $$
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
CREATE FUNCTION pg_temp.there(p_location text) RETURNS boolean LANGUAGE sql AS $$
	SELECT (pg_stat_file(substr(p_location, 8), true)).size IS NOT NULL
$$;
SELECT pg_temp.done();
SELECT pg_temp.there(:'kept1') AS in_the_log_of_copy, pg_temp.there(:'kept2') AS of_copy, icecat.load_table('file_test', '{a}', 'copy') IS NOT NULL AS copy_loads;
-- Put back: the queued deletion of what it then names again is void.
BEGIN;
SELECT pg_temp.commit_kept() IS NOT NULL AS done, pg_temp.commit_kept() IS NOT NULL AS done;
SELECT icecat.register_table('file_test', '{a}', 'kept', :'kept4', p_overwrite => true) IS NOT NULL AS put_back;
COMMIT;
SELECT pg_temp.done();
SELECT pg_temp.there(:'kept3') AS in_its_log, pg_temp.there(:'kept4') AS its_own, icecat.load_table('file_test', '{a}', 'kept') IS NOT NULL AS loads;
-- The copy is dropped: what lies at its location stays nevertheless, for its rows are kept.
SELECT icecat.drop_table('file_test', '{a}', 'copy');
SELECT pg_temp.commit_kept() IS NOT NULL AS done, pg_temp.commit_kept() IS NOT NULL AS done;
SELECT pg_temp.done();
SELECT pg_temp.there(:'kept3') AS third, pg_temp.there(:'kept4') AS fourth;
SELECT icecat.drop_table('file_test', '{a}', 'kept');

-- A warehouse that begins to write files: refused where the server cannot write those of its tables.
SELECT icecat.create_warehouse('file_test_none', 's3://b/none', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('file_test_none', '{a}') IS NOT NULL AS made;
SELECT icecat.create_table('file_test_none', '{a}', 'far', '{"type": "struct", "fields": []}', p_location => 's3://b/far') IS NOT NULL AS made;
SELECT icecat.alter_warehouse('file_test_none', p_updates => '{"icecat.metadata-write-mode": "async"}');
SELECT icecat.alter_warehouse('file_test_none', p_removals => '{icecat.metadata-write-mode}');
SELECT icecat.alter_warehouse('file_test_none', p_location => 'file://' || :'root' || '/none', p_updates => '{"icecat.metadata-write-mode": "sync"}');
SELECT icecat.alter_warehouse('file_test_none', p_location => 'file://' || :'root' || '/none') IS NOT NULL AS moved;
SELECT icecat.create_table('file_test_none', '{a}', 'own', '{"type": "struct", "fields": []}', p_location => 's3://b/own',
	p_properties => '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_table('file_test_none', '{a}', 'near', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT icecat.alter_warehouse('file_test_none', p_updates => '{"icecat.metadata-write-mode": "async"}');
SELECT icecat.drop_table('file_test_none', '{a}', 'far');
-- A table that says none itself stays as it is.
SELECT icecat.alter_warehouse('file_test_none', p_updates => '{"icecat.metadata-write-mode": "async"}') IS NOT NULL AS altered;
SELECT icecat.commit_table('file_test_none', '{a}', table_name, NULL, '[{"action": "set-properties", "updates": {"k": "v"}}]') IS NOT NULL AS done
FROM icecat.tables WHERE warehouse = 'file_test_none';
SELECT pg_temp.done();
SELECT icecat.drop_table('file_test_none', '{a}', table_name) FROM icecat.tables WHERE warehouse = 'file_test_none';
SELECT icecat.drop_namespace('file_test_none', '{a}'), icecat.drop_warehouse('file_test_none');

-- Outside the roots nothing is made.
SELECT icecat.create_table('file_test', '{a}', 'x', '{"type": "struct", "fields": []}', p_location => 'file:///icecat_elsewhere/x');
SELECT icecat.create_table('file_test', '{a}', 'x', '{"type": "struct", "fields": []}', p_location => 'gopher://x/y');
-- Nor does a later change lead there: each is refused when it is made, not left to the worker to fail for ever.
SELECT icecat.create_table('file_test', '{a}', 'later', '{"type": "struct", "fields": []}', p_location => 's3://b/later', p_properties => '{"icecat.metadata-write-mode": "none"}') ->> 'metadata-location' LIKE 's3://b/later/%' AS made;
SELECT icecat.commit_table('file_test', '{a}', 'later', NULL, '[{"action": "set-properties", "updates": {"icecat.metadata-write-mode": "async"}}]');
SELECT icecat.commit_table('file_test', '{a}', 't', NULL, '[{"action": "set-location", "location": "file:///icecat_elsewhere/x"}]');
SELECT icecat.commit_table('file_test', '{a}', 't', NULL, '[{"action": "set-properties", "updates": {"write.metadata.path": "s3://b/m"}}]');
DO $$
BEGIN
	EXECUTE format('COPY (SELECT regexp_replace(icecat.load_table(%L, %L, %L) ->> %L, %L, %L)) TO %L', 'file_test', '{a}', 't', 'metadata',
		'"location":"[^"]*"', '"location":"elsewhere"', current_setting('regress.root') || '/elsewhere.metadata.json');
END $$;
SELECT icecat.register_table('file_test', '{a}', 't', 'file://' || :'root' || '/elsewhere.metadata.json', p_overwrite => true);
SELECT icecat.drop_table('file_test', '{a}', 'later');
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
	EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format('cat >/dev/null; for i in 1 2 3 4 5; do rm -rf %s && exit 0; sleep 1; done; exit 1', current_setting('regress.root')));
END $$;
