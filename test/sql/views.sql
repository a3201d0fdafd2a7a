-- The views over rows that are put in by hand, so that each kind of row is there; then, that dropping a warehouse
-- leaves nothing of it behind. All in one transaction, which is rolled back.
BEGIN;
\set W '''00000000-0000-7000-8000-00000000000a'''
\set T '''00000000-0000-7000-8000-000000000001'''
\set D '''00000000-0000-7000-8000-000000000002'''
\set E '''00000000-0000-7000-8000-000000000003'''
\set V '''00000000-0000-7000-8000-000000000004'''
INSERT INTO icecat_data.warehouse VALUES (:W, 'rv', 's3://b/rv', '{"owner": "x"}', '2026-01-02 03:04:05+00');
INSERT INTO icecat_data.warehouse_secret VALUES (:W, 'page-token', '\x00', '2026-01-02 03:04:05+00');
INSERT INTO icecat_data.namespace VALUES
	(:W, '00000000-0000-7000-8000-0000000000b1', NULL, '{n}', '\x01', '{}', '2026-01-02 03:04:05+00'),
	(:W, '00000000-0000-7000-8000-0000000000b2', '00000000-0000-7000-8000-0000000000b1', '{n,"sub.x"}', '\x02', '{"k": "v"}', '2026-01-02 03:04:06+00');
INSERT INTO icecat_data.relation VALUES
	(:W, :T, '00000000-0000-7000-8000-0000000000b2', 't', 'table', '2026-01-02 03:04:07+00', NULL),
	(:W, :D, '00000000-0000-7000-8000-0000000000b2', 'gone', 'table', '2026-01-02 03:04:07+00', '2026-01-02 03:04:08+00'),
	(:W, :E, '00000000-0000-7000-8000-0000000000b1', 'empty', 'table', '2026-01-02 03:04:09+00', NULL),
	(:W, :V, '00000000-0000-7000-8000-0000000000b1', 'v', 'view', '2026-01-02 03:04:10+00', NULL);
INSERT INTO icecat_data.table_head (warehouse_id, table_id, version, format_version, table_uuid, location,
	last_sequence_number, last_updated_ms, last_column_id, current_schema_id, default_spec_id, last_partition_id,
	default_sort_order_id, current_snapshot_id, next_row_id, metadata_location, metadata_log_count, file_expected, dropped_at)
VALUES
	(:W, :T, 5, 3, 'uuid-t', 's3://b/rv/t', 3, 1767323046123, 14, 1, 1, 1001, 1, 9223372036854775803, 30, 's3://b/rv/t/metadata/00005.json', 2, true, NULL),
	(:W, :D, 1, 2, 'uuid-d', 's3://b/rv/d', 0, 1767323046123, 1, 0, 0, 999, 0, -1, 0, 's3://b/rv/d/metadata/00001.json', 0, true, '2026-01-02 03:04:08+00'),
	(:W, :E, 1, 2, 'uuid-e', 's3://b/rv/e', 0, 1767323046123, 1, 0, 0, 999, 0, -1, 0, 's3://b/rv/e/metadata/00001.json', 0, true, NULL);
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 0;
INSERT INTO icecat_data.table_schema (warehouse_id, table_id, ordinal, schema_id, removed_version, body) VALUES
	(:W, :T, 1 << 20, 0, NULL, '{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]}'),
	(:W, :T, 2 << 20, 7, 3, '{"type":"struct","schema-id":7,"fields":[]}'),
	(:W, :T, 4 << 20, 1, NULL, '{"type":"struct","schema-id":1,"identifier-field-ids":[1],"fields":[
		{"id":1,"name":"id","required":true,"type":"long","doc":"the key"},
		{"id":2,"name":"price","required":false,"type":"decimal(38, 10)","initial-default":"0.0000000001","write-default":"12345678901234567890.1234567891"},
		{"id":3,"name":"p.q","required":false,"type":{"type":"struct","fields":[
			{"id":4,"name":"x","required":true,"type":"double"},
			{"id":5,"name":"y","required":false,"type":{"type":"list","element-id":6,"element-required":false,"element":
				{"type":"map","key-id":7,"key":"string","value-id":8,"value-required":true,"value":
					{"type":"struct","fields":[{"id":9,"name":"deep","required":false,"type":"timestamptz_ns"}]}}}}]}},
		{"id":10,"name":"v","required":false,"type":"variant"}]}'),
	(:W, :E, 1 << 20, 0, NULL, '{"type":"struct","schema-id":0,"identifier-field-ids":null,"fields":[{"id":1,"name":"a","required":false,"type":"int"}]}'),
	(:W, :D, 1 << 20, 0, NULL, '{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":false,"type":"int"}]}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 1;
INSERT INTO icecat_data.table_partition_spec (warehouse_id, table_id, ordinal, spec_id, removed_version, body) VALUES
	(:W, :T, 1 << 20, 0, NULL, '{"spec-id":0,"fields":[]}'),
	(:W, :T, 2 << 20, 1, NULL, '{"spec-id":1,"fields":[{"source-id":4,"field-id":1000,"name":"x_trunc","transform":"truncate[10]"},{"source-ids":[9,1],"field-id":1001,"name":"b","transform":"bucket[16]"}]}'),
	(:W, :T, 3 << 20, 2, 4, '{"spec-id":2,"fields":[]}'),
	(:W, :E, 1 << 20, 0, NULL, '{"spec-id":0,"fields":[]}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 2;
INSERT INTO icecat_data.table_sort_order (warehouse_id, table_id, ordinal, order_id, removed_version, body) VALUES
	(:W, :T, 1 << 20, 0, NULL, '{"order-id":0,"fields":[]}'),
	(:W, :T, 2 << 20, 1, NULL, '{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-first"},{"transform":"bucket[4]","source-id":99,"direction":"desc","null-order":"nulls-last"}]}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 3;
INSERT INTO icecat_data.table_property_set (warehouse_id, table_id, ordinal, removed_version, body) VALUES
	(:W, :T, 1 << 20, 2, '{"old":"1"}'), (:W, :T, 2 << 20, NULL, '{"write.format.default":"parquet","caf\u00e9":"\u0022"}'), (:W, :E, 1 << 20, NULL, '{}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 4;
INSERT INTO icecat_data.table_snapshot (warehouse_id, table_id, ordinal, snapshot_id, removed_version, body) VALUES
	(:W, :T, 2 << 20, 9223372036854775801, NULL, '{"snapshot-id":9223372036854775801,"sequence-number":1,"timestamp-ms":1767323041001,"manifest-list":"s3://b/1.avro","summary":{"operation":"append","added-records":"10"},"schema-id":0,"first-row-id":0,"added-rows":10}'),
	(:W, :T, 3 << 20, 9223372036854775802, NULL, '{"snapshot-id":9223372036854775802,"parent-snapshot-id":9223372036854775801,"sequence-number":2,"timestamp-ms":1767323042002,"manifest-list":"s3://b/2.avro","summary":{"operation":"overwrite"},"schema-id":0,"first-row-id":10,"added-rows":10}'),
	(:W, :T, 4 << 20, 9223372036854775803, NULL, '{"snapshot-id":9223372036854775803,"parent-snapshot-id":9223372036854775801,"sequence-number":3,"timestamp-ms":1767323043003,"manifest-list":"s3://b/3.avro","summary":{"operation":"append"},"schema-id":1,"first-row-id":20,"added-rows":10}'),
	(:W, :T, 1 << 20, 5, 2, '{"snapshot-id":5,"timestamp-ms":99999999999999999,"manifest-list":"s3://b/0.avro"}'),
	(:W, :E, 1 << 20, 6, NULL, '{"snapshot-id":6,"timestamp-ms":9223372036854775807,"manifests":["s3://b/m.avro"],"parent-snapshot-id":null}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 5;
INSERT INTO icecat_data.table_ref (warehouse_id, table_id, ordinal, name, snapshot_id, body) VALUES
	(:W, :T, 4 << 20, 'main', 9223372036854775803, '{"snapshot-id":9223372036854775803,"type":"branch"}'),
	(:W, :T, 3 << 20, 'audit', 9223372036854775802, '{"snapshot-id":9223372036854775802,"type":"branch","min-snapshots-to-keep":3,"max-snapshot-age-ms":86400000,"max-ref-age-ms":9223372036854775807}'),
	(:W, :T, 2 << 20, 'v1', 9223372036854775801, '{"snapshot-id":9223372036854775801,"type":"tag","max-ref-age-ms":1}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 6;
INSERT INTO icecat_data.table_snapshot_log (warehouse_id, table_id, ordinal, snapshot_id, removed_version, body) VALUES
	(:W, :T, (1 << 20) + 1, 5, 4, '{"snapshot-id":5,"timestamp-ms":1}'),
	(:W, :T, 2 << 20, 9223372036854775801, NULL, '{"snapshot-id":9223372036854775801,"timestamp-ms":1767323041001}'),
	(:W, :T, 3 << 20, 9223372036854775802, NULL, '{"snapshot-id":9223372036854775802,"timestamp-ms":1767323042002}'),
	(:W, :T, (3 << 20) + 1, 9223372036854775801, NULL, '{"snapshot-id":9223372036854775801,"timestamp-ms":1767323042502}'),
	(:W, :T, 4 << 20, 9223372036854775803, NULL, '{"snapshot-id":9223372036854775803,"timestamp-ms":1767323043003}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 7;
INSERT INTO icecat_data.table_metadata_log (warehouse_id, table_id, ordinal, metadata_file, removed_version, body) VALUES
	(:W, :T, 1 << 20, 's3://b/rv/t/metadata/foreign.json', NULL, '{"metadata-file":"s3://b/rv/t/metadata/foreign.json","timestamp-ms":1767323000000}'),
	(:W, :T, 2 << 20, 's3://b/rv/t/metadata/00001.json', 5, '{"metadata-file":"s3://b/rv/t/metadata/00001.json","timestamp-ms":1767323040000}'),
	(:W, :T, 5 << 20, 's3://b/rv/t/metadata/00004.json', NULL, '{"metadata-file":"s3://b/rv/t/metadata/00004.json","timestamp-ms":1767323043003}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 8;
INSERT INTO icecat_data.table_statistics (warehouse_id, table_id, ordinal, snapshot_id, removed_version, body) VALUES (:W, :T, 5 << 20, 1, NULL, '{}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 9;
INSERT INTO icecat_data.table_partition_statistics (warehouse_id, table_id, ordinal, snapshot_id, removed_version, body) VALUES (:W, :T, 5 << 20, 1, NULL, '{}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 10;
INSERT INTO icecat_data.table_encryption_key (warehouse_id, table_id, ordinal, key_id, removed_version, body) VALUES (:W, :T, 5 << 20, 'k', NULL, '{}');
ALTER TABLE icecat_data.table_part ALTER kind SET DEFAULT 11;
INSERT INTO icecat_data.table_extra (warehouse_id, table_id, ordinal, removed_version, body) VALUES (:W, :T, 5 << 20, NULL, '{}');
INSERT INTO icecat_data.idempotency (warehouse_id, key, created_at, expires_at, operation, request_hash) VALUES (:W, :T, now(), now(), 'dropTable', '');
INSERT INTO icecat_data.access_grant (warehouse_id, object_id, role, privilege, object_kind, grantor, granted_at) VALUES (:W, :W, current_user::regrole, 'usage', 'warehouse', 'nobody', now());
INSERT INTO icecat_data.read_restriction (warehouse_id, object_id, role, table_uuid, set_by, set_at) VALUES (:W, :W, current_user::regrole, 'x', 'nobody', now());
INSERT INTO icecat_data.view_definer (warehouse_id, view_id, role, property, set_at) VALUES (:W, :W, current_user::regrole, 'x', now());
INSERT INTO icecat_data.label (warehouse_id, object_id, field_id, name, value, object_kind, set_by, set_at) VALUES (:W, :W, -1, 'x', 'x', 'table', 'nobody', now());
INSERT INTO icecat_data.protection (warehouse_id, object_id, object_kind, set_by, set_at) VALUES (:W, :T, 'table', 'nobody', now());
INSERT INTO icecat_data.subscription (warehouse_id, name, role, acked, created_at) VALUES (:W, 'x', current_user::regrole, 0, now());
INSERT INTO icecat_data.inspection (warehouse_id, table_id, snapshot_id, created_at, attempts, next_attempt_at, database_id, awaited) VALUES (:W, :T, 1, now(), 0, 'infinity', 0, false);
INSERT INTO icecat_data.outside_file (warehouse_id, table_id, snapshot_id, n, path, found_at) VALUES (:W, :T, 1, 1, 'x', now());
INSERT INTO icecat_data.file_reference (warehouse_id, table_id, path) VALUES (:W, :T, 'x');
INSERT INTO icecat_data.view_head (warehouse_id, view_id, version, format_version, view_uuid, location, current_version_id, metadata_location, file_expected, updated_at) VALUES
	(:W, :V, 4, 1, 'uuid-v', 's3://b/rv/v', 3, 's3://b/rv/v/metadata/00003.json', true, '2026-01-02 03:04:11+00');
INSERT INTO icecat_data.view_part (warehouse_id, view_id, kind, ordinal, id, body) VALUES
	(:W, :V, 0, 1 << 20, 0, '{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":false,"type":"long"}]}'),
	(:W, :V, 1, (1 << 20) + 1, 1, '{"version-id":1,"timestamp-ms":1767323041001,"schema-id":0,"summary":{},"default-namespace":[],"representations":[{"type":"sql","sql":"SELECT 1","dialect":"spark"}]}'),
	(:W, :V, 1, 4 << 20, 3, '{"version-id":3,"timestamp-ms":9223372036854775807,"schema-id":0,"summary":{"engine-name":"x"},"default-catalog":"prod","default-namespace":["a","b.c"],"representations":[{"type":"sql","sql":"SELECT \"2\"","dialect":"trino"},{"type":"sql","sql":"SELECT 2","dialect":"spark"},{"type":"other","x":1}]}'),
	(:W, :V, 2, (1 << 20) + 2, 1, '{"version-id":1,"timestamp-ms":1767323041001}'),
	(:W, :V, 2, (4 << 20) + 1, 3, '{"version-id":3,"timestamp-ms":1767323042002}');
CREATE TABLE icecat_data.metrics_report_test PARTITION OF icecat_data.metrics_report FOR VALUES FROM ('1990-01-01 00:00:00+00') TO ('1990-02-01 00:00:00+00');
INSERT INTO icecat_data.metrics_report (warehouse_id, report_id, table_id, received_at, report_type, report) VALUES (:W, :T, :T, '1990-01-02 00:00:00+00', 'scan-report', '{}');
INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, location, head, created_at, attempts, next_attempt_at, last_error, database_id) VALUES
	(:W, :T, 5, 0, 'write', 's3://b/rv/t/metadata/00005.json', '{}', now(), 2, '2026-01-02 03:05:00+00', 'no route', 0),
	(:W, :T, 5, 1, 'delete', 's3://b/rv/t/metadata/00001.json', NULL, now(), 0, '2026-01-02 03:05:00+00', NULL, 0);
INSERT INTO icecat_data.event_pending (warehouse_id, event_id, occurred_at, position, event_type, object_kind, object_id, version, actor) VALUES (:W, :T, now(), 0, 'x', 'table', :T, 1, 'me');
INSERT INTO icecat_data.event_counter (warehouse_id, last_number) VALUES (:W, 1);
CREATE TABLE icecat_data.event_test PARTITION OF icecat_data.event FOR VALUES FROM ('1990-01-01 00:00:00+00') TO ('1990-02-01 00:00:00+00');
INSERT INTO icecat_data.event (warehouse_id, number, event_id, occurred_at, event_type, object_kind, object_id, version, actor) VALUES (:W, 1, :T, '1990-01-02 00:00:00+00', 'x', 'table', :T, 1, 'me');

\pset null '<null>'
\x on
SET timezone = 'UTC';
SELECT * FROM icecat.warehouses WHERE warehouse = 'rv';
SELECT * FROM icecat.namespaces WHERE warehouse = 'rv' ORDER BY depth;
SELECT * FROM icecat.tables WHERE warehouse = 'rv' ORDER BY table_name DESC;
\x off
SELECT table_name, ordinal, field_id, parent_field_id, path, full_name, name, type, required, doc, position, depth, is_identifier
FROM icecat.columns WHERE warehouse = 'rv' ORDER BY table_name DESC, ordinal;
SELECT schema_id, field_id, initial_default, write_default, type_definition FROM icecat.columns
WHERE warehouse = 'rv' AND namespace = '{n,sub.x}' AND table_name = 't' AND full_name IN ('price', 'p.q.y.element.key', 'v') ORDER BY ordinal;
SELECT table_name, schema_id, is_current, column_count, identifier_field_ids, added_in_version, length(definition::text)
FROM icecat.schemas WHERE warehouse = 'rv' ORDER BY table_name DESC, schema_id;
SELECT table_name, snapshot_id, parent_snapshot_id, sequence_number, timestamp_ms, committed_at, operation, manifest_list
FROM icecat.snapshots WHERE warehouse = 'rv' ORDER BY table_name DESC, snapshot_id;
SELECT snapshot_id, summary, schema_id, first_row_id, added_rows, is_current, added_in_version
FROM icecat.snapshots WHERE warehouse = 'rv' ORDER BY snapshot_id;
SELECT definition FROM icecat.snapshots WHERE warehouse = 'rv' AND table_name = 'empty';
SELECT table_name, name, type, snapshot_id, max_ref_age_ms, min_snapshots_to_keep, max_snapshot_age_ms, changed_in_version
FROM icecat.refs WHERE warehouse = 'rv' ORDER BY name;
SELECT table_name, spec_id, is_default, position, field_id, name, transform, source_ids, source_columns, added_in_version
FROM icecat.partition_specs WHERE warehouse = 'rv' ORDER BY table_name DESC, spec_id, position;
SELECT table_name, order_id, is_default, position, transform, direction, null_order, source_ids, source_columns, added_in_version
FROM icecat.sort_orders WHERE warehouse = 'rv' ORDER BY table_name DESC, order_id, position;
SELECT table_name, key, value FROM icecat.table_properties WHERE warehouse = 'rv' ORDER BY key COLLATE "C";
SELECT table_name, ordinal, timestamp_ms, made_current_at, snapshot_id, parent_snapshot_id, is_current_ancestor
FROM icecat.history WHERE warehouse = 'rv' ORDER BY ordinal;
SELECT table_name, file, version, timestamp_ms, updated_at, is_current, is_queued, attempts, last_error
FROM icecat.metadata_files WHERE warehouse = 'rv' ORDER BY table_name DESC, timestamp_ms;
\x on
SELECT * FROM icecat.views WHERE warehouse = 'rv';
\x off
SELECT version_id, is_current, timestamp_ms, made_at, schema_id, summary, default_catalog, default_namespace, dialects, added_in_version, length(schema::text), length(definition::text)
FROM icecat.view_versions WHERE warehouse = 'rv' ORDER BY version_id;
SELECT view_name, version_id, is_current, position, type, dialect, sql FROM icecat.view_representations WHERE warehouse = 'rv' ORDER BY version_id, position;
SELECT view_name, timestamp_ms, made_current_at, version_id, ordinal FROM icecat.view_history WHERE warehouse = 'rv' ORDER BY ordinal;
\pset null ''

-- A warehouse whose files are still in the queue, or that has namespaces, stays.
SAVEPOINT s;
SELECT icecat.drop_warehouse('rv');
ROLLBACK TO SAVEPOINT s;
DELETE FROM icecat_data.namespace WHERE warehouse_id = :W;
SAVEPOINT s;
SELECT icecat.drop_warehouse('rv');
\echo :SQLSTATE
ROLLBACK TO SAVEPOINT s;

-- Tables of icecat_data with no row of the warehouse, before and after it is dropped. A new table must come into
-- the rows above and into ice_warehouse_delete(). The audit log stays. (The queue and the namespaces must be empty to begin with.)
CREATE FUNCTION pg_temp.tables_with(p_warehouse_id uuid) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	v_table text;
	v_found boolean;
BEGIN
	FOR v_table IN
		SELECT c.relname FROM pg_class AS c
		WHERE c.relnamespace = 'icecat_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname !~ '^audit'
		ORDER BY c.relname COLLATE "C"
	LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM icecat_data.%I WHERE warehouse_id = $1)', v_table)
			INTO v_found USING p_warehouse_id;
		IF v_found THEN
			RETURN NEXT v_table;
		END IF;
	END LOOP;
END
$$;
DELETE FROM icecat_data.metadata_task WHERE warehouse_id = :W;
INSERT INTO icecat_data.location (warehouse_id, object_id, path, kind)
	SELECT warehouse_id, relation_id, 'file:///nowhere', 'location' FROM icecat_data.relation WHERE warehouse_id = :W LIMIT 1;
INSERT INTO icecat_data.commit_policy VALUES (:W, 'p', :W, 'warehouse', 'pg_catalog.json_typeof(json)', 'before', 'me', now());
INSERT INTO icecat_data.naming_rule VALUES (:W, :W, 'table', 'warehouse', '.*', 'me', now());
INSERT INTO icecat_data.event_restored SELECT warehouse_id, 0, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, version, actor
	FROM icecat_data.event_pending WHERE warehouse_id = :W LIMIT 1;
INSERT INTO icecat_data.metrics_report_restored SELECT * FROM icecat_data.metrics_report WHERE warehouse_id = :W LIMIT 1;
INSERT INTO icecat_data.vended_credential VALUES (:W, '\x00', 'k1', '\x00', now(), now());
SELECT relname AS empty_before FROM pg_class
WHERE relnamespace = 'icecat_data'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
	AND relname !~ '^audit' AND relname NOT IN (SELECT * FROM pg_temp.tables_with(:W)) ORDER BY relname COLLATE "C";
SELECT icecat.drop_warehouse('rv');
SELECT * FROM pg_temp.tables_with(:W) AS left_behind;
ROLLBACK;

-- A filter on the table reads that table only, through its keys.
CREATE FUNCTION pg_temp.scans(p_query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	v_line text;
BEGIN
	FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || p_query LOOP
		IF v_line ~ 'Seq Scan on (table_|relation|metadata_task)' THEN
			RETURN NEXT trim(v_line);
		END IF;
	END LOOP;
END
$$;
SET enable_seqscan = off;
SELECT v, s FROM unnest('{tables,columns,schemas,snapshots,refs,partition_specs,sort_orders,table_properties,history,metadata_files}'::text[]) AS v,
	pg_temp.scans(format('SELECT * FROM icecat.%I WHERE warehouse = ''w'' AND namespace = ''{n}'' AND table_name = ''t''', v)) AS s;
