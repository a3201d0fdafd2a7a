-- The state part of the step from 0.1.0 to 0.2.0 (see README.md here). Whole new files of sql/ are included; what changes in
-- an existing table is said here, in the IF [NOT] EXISTS forms. What reads or changes rows, or makes an index over them,
-- goes through pg_catalog.icecat_owner_step(), at the end. (It stands where nobody can put another of the name beside it.)
CREATE FUNCTION pg_catalog.icecat_owner_step(p_statement text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'sql_ice_owner_step';

-- Views: the queue carries the whole text of a view's file.
ALTER TABLE icecat_data.metadata_task ADD COLUMN IF NOT EXISTS document json;
COMMENT ON COLUMN icecat_data.metadata_task.table_id IS 'The table, or the view';
COMMENT ON COLUMN icecat_data.metadata_task.document IS 'The whole text of the file; only for the write of a view''s file';
COMMENT ON TABLE icecat_data.relation IS 'A table''s or a view''s name in a namespace; unique over both kinds';
COMMENT ON COLUMN icecat_data.event.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.event.object_id IS 'Id of the table, view or namespace; survives renames';
-- include 24_views.sql
-- include 25_locations.sql
-- include 26_idempotency.sql
-- Names whose case does not matter.
ALTER TABLE icecat_data.relation ADD COLUMN IF NOT EXISTS name_key text COLLATE "C";
COMMENT ON COLUMN icecat_data.relation.name_key IS 'icecat.case_key(name) where case does not matter (the warehouse''s icecat.case-mode), else NULL';
COMMENT ON COLUMN icecat_data.namespace.path_hash IS 'SHA-256 of the levels, each followed by a zero byte; of their icecat.case_key() where case does not matter';
-- What is dropped can be undropped for a while.
ALTER TABLE icecat_data.relation ADD COLUMN IF NOT EXISTS undrop_until timestamptz, ADD COLUMN IF NOT EXISTS purge_requested boolean;
COMMENT ON COLUMN icecat_data.relation.undrop_until IS 'Until when what was dropped can be undropped; NULL: it cannot, or the worker has ended that';
COMMENT ON COLUMN icecat_data.relation.purge_requested IS 'The drop asked for a purge, which is done when it cannot be undropped any more';
-- Lists in byte order, by pages.
DROP INDEX IF EXISTS icecat_data.namespace_parent_idx;
DROP FUNCTION IF EXISTS icecat.list_namespaces(text, text[]);
DROP FUNCTION IF EXISTS icecat.list_tables(text, text[]);
DROP FUNCTION IF EXISTS icecat.get_config(text);
-- include 30_warehouse_secrets.sql
COMMENT ON COLUMN icecat_data.metadata_task.head IS 'write of a table''s file: scalars and refs of version, which are not kept in rows; delete: the table''s uuid; purge: how many files it has deleted so far, about, and when it was first seen, if it had to wait for snapshots to be read; otherwise NULL';

-- Metrics reports by month. The old table leaves the extension, its rows go to the partitions of their months, which belong to no
-- extension, as those made at run time. Reports were not checked before: what does not read as one is kept under another type.
ALTER EXTENSION icecat DROP TABLE icecat_data.metrics_report;
ALTER TABLE icecat_data.metrics_report RENAME TO metrics_report_before;
-- include 29_metrics.sql
-- Answers with entity tags; snapshots=refs.
DROP FUNCTION IF EXISTS icecat.load_table(text, text[], text);
DROP FUNCTION IF EXISTS icecat.drop_namespace(text, text[]);
DROP FUNCTION IF EXISTS icecat.drop_warehouse(text);
DROP FUNCTION IF EXISTS icecat.rest_create_table(text, text[], json);
DROP FUNCTION IF EXISTS icecat.rest_register_table(text, text[], json);
DROP FUNCTION IF EXISTS icecat.rest_commit_table(text, text[], text, json);
DROP FUNCTION IF EXISTS icecat.worker_status();
DROP FUNCTION IF EXISTS icecat._worker_pid();

-- No foreign keys: they repeated the locks of the code, and dumps could not be restored in parallel.
ALTER TABLE icecat_data.namespace DROP CONSTRAINT IF EXISTS namespace_warehouse_fkey;
ALTER TABLE icecat_data.namespace DROP CONSTRAINT IF EXISTS namespace_parent_fkey;
ALTER TABLE icecat_data.relation DROP CONSTRAINT IF EXISTS relation_warehouse_fkey;
ALTER TABLE icecat_data.table_head DROP CONSTRAINT IF EXISTS table_head_relation_fkey;
ALTER TABLE icecat_data.table_part SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
-- What people filter by has columns. Rows that are there already keep it in their texts alone, where the views find it.
ALTER TABLE icecat_data.table_part ADD COLUMN IF NOT EXISTS at_ms bigint;
ALTER TABLE icecat_data.table_part ADD COLUMN IF NOT EXISTS operation text;
COMMENT ON COLUMN icecat_data.table_part.target IS 'Snapshot that a ref, a snapshot log entry or a statistics file points to; the parent of a snapshot (NULL: none, or only in the body)';
COMMENT ON COLUMN icecat_data.table_part.at_ms IS 'timestamp-ms of a snapshot or log entry, in milliseconds since 1970; NULL: only in the body, as in rows of version 0.1.0';
COMMENT ON COLUMN icecat_data.table_part.operation IS 'What a snapshot did: append, replace, overwrite or delete; NULL: only in the body, if anywhere';
CREATE OR REPLACE VIEW icecat_data.table_snapshot AS
SELECT warehouse_id, table_id, ordinal, id AS snapshot_id, removed_version, body,
	coalesce(target, (body ->> 'parent-snapshot-id')::bigint) AS parent_id,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms,
	coalesce(operation, body -> 'summary' ->> 'operation') AS operation
FROM icecat_data.table_part WHERE kind = 4;
CREATE OR REPLACE VIEW icecat_data.table_snapshot_log AS
SELECT warehouse_id, table_id, ordinal, target AS snapshot_id, removed_version, body,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms
FROM icecat_data.table_part WHERE kind = 6;
CREATE OR REPLACE VIEW icecat_data.table_metadata_log AS
SELECT warehouse_id, table_id, ordinal, key AS metadata_file, removed_version, body,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms
FROM icecat_data.table_part WHERE kind = 7;
-- include 30_restored_rows.sql
-- The audit log, and who an event was for.
ALTER TABLE icecat_data.event ADD COLUMN IF NOT EXISTS principal text;
COMMENT ON COLUMN icecat_data.event.principal IS 'icecat.principal of the transaction: who the gateway''s call was made for';
ALTER TABLE icecat_data.event_pending ADD COLUMN IF NOT EXISTS principal text, ADD COLUMN IF NOT EXISTS role text,
	ADD COLUMN IF NOT EXISTS login text, ADD COLUMN IF NOT EXISTS source text, ADD COLUMN IF NOT EXISTS client_address text;
COMMENT ON COLUMN icecat_data.event_pending.role IS 'For the audit log, as the columns after it: role whose privileges counted';
COMMENT ON COLUMN icecat_data.event_pending.login IS 'Role that the session had logged in as';
COMMENT ON COLUMN icecat_data.event_pending.source IS 'gateway, sql or worker';
COMMENT ON COLUMN icecat_data.event_pending.client_address IS 'icecat.client_address of the transaction, as the gateway set it';
-- include 30_audit.sql
-- Tokens and roles.
-- include 30_principals.sql
-- include 30_access.sql
-- include 30_policies.sql
-- include 30_credentials.sql
-- include 30_restrictions.sql
-- include 30_protections.sql
-- include 30_outside_files.sql
-- Tenants. (The index over warehouses is made at the end.)
ALTER TABLE icecat_data.warehouse ADD COLUMN IF NOT EXISTS tenant_id uuid;
COMMENT ON COLUMN icecat_data.warehouse.name IS 'REST prefix; unique in the database. That of a tenant''s begins with the tenant''s name and a slash, which its own roles leave out';
COMMENT ON COLUMN icecat_data.warehouse.tenant_id IS 'The tenant that owns it; NULL: none';
-- include 30_tenants.sql
-- include 30_quotas.sql
-- include 30_naming.sql
-- include 30_subscriptions.sql
-- Storage profiles. (The index over warehouses is made at the end.)
ALTER TABLE icecat_data.warehouse ADD COLUMN IF NOT EXISTS storage_profile_id uuid;
COMMENT ON COLUMN icecat_data.warehouse.storage_profile_id IS 'The storage profile by which its object store is reached; NULL: none';
-- include 30_storage_profiles.sql
-- include 30_vended.sql

-- include 31_config_dump.sql
-- include 32_planner_statistics.sql

-- Everything is the owner's from here on, so that the owner's steps can work with it.
-- include 90_owner.sql
-- Before there were privileges, who could execute a function could do all that it does. One function of each kind tells what a
-- role could do. (0 is PUBLIC.)
SELECT pg_catalog.icecat_owner_step($icecat$
INSERT INTO icecat_data.access_grant (warehouse_id, object_id, role, privilege, object_kind, grantor, granted_at)
SELECT DISTINCT '00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid, a.grantee::regrole,
	f.privilege, 'catalog', current_user, pg_catalog.clock_timestamp()
FROM (VALUES ('load_namespace', 'select'), ('commit_table', 'write'), ('create_table', 'create'), ('drop_table', 'drop'),
	('create_warehouse', 'manage')) AS f (name, privilege)
JOIN pg_catalog.pg_proc AS p ON p.pronamespace = 'icecat'::pg_catalog.regnamespace AND p.proname = f.name
CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE'
ON CONFLICT DO NOTHING
$icecat$);
-- Only now: the step before asks who could execute them.
DROP FUNCTION IF EXISTS icecat.create_warehouse(text, text, json);
DROP FUNCTION IF EXISTS icecat.drop_table(text, text[], text, boolean);
DROP FUNCTION IF EXISTS icecat.alter_warehouse(text, text, text, json, text[]);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS warehouse_tenant_idx ON icecat_data.warehouse (tenant_id) WHERE tenant_id IS NOT NULL
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS warehouse_profile_idx ON icecat_data.warehouse (storage_profile_id) WHERE storage_profile_id IS NOT NULL
$icecat$);
-- What can be undropped.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS relation_undrop_name_idx ON icecat_data.relation (warehouse_id, namespace_id, name)
	WHERE undrop_until IS NOT NULL
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS relation_undrop_idx ON icecat_data.relation (warehouse_id, undrop_until)
	WHERE undrop_until IS NOT NULL
$icecat$);
-- Names whose case does not matter.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS namespace_location_idx ON icecat_data.namespace
	(warehouse_id, (pg_catalog."left"(properties ->> 'location', 500)) COLLATE "C") WHERE properties ->> 'location' IS NOT NULL
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE UNIQUE INDEX IF NOT EXISTS relation_fold_key ON icecat_data.relation (warehouse_id, namespace_id, name_key)
	WHERE dropped_at IS NULL AND name_key IS NOT NULL
$icecat$);
-- Lists in byte order, by pages.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS namespace_child_idx ON icecat_data.namespace
	(warehouse_id, parent_id, (levels[pg_catalog.cardinality(levels)]) COLLATE "C")
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS relation_table_list_idx ON icecat_data.relation (warehouse_id, namespace_id, name COLLATE "C")
	WHERE kind = 'table' AND dropped_at IS NULL AND name <> ''
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS relation_view_list_idx ON icecat_data.relation (warehouse_id, namespace_id, name COLLATE "C")
	WHERE kind = 'view' AND dropped_at IS NULL AND name <> ''
$icecat$);
-- Every warehouse has what it signs page tokens with.
SELECT pg_catalog.icecat_owner_step($icecat$
INSERT INTO icecat_data.warehouse_secret (warehouse_id, purpose, secret, created_at)
SELECT warehouse_id, 'page-token', pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) ||
	pg_catalog.uuid_send(pg_catalog.gen_random_uuid()), pg_catalog.clock_timestamp()
FROM icecat_data.warehouse ON CONFLICT DO NOTHING
$icecat$);
-- Which tables a document belongs to, whatever their ids.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS table_head_uuid_idx ON icecat_data.table_head (warehouse_id, table_uuid)
$icecat$);
-- Queued files are found from every warehouse.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS metadata_task_file_idx ON icecat_data.metadata_task
	(warehouse_id, (pg_catalog.split_part(location, '/', -1)) COLLATE "C") WHERE kind = 'write' AND location <> ''
$icecat$);
-- Live rows are read past the removed ones.
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS table_part_live_idx ON icecat_data.table_part (warehouse_id, table_id, kind, ordinal)
	WHERE removed_version IS NULL AND ordinal >= 0
$icecat$);
-- What is due in the queue is found by an index.
COMMENT ON COLUMN icecat_data.metadata_task.next_attempt_at IS 'Not before this time; moved on by each failure, and far ahead while it waits for another task of the table; before created_at: it has waited';
SELECT pg_catalog.icecat_owner_step($icecat$
CREATE INDEX IF NOT EXISTS metadata_task_due_idx ON icecat_data.metadata_task (warehouse_id, database_id, kind, next_attempt_at)
$icecat$);
-- The reports of before, into the partitions of their months.
SELECT pg_catalog.icecat_owner_step($icecat$
DO $step$
DECLARE
	v_month timestamp;
	v_name text;
BEGIN
	FOR v_month IN
		SELECT DISTINCT pg_catalog.date_trunc('month', received_at AT TIME ZONE 'UTC') FROM icecat_data.metrics_report_before
	LOOP
		v_name := 'metrics_report_' || pg_catalog.to_char(v_month, 'YYYY_MM');
		EXECUTE pg_catalog.format('CREATE TABLE icecat_data.%1$s (LIKE icecat_data.metrics_report INCLUDING ALL,
			CONSTRAINT %1$s_pkey PRIMARY KEY (warehouse_id, report_id))', v_name);
		EXECUTE pg_catalog.format('CREATE INDEX %1$s_table_idx ON icecat_data.%1$s (warehouse_id, table_id, received_at)', v_name);
		EXECUTE pg_catalog.format('ALTER TABLE icecat_data.metrics_report ATTACH PARTITION icecat_data.%s FOR VALUES FROM (%L) TO (%L)',
			v_name, v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC');
	END LOOP;
END
$step$
$icecat$);
SELECT pg_catalog.icecat_owner_step($icecat$
INSERT INTO icecat_data.metrics_report (warehouse_id, report_id, table_id, received_at, report_type, report)
SELECT warehouse_id, report_id, table_id, received_at,
	CASE WHEN pg_catalog.json_typeof(report -> 'snapshot-id') = 'number'
			AND pg_catalog.json_typeof(report -> 'metrics') = 'object'
			AND coalesce(pg_catalog.json_typeof(report -> 'projected-field-ids'), 'array') = 'array'
			AND coalesce(pg_catalog.json_typeof(report -> 'projected-field-names'), 'array') = 'array'
			AND NOT pg_catalog.jsonb_path_exists(report::jsonb, '$.metrics.*.value ? (@.type() != "number" || @.floor() != @)')
			AND NOT pg_catalog.jsonb_path_exists(report::jsonb, '$.metrics.*."total-duration" ? (@.type() != "number" || @.floor() != @)')
			AND NOT pg_catalog.jsonb_path_exists(report::jsonb,
				'$.keyvalue() ? (@.key == "schema-id" || @.key == "sequence-number").value ? (@.type() != "number" || @.floor() != @)')
		THEN report_type ELSE 'unchecked ' || report_type END,
	report
FROM icecat_data.metrics_report_before
$icecat$);
DROP TABLE icecat_data.metrics_report_before;
-- Partitions belong to the extension; their rows are dumped as those of the tables for restored rows.
DO $icecat$
DECLARE
	v_partition regclass;
BEGIN
	FOR v_partition IN
		SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
		WHERE i.inhparent IN ('icecat_data.event'::pg_catalog.regclass, 'icecat_data.metrics_report'::pg_catalog.regclass)
			AND NOT EXISTS (
				SELECT FROM pg_catalog.pg_depend AS d
				WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.inhrelid AND d.deptype = 'e')
	LOOP
		EXECUTE pg_catalog.format('ALTER EXTENSION icecat ADD TABLE %s', v_partition);
	END LOOP;
END
$icecat$;
-- Whose file it is, of what is there already; a table may have been registered, so it counts as such.
SELECT pg_catalog.icecat_owner_step($icecat$
INSERT INTO icecat_data.location (warehouse_id, object_id, path, kind)
SELECT DISTINCT h.warehouse_id, h.object_id, CASE WHEN pg_catalog.octet_length(p.path) <= 2000 THEN p.path
	ELSE (SELECT pg_catalog."left"(p.path, pg_catalog.max(k)) FROM pg_catalog.generate_series(475, 1900) AS k
		WHERE pg_catalog.octet_length(pg_catalog."left"(p.path, k)) <= 1900) || '#' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.path, 'UTF8')), 'hex') END,
	h.kind
FROM (SELECT warehouse_id, table_id, location, 'location' FROM icecat_data.table_head
	UNION ALL SELECT warehouse_id, view_id, location, 'location' FROM icecat_data.view_head
	UNION ALL SELECT warehouse_id, table_id, metadata_location, 'registered' FROM icecat_data.table_head
	UNION ALL SELECT warehouse_id, view_id, metadata_location, 'file' FROM icecat_data.view_head
	UNION ALL SELECT warehouse_id, table_id, body ->> name, 'path'
		FROM icecat_data.table_part, pg_catalog.unnest('{write.metadata.path,write.data.path,write.object-storage.path,write.folder-storage.path}'::text[]) AS name
		WHERE kind = 3
	UNION ALL SELECT warehouse_id, table_id, key, 'file' FROM icecat_data.table_part WHERE kind = 7
	UNION ALL SELECT warehouse_id, table_id, body ->> 'manifest-list', 'file' FROM icecat_data.table_part WHERE kind = 4
	UNION ALL SELECT warehouse_id, table_id, body ->> 'statistics-path', 'file' FROM icecat_data.table_part WHERE kind IN (8, 9)
	) AS h (warehouse_id, object_id, location, kind)
CROSS JOIN LATERAL (SELECT CASE WHEN h.location ~* '^(file:)?/' THEN 'file:///' || pg_catalog.array_to_string(pg_catalog.array_remove(
		pg_catalog.array_remove(pg_catalog.string_to_array(pg_catalog.regexp_replace(h.location, '^file:', '', 'i'), '/'), ''), '.'), '/')
	WHEN h.location ~* '^s3[an]?://' THEN pg_catalog.rtrim(pg_catalog.regexp_replace(h.location, '^s3[an]?', 's3', 'i'), '/')
	WHEN h.location ~* '^(abfss?|wasbs?)://[^/@]*@' THEN pg_catalog.rtrim(pg_catalog.regexp_replace(pg_catalog.regexp_replace(h.location,
		'^[a-z]+', 'abfss', 'i'), '^(abfss://[^/@]*@[^/.]*)[.]blob[.]', '\1.dfs.', 'i'), '/')
	ELSE pg_catalog.rtrim(h.location, '/') END) AS p (path)
LEFT JOIN icecat_data.table_head AS t ON t.warehouse_id = h.warehouse_id AND t.table_id = h.object_id
WHERE p.path <> '' AND (pg_catalog.octet_length(p.path) <= 2000 OR h.kind IN ('file', 'registered'))
	AND (h.kind <> 'file' OR t.location IS NULL OR NOT pg_catalog.starts_with(h.location, t.location || '/'))
ON CONFLICT DO NOTHING
$icecat$);
DROP FUNCTION pg_catalog.icecat_owner_step(text);
