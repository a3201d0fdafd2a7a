-- icecat: an Apache Iceberg REST catalog inside PostgreSQL.
\echo Use "CREATE EXTENSION icecat" to load this file. \quit
-- Iceberg's texts are UTF-8. In a database of another encoding names and metadata would be stored as something else.

DO $icecat$
BEGIN
	IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
		RAISE feature_not_supported USING
			MESSAGE = pg_catalog.format('icecat needs a database with encoding UTF8; this one has %s', pg_catalog.getdatabaseencoding()),
			HINT = 'CREATE DATABASE name TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C''';
	END IF;
END
$icecat$;
-- UPGRADE: changes here need an upgrade script.
-- The two schemas. icecat is the contract: functions and views. icecat_data is the truth: tables that
-- only the functions write. Both belong to the role that ran CREATE EXTENSION, so that a database
-- owner without superuser rights can install and run the catalog.

CREATE SCHEMA icecat AUTHORIZATION @extowner@;
CREATE SCHEMA icecat_data AUTHORIZATION @extowner@;
COMMENT ON SCHEMA icecat IS 'Iceberg catalog: functions (one per REST operation) and views';
COMMENT ON SCHEMA icecat_data IS 'Iceberg catalog: the tables behind schema icecat; written by its functions only';
-- UPGRADE: changes here need an upgrade script.
-- The directory of warehouses. It is the one table whose unique name does not start with the
-- warehouse: it is what finds the warehouse (and becomes a reference table when distributed).

CREATE TABLE icecat_data.warehouse (
	warehouse_id uuid NOT NULL CONSTRAINT warehouse_pkey PRIMARY KEY,
	name text NOT NULL CONSTRAINT warehouse_name_key UNIQUE
		CONSTRAINT warehouse_name_length CHECK (octet_length(name) BETWEEN 1 AND 255),
	location text,
	properties json NOT NULL,
	created_at timestamptz NOT NULL
);
COMMENT ON TABLE icecat_data.warehouse IS 'A catalog of its own: the {prefix} of the REST paths';
COMMENT ON COLUMN icecat_data.warehouse.name IS 'REST prefix; unique in the database';
COMMENT ON COLUMN icecat_data.warehouse.location IS 'URI below which table locations are derived; NULL: every namespace or table names its own';
COMMENT ON COLUMN icecat_data.warehouse.properties IS 'JSON object of strings; icecat.metadata-write-mode is read from here';
-- UPGRADE: changes here need an upgrade script.
-- Namespaces, nested to any allowed depth. Found by a hash of the whole path, because a path can be
-- longer than an index entry. Creating anything inside one locks its row FOR KEY SHARE, dropping
-- it FOR UPDATE: an orphan cannot come to be.

CREATE TABLE icecat_data.namespace (
	warehouse_id uuid NOT NULL,
	namespace_id uuid NOT NULL,
	parent_id uuid,
	levels text[] NOT NULL,
	path_hash bytea NOT NULL,
	properties json NOT NULL,
	created_at timestamptz NOT NULL,
	CONSTRAINT namespace_pkey PRIMARY KEY (warehouse_id, namespace_id),
	CONSTRAINT namespace_path_key UNIQUE (warehouse_id, path_hash),
	CONSTRAINT namespace_warehouse_fkey FOREIGN KEY (warehouse_id)
		REFERENCES icecat_data.warehouse (warehouse_id),
	CONSTRAINT namespace_parent_fkey FOREIGN KEY (warehouse_id, parent_id)
		REFERENCES icecat_data.namespace (warehouse_id, namespace_id),
	CONSTRAINT namespace_has_levels CHECK (cardinality(levels) >= 1)
) WITH (fillfactor = 90);
CREATE INDEX namespace_parent_idx ON icecat_data.namespace (warehouse_id, parent_id);
COMMENT ON TABLE icecat_data.namespace IS 'A namespace; its full path is levels';
COMMENT ON COLUMN icecat_data.namespace.parent_id IS 'The namespace one level up; NULL at the top';
COMMENT ON COLUMN icecat_data.namespace.levels IS 'The path from the top, one element a level';
COMMENT ON COLUMN icecat_data.namespace.path_hash IS 'SHA-256 of the levels, each followed by a zero byte';
COMMENT ON COLUMN icecat_data.namespace.properties IS 'JSON object of strings, exactly as set';
-- UPGRADE: changes here need an upgrade script.
-- A name (relation) and the hot row of a table (table_head). Renames and drops touch the name, commits
-- the head. The head is narrow and never indexed on what changes, so its updates are HOT.

CREATE TABLE icecat_data.relation (
	warehouse_id uuid NOT NULL,
	relation_id uuid NOT NULL,
	namespace_id uuid NOT NULL,
	name text NOT NULL,
	kind text NOT NULL CONSTRAINT relation_kind CHECK (kind IN ('table', 'view')),
	created_at timestamptz NOT NULL,
	dropped_at timestamptz,
	CONSTRAINT relation_pkey PRIMARY KEY (warehouse_id, relation_id),
	CONSTRAINT relation_warehouse_fkey FOREIGN KEY (warehouse_id)
		REFERENCES icecat_data.warehouse (warehouse_id),
	CONSTRAINT relation_name_length CHECK (octet_length(name) BETWEEN 1 AND 255)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX relation_name_key ON icecat_data.relation (warehouse_id, namespace_id, name)
	WHERE dropped_at IS NULL;
CREATE INDEX relation_dropped_idx ON icecat_data.relation (warehouse_id, dropped_at)
	WHERE dropped_at IS NOT NULL;
COMMENT ON TABLE icecat_data.relation IS 'A table''s (later: a view''s) name in a namespace; unique over both kinds';
COMMENT ON COLUMN icecat_data.relation.dropped_at IS 'Set by a drop: the name is free, the rows stay until the worker trims them';

CREATE TABLE icecat_data.table_head (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	version bigint NOT NULL,
	format_version smallint NOT NULL,
	table_uuid text NOT NULL,
	location text NOT NULL,
	last_sequence_number bigint NOT NULL,
	last_updated_ms bigint NOT NULL,
	last_column_id integer NOT NULL,
	current_schema_id integer NOT NULL,
	default_spec_id integer NOT NULL,
	last_partition_id integer NOT NULL,
	default_sort_order_id integer NOT NULL,
	current_snapshot_id bigint NOT NULL,
	next_row_id bigint NOT NULL,
	metadata_location text NOT NULL,
	metadata_log_count integer NOT NULL,
	file_expected boolean NOT NULL,
	dropped_at timestamptz,
	CONSTRAINT table_head_pkey PRIMARY KEY (warehouse_id, table_id),
	CONSTRAINT table_head_relation_fkey FOREIGN KEY (warehouse_id, table_id)
		REFERENCES icecat_data.relation (warehouse_id, relation_id)
) WITH (fillfactor = 60);
COMMENT ON TABLE icecat_data.table_head IS 'The scalars of a table''s metadata; a commit locks and updates this one row';
COMMENT ON COLUMN icecat_data.table_head.version IS 'Commit counter: 1 after creation, one more with each commit';
COMMENT ON COLUMN icecat_data.table_head.current_snapshot_id IS '-1: none';
COMMENT ON COLUMN icecat_data.table_head.next_row_id IS 'Iceberg v3 row lineage; 0 below format version 3';
COMMENT ON COLUMN icecat_data.table_head.metadata_location IS 'URI of the metadata.json of this version; the file may still be in the queue (metadata_task)';
COMMENT ON COLUMN icecat_data.table_head.metadata_log_count IS 'Live rows of table_metadata_log';
COMMENT ON COLUMN icecat_data.table_head.file_expected IS 'The metadata file of this version was queued or written; false in mode none';
COMMENT ON COLUMN icecat_data.table_head.dropped_at IS 'As in relation, so that a waiting commit sees the drop';
-- UPGRADE: changes here need an upgrade script.
-- The lists of a table's metadata, a row an element, of all kinds in one table: a load is one index scan.
-- body is the element's exact JSON text and is authoritative; other columns repeat what is looked up.
-- ordinal = (version << 20) + n, where version is the commit that added the row, so that order is document
-- order and a row knows its commit. A removal sets removed_version and the worker deletes the row once no
-- queued metadata file needs it: the document of any queued version can still be assembled, exactly. Refs
-- There are no CHECK constraints: PostgreSQL parses them anew for every insertion; check_integrity() looks. Refs
-- are replaced in place (nothing that changes is indexed, so these updates are HOT); the queue keeps a copy of theirs.

CREATE TABLE icecat_data.table_part (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	kind smallint NOT NULL,
	ordinal bigint NOT NULL,
	id bigint,
	key text,
	target bigint,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_part_pkey PRIMARY KEY (warehouse_id, table_id, kind, ordinal)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX table_part_id_key ON icecat_data.table_part (warehouse_id, table_id, kind, id)
	WHERE removed_version IS NULL AND id IS NOT NULL;
CREATE UNIQUE INDEX table_part_key_key ON icecat_data.table_part (warehouse_id, table_id, kind, key)
	WHERE removed_version IS NULL AND kind IN (5, 10);
CREATE INDEX table_part_removed_idx ON icecat_data.table_part (warehouse_id, table_id, removed_version)
	WHERE removed_version IS NOT NULL;
COMMENT ON TABLE icecat_data.table_part IS 'Elements of the lists of tables'' metadata: schemas, partition specs, sort orders, properties, snapshots, refs, logs, statistics, keys';
COMMENT ON COLUMN icecat_data.table_part.kind IS '0 schema, 1 partition spec, 2 sort order, 3 properties, 4 snapshot, 5 ref, 6 snapshot log entry, 7 metadata log entry, 8 statistics, 9 partition statistics, 10 encryption key, 11 unknown fields';
COMMENT ON COLUMN icecat_data.table_part.ordinal IS 'Place in its list: (version that added it << 20) + n';
COMMENT ON COLUMN icecat_data.table_part.id IS 'schema-id, spec-id, order-id or snapshot-id of what has one of its own';
COMMENT ON COLUMN icecat_data.table_part.key IS 'Name of a ref, file of a metadata log entry, key-id of an encryption key';
COMMENT ON COLUMN icecat_data.table_part.target IS 'Snapshot that a ref, a snapshot log entry or a statistics file points to';
COMMENT ON COLUMN icecat_data.table_part.removed_version IS 'Commit that removed it; NULL: live';
COMMENT ON COLUMN icecat_data.table_part.body IS 'Exact JSON text of the element';

-- One view a kind, for people and for the views of schema icecat.

CREATE VIEW icecat_data.table_schema AS
SELECT warehouse_id, table_id, ordinal, id AS schema_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 0;
COMMENT ON VIEW icecat_data.table_schema IS 'Schemas of a table; removed rows too';

CREATE VIEW icecat_data.table_partition_spec AS
SELECT warehouse_id, table_id, ordinal, id AS spec_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 1;
COMMENT ON VIEW icecat_data.table_partition_spec IS 'Partition specs of a table; removed rows too';

CREATE VIEW icecat_data.table_sort_order AS
SELECT warehouse_id, table_id, ordinal, id AS order_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 2;
COMMENT ON VIEW icecat_data.table_sort_order IS 'Sort orders of a table; removed rows too';

CREATE VIEW icecat_data.table_property_set AS
SELECT warehouse_id, table_id, ordinal, removed_version, body
FROM icecat_data.table_part WHERE kind = 3;
COMMENT ON VIEW icecat_data.table_property_set IS 'Properties of a table: one live row, a JSON object of strings; removed rows too';

CREATE VIEW icecat_data.table_snapshot AS
SELECT warehouse_id, table_id, ordinal, id AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 4;
COMMENT ON VIEW icecat_data.table_snapshot IS 'Snapshots of a table; removed rows too';

CREATE VIEW icecat_data.table_ref AS
SELECT warehouse_id, table_id, ordinal, key AS name, target AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 5;
COMMENT ON VIEW icecat_data.table_ref IS 'Branches and tags of a table; removed rows too';

CREATE VIEW icecat_data.table_snapshot_log AS
SELECT warehouse_id, table_id, ordinal, target AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 6;
COMMENT ON VIEW icecat_data.table_snapshot_log IS 'Snapshot log of a table: when a snapshot became current; removed rows too';

CREATE VIEW icecat_data.table_metadata_log AS
SELECT warehouse_id, table_id, ordinal, key AS metadata_file, removed_version, body
FROM icecat_data.table_part WHERE kind = 7;
COMMENT ON VIEW icecat_data.table_metadata_log IS 'Metadata log of a table: its earlier metadata files; removed rows too';

CREATE VIEW icecat_data.table_statistics AS
SELECT warehouse_id, table_id, ordinal, target AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 8;
COMMENT ON VIEW icecat_data.table_statistics IS 'Statistics (Puffin) files of a table''s snapshots; removed rows too';

CREATE VIEW icecat_data.table_partition_statistics AS
SELECT warehouse_id, table_id, ordinal, target AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 9;
COMMENT ON VIEW icecat_data.table_partition_statistics IS 'Partition statistics files of a table''s snapshots; removed rows too';

CREATE VIEW icecat_data.table_encryption_key AS
SELECT warehouse_id, table_id, ordinal, key AS key_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 10;
COMMENT ON VIEW icecat_data.table_encryption_key IS 'Wrapped encryption keys of a table; removed rows too';

CREATE VIEW icecat_data.table_extra AS
SELECT warehouse_id, table_id, ordinal, removed_version, body
FROM icecat_data.table_part WHERE kind = 11;
COMMENT ON VIEW icecat_data.table_extra IS 'Top-level metadata fields that icecat does not know, kept as they came: one JSON object; removed rows too';
-- UPGRADE: changes here need an upgrade script.
-- The outbox. A mutation inserts its event into event_pending in its own transaction, without a number:
-- a number taken there would lie, because a lower one can commit later. The sequencer (the worker, or
-- whoever reads) moves committed rows to event and numbers them, one at a time per warehouse under the lock
-- of the event_counter row: gapless, in version order per object, never out of order for a reader.
--
-- event has a partition a month (UTC), made by the sequencer when the first event of a month comes,
-- and dropped as a whole by icecat.trim_events. The key stands on the partitions alone: they are saved by
-- pg_dump as tables of their own, and a key that they got from event could not be restored.

CREATE TABLE icecat_data.event_pending (
	warehouse_id uuid NOT NULL,
	event_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	position integer NOT NULL,
	event_type text NOT NULL,
	object_kind text NOT NULL,
	object_id uuid NOT NULL,
	namespace text[],
	name text,
	version bigint NOT NULL,
	actor text NOT NULL,
	request_id text,
	details json,
	CONSTRAINT event_pending_pkey PRIMARY KEY (warehouse_id, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE icecat_data.event_pending IS 'Events that have no number yet; emptied by the sequencer';
COMMENT ON COLUMN icecat_data.event_pending.position IS 'Order of the events of one transaction';

CREATE TABLE icecat_data.event_counter (
	warehouse_id uuid NOT NULL CONSTRAINT event_counter_pkey PRIMARY KEY,
	last_number bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE icecat_data.event_counter IS 'The last event number of a warehouse; its row lock makes the sequencer one per warehouse';
COMMENT ON COLUMN icecat_data.event_counter.last_number IS 'Numbers start at 1 and have no gap';

CREATE TABLE icecat_data.event (
	warehouse_id uuid NOT NULL,
	number bigint NOT NULL,
	event_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	event_type text NOT NULL,
	object_kind text NOT NULL,
	object_id uuid NOT NULL,
	namespace text[],
	name text,
	version bigint NOT NULL,
	actor text NOT NULL,
	request_id text,
	details json
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE icecat_data.event IS 'Numbered events: what happened in a warehouse, in order';
COMMENT ON COLUMN icecat_data.event.number IS 'Gapless per warehouse; a reader goes on after the last number it has seen';
COMMENT ON COLUMN icecat_data.event.event_id IS 'Identity of the event, known before its number';
COMMENT ON COLUMN icecat_data.event.occurred_at IS 'Clock of the server inside the transaction; the number, not this, is the order';
COMMENT ON COLUMN icecat_data.event.event_type IS 'What was done, and to what kind of object: create-table, commit-table, drop-namespace …';
COMMENT ON COLUMN icecat_data.event.object_kind IS 'warehouse, namespace or table';
COMMENT ON COLUMN icecat_data.event.object_id IS 'Id of the table or namespace; survives renames';
COMMENT ON COLUMN icecat_data.event.namespace IS 'Levels of the namespace the object is in, or of the namespace itself';
COMMENT ON COLUMN icecat_data.event.name IS 'Name of the table or view; NULL for a namespace';
COMMENT ON COLUMN icecat_data.event.version IS 'Commit counter of the object after the change; 0 where it has none';
COMMENT ON COLUMN icecat_data.event.actor IS 'Role that called';
COMMENT ON COLUMN icecat_data.event.request_id IS 'icecat.request_id of the transaction, as the gateway set it';
COMMENT ON COLUMN icecat_data.event.details IS 'JSON object; what it holds depends on event_type';
-- UPGRADE: changes here need an upgrade script.
-- The queue between commits and storage. A commit inserts what is to be done with files in its own
-- transaction; the worker does it afterwards, in (version, position) order for each table, and deletes the row when
-- the file is safely there or gone. A row that cannot be done stays and is tried again for ever.

CREATE TABLE icecat_data.metadata_task (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	version bigint NOT NULL,
	position integer NOT NULL,
	kind text NOT NULL,
	location text,
	head json,
	created_at timestamptz NOT NULL,
	attempts integer NOT NULL,
	next_attempt_at timestamptz NOT NULL,
	last_error text,
	database_id oid NOT NULL,
	CONSTRAINT metadata_task_pkey PRIMARY KEY (warehouse_id, table_id, version, position)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE icecat_data.metadata_task IS 'Files to write or delete after a commit; normally empty';
COMMENT ON COLUMN icecat_data.metadata_task.version IS 'Commit counter of the table at which the task was made';
COMMENT ON COLUMN icecat_data.metadata_task.position IS 'Order within a version: writes before deletes before the purge';
COMMENT ON COLUMN icecat_data.metadata_task.kind IS 'write: the metadata file of version; delete: an old metadata file; trim: rows that were removed at or before version, once no queued file needs them; purge: all files and rows of a dropped table';
COMMENT ON COLUMN icecat_data.metadata_task.location IS 'The file; NULL for trim and purge';
COMMENT ON COLUMN icecat_data.metadata_task.head IS 'Scalars and refs of version, which are not kept in rows; only for write';
COMMENT ON COLUMN icecat_data.metadata_task.attempts IS 'Failed attempts so far';
COMMENT ON COLUMN icecat_data.metadata_task.database_id IS 'Oid of the database that made the task: in a copy (dump, template) the worker leaves it alone until icecat.adopt_tasks()';
COMMENT ON COLUMN icecat_data.metadata_task.next_attempt_at IS 'Not before this time; moved on by each failure';
-- UPGRADE: changes here need an upgrade script.
-- Reports that clients send after scans and commits.

CREATE TABLE icecat_data.metrics_report (
	warehouse_id uuid NOT NULL,
	report_id uuid NOT NULL,
	table_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	report_type text NOT NULL,
	report json NOT NULL,
	CONSTRAINT metrics_report_pkey PRIMARY KEY (warehouse_id, report_id)
);
CREATE INDEX metrics_report_table_idx ON icecat_data.metrics_report (warehouse_id, table_id, received_at);
COMMENT ON TABLE icecat_data.metrics_report IS 'Scan and commit reports of clients, as they came (REST reportMetrics)';
COMMENT ON COLUMN icecat_data.metrics_report.report_id IS 'Time-ordered uuid (version 7)';
COMMENT ON COLUMN icecat_data.metrics_report.report_type IS 'scan-report, commit-report or what the client calls it';
-- UPGRADE: changes here need an upgrade script: a new table must be registered by it.
-- pg_dump saves the rows of these tables; without this, only CREATE EXTENSION would be restored. The partitions
-- of event are made at run time and saved as tables of their own.

DO $icecat$
DECLARE
	v_table oid;
BEGIN
	FOR v_table IN
		SELECT c.oid FROM pg_catalog.pg_class AS c
		WHERE c.relnamespace = 'icecat_data'::pg_catalog.regnamespace AND c.relkind = 'r'
		ORDER BY c.relname
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(v_table, '');
	END LOOP;
END
$icecat$;
-- Warehouses: each is a catalog of its own and the {prefix} of the REST paths. Made and changed in SQL only.

CREATE FUNCTION icecat.create_warehouse(p_name text, p_location text, p_properties json DEFAULT '{}')
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_create_warehouse';
COMMENT ON FUNCTION icecat.create_warehouse(text, text, json) IS
'Creates a warehouse and returns it: {"name", "location", "properties"}.
p_name: the prefix of its REST paths; unique in the database, any characters, at most icecat.name_bytes_max bytes.
p_location: a URI (file:///srv/lake, s3://bucket/path) or an absolute path, below which table locations are derived; slashes at its end are dropped. NULL: every namespace or table names its own location.
p_properties: object of strings. icecat.metadata-write-mode is async (the default), sync or none.
Errors: IC201 (409) the name is taken; IC301 (400) bad name, location or property; IC305 (400) over icecat.properties_max or icecat.name_bytes_max.
REST: none; warehouses are administered in SQL.';

CREATE FUNCTION icecat.alter_warehouse(p_name text, p_new_name text DEFAULT NULL, p_location text DEFAULT NULL, p_updates json DEFAULT NULL, p_removals text[] DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_alter_warehouse';
COMMENT ON FUNCTION icecat.alter_warehouse(text, text, text, json, text[]) IS
'Changes a warehouse and returns it: {"name", "location", "properties"}. What is NULL stays.
p_new_name: clients that use the old name as their prefix must be told.
p_location: for tables made from now on; existing tables stay where they are. An empty text removes it.
p_updates: object of strings, properties to set. p_removals: keys of properties to remove; absent ones are ignored.
Errors: IC101 (404) no such warehouse; IC201 (409) the new name is taken; IC301 (400) bad value; IC303 (422) a key both set and removed; IC305 (400) over a limit.
REST: none; warehouses are administered in SQL.';

CREATE FUNCTION icecat.drop_warehouse(p_name text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_drop_warehouse';
COMMENT ON FUNCTION icecat.drop_warehouse(text) IS
'Drops a warehouse that holds no namespace, with all that is left of its dropped tables, and its events. Files in storage are not touched.
Errors: IC101 (404) no such warehouse; IC204 (409) it holds namespaces, or files of its dropped tables are still to be written or deleted by the worker.
REST: none; warehouses are administered in SQL.';

CREATE FUNCTION icecat.list_warehouses()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT w.name FROM icecat_data.warehouse AS w ORDER BY w.name COLLATE "C";
END;
COMMENT ON FUNCTION icecat.list_warehouses() IS
'The names of all warehouses of the database, in byte order.
REST: none.';

CREATE FUNCTION icecat.load_warehouse(p_name text)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_load_warehouse';
COMMENT ON FUNCTION icecat.load_warehouse(text) IS
'A warehouse: {"name", "location", "properties"}; location is left out if it has none.
Errors: IC101 (404) no such warehouse.
REST: none.';
-- What a client asks first: where its warehouse is and what the catalog can do.

CREATE FUNCTION icecat.get_config(p_warehouse text DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_get_config';
COMMENT ON FUNCTION icecat.get_config(text) IS
'The configuration of a client: {"defaults", "overrides": {"prefix"}, "endpoints"}. The prefix is the warehouse''s name, percent-encoded; endpoints lists exactly what the gateway answers.
p_warehouse: name of a warehouse, else the location of one. NULL or empty: the only warehouse of the database, or of several the one that icecat.default_warehouse names.
Errors: IC101 (404) no such warehouse; IC301 (400) none named and there are several.
REST: getConfig, GET /v1/config.';

CREATE FUNCTION icecat.version()
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_version';
COMMENT ON FUNCTION icecat.version() IS
'The version of the library that the session runs; pg_extension has that of the SQL objects. They differ between an upgrade of the package and ALTER EXTENSION icecat UPDATE.
REST: none.';
-- Namespaces. A namespace is a text[], its levels from the top: '{sales,emea}'.

CREATE FUNCTION icecat.create_namespace(p_warehouse text, p_namespace text[], p_properties json DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_create_namespace';
COMMENT ON FUNCTION icecat.create_namespace(text, text[], json) IS
'Creates a namespace and returns it: {"namespace", "properties"}.
p_namespace: its levels; all but the last must exist as a namespace. A level holds any characters, at least one and at most icecat.name_bytes_max bytes; there are at most icecat.namespace_depth_max levels.
p_properties: object of strings, kept exactly; NULL is none. Its property location is where the tables of the namespace go.
Errors: IC101 (404) no such warehouse; IC102 (404) the parent does not exist; IC201 (409) it exists; IC301 (400) bad value; IC305 (400) over a limit.
REST: createNamespace, POST /v1/{prefix}/namespaces.';

CREATE FUNCTION icecat.rest_create_namespace(p_warehouse text, p_request json)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_create_namespace';
COMMENT ON FUNCTION icecat.rest_create_namespace(text, json) IS
'create_namespace() with the REST request body: {"namespace": ["a", "b"], "properties": {"k": "v"}}.
Errors: as create_namespace(); IC301 (400) for a field that is missing or of a wrong type.
REST: createNamespace, POST /v1/{prefix}/namespaces.';

CREATE FUNCTION icecat.list_namespaces(p_warehouse text, p_parent text[] DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_list_namespaces';
COMMENT ON FUNCTION icecat.list_namespaces(text, text[]) IS
'The namespaces one level below another, in byte order: {"namespaces": [["a"], ["b"]]}.
p_parent: NULL or an empty array lists the top level.
Errors: IC101 (404) no such warehouse; IC102 (404) no such parent.
REST: listNamespaces, GET /v1/{prefix}/namespaces.';

CREATE FUNCTION icecat.load_namespace(p_warehouse text, p_namespace text[])
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_load_namespace';
COMMENT ON FUNCTION icecat.load_namespace(text, text[]) IS
'A namespace with its properties: {"namespace", "properties"}.
Errors: IC101 (404) no such warehouse; IC102 (404) no such namespace.
REST: loadNamespaceMetadata, GET /v1/{prefix}/namespaces/{namespace}.';

CREATE FUNCTION icecat.namespace_exists(p_warehouse text, p_namespace text[])
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_namespace_exists';
COMMENT ON FUNCTION icecat.namespace_exists(text, text[]) IS
'Whether a namespace exists.
Errors: IC101 (404) no such warehouse; IC301 (400) not a namespace at all, such as an empty level.
REST: namespaceExists, HEAD /v1/{prefix}/namespaces/{namespace}.';

CREATE FUNCTION icecat.update_namespace_properties(p_warehouse text, p_namespace text[], p_updates json DEFAULT NULL, p_removals text[] DEFAULT NULL)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_update_namespace_properties';
COMMENT ON FUNCTION icecat.update_namespace_properties(text, text[], json, text[]) IS
'Sets and removes properties of a namespace; parallel calls wait for each other and add up. Returns the keys: {"updated", "removed", "missing"}.
p_updates: object of strings to set. p_removals: keys to remove; those that are not there are returned as missing.
Errors: IC101 (404) no such warehouse; IC102 (404) no such namespace; IC301 (400) bad value; IC303 (422) a key both set and removed; IC305 (400) over icecat.properties_max.
REST: updateProperties, POST /v1/{prefix}/namespaces/{namespace}/properties.';

CREATE FUNCTION icecat.rest_update_namespace_properties(p_warehouse text, p_namespace text[], p_request json)
RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_update_namespace_properties';
COMMENT ON FUNCTION icecat.rest_update_namespace_properties(text, text[], json) IS
'update_namespace_properties() with the REST request body: {"updates": {"k": "v"}, "removals": ["x"]}; both may be left out.
Errors: as update_namespace_properties(); IC301 (400) for a field of a wrong type.
REST: updateProperties, POST /v1/{prefix}/namespaces/{namespace}/properties.';

CREATE FUNCTION icecat.drop_namespace(p_warehouse text, p_namespace text[])
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_drop_namespace';
COMMENT ON FUNCTION icecat.drop_namespace(text, text[]) IS
'Drops a namespace that holds no namespaces, tables or views.
Errors: IC101 (404) no such warehouse; IC102 (404) no such namespace; IC202 (409) it is not empty.
REST: dropNamespace, DELETE /v1/{prefix}/namespaces/{namespace}.';
-- Tables: REST operations createTable, registerTable, loadTable, listTables, tableExists, dropTable,
-- unregisterTable, renameTable, reportMetrics. Behaviour only: re-run whole by every upgrade.

CREATE FUNCTION icecat.create_table(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_schema json,
	p_partition_spec json DEFAULT NULL,
	p_write_order json DEFAULT NULL,
	p_location text DEFAULT NULL,
	p_properties json DEFAULT NULL,
	p_stage_create boolean DEFAULT false
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_create_table';
COMMENT ON FUNCTION icecat.create_table(text, text[], text, json, json, json, text, json, boolean) IS
'Creates an Iceberg table and returns its LoadTableResult (metadata-location, metadata, config). REST createTable.
p_schema: Iceberg schema; field ids are assigned afresh. p_partition_spec, p_write_order: default unpartitioned, unsorted.
p_location: URI; default <namespace or warehouse location>/<namespace>/<table>-<uuid>. p_properties: object of strings; "format-version" (1 to 3, default 2) chooses the format.
p_stage_create: true returns the metadata without storing anything; a commit with assert-create then creates the table.
Errors: IC101 no such warehouse (404), IC102 no such namespace (404), IC201 name taken (409), IC301 malformed (400), IC302 invalid metadata (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE FUNCTION icecat.rest_create_table(
	p_warehouse text,
	p_namespace text[],
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_create_table';
COMMENT ON FUNCTION icecat.rest_create_table(text, text[], json) IS
'create_table with the REST body CreateTableRequest. Same answer and errors.';

CREATE FUNCTION icecat.register_table(
	p_warehouse text,
	p_namespace text[],
	p_name text,
	p_metadata_location text,
	p_overwrite boolean DEFAULT false
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_register_table';
COMMENT ON FUNCTION icecat.register_table(text, text[], text, text, boolean) IS
'Takes over the table whose metadata file is at p_metadata_location and returns its LoadTableResult. REST registerTable.
A file that is still in the queue is read from the database. p_overwrite: true replaces the metadata of an existing table of that name, which keeps its table_id.
Errors: IC101 no such warehouse (404), IC102 no such namespace (404), IC104 no such file (404), IC201 name taken (409), IC301 or IC302 invalid document (400), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE FUNCTION icecat.rest_register_table(
	p_warehouse text,
	p_namespace text[],
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_register_table';
COMMENT ON FUNCTION icecat.rest_register_table(text, text[], json) IS
'register_table with the REST body RegisterTableRequest. Same answer and errors.';

CREATE FUNCTION icecat.load_table(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_load_table';
COMMENT ON FUNCTION icecat.load_table(text, text[], text) IS
'Returns a table''s LoadTableResult: metadata-location, metadata (exact, all snapshots) and config. REST loadTable. Errors: IC101 no such warehouse (404), IC103 no such table (404), IC104 the table''s metadata file was removed from file storage (404; see icecat.check_metadata_file).';

CREATE FUNCTION icecat.list_tables(
	p_warehouse text,
	p_namespace text[]
) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_list_tables';
COMMENT ON FUNCTION icecat.list_tables(text, text[]) IS
'Returns the tables of a namespace, all of them, ordered by name: {"identifiers": [{"namespace": [...], "name": ...}]}. REST listTables. Errors: IC101 no such warehouse (404), IC102 no such namespace (404).';

CREATE FUNCTION icecat.table_exists(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_table_exists';
COMMENT ON FUNCTION icecat.table_exists(text, text[], text) IS
'True if the table exists. REST tableExists (204 or 404). Errors: IC101 no such warehouse (404).';

CREATE FUNCTION icecat.drop_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_purge boolean DEFAULT false
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_drop_table';
COMMENT ON FUNCTION icecat.drop_table(text, text[], text, boolean) IS
'Drops a table: its name is free at once. REST dropTable. p_purge: true also deletes its data and metadata files, by the worker, afterwards; default false leaves all files. Errors: IC101 no such warehouse (404), IC103 no such table (404), 55P03 lock timeout (409).';

CREATE FUNCTION icecat.unregister_table(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_unregister_table';
COMMENT ON FUNCTION icecat.unregister_table(text, text[], text) IS
'Removes a table from the catalog, leaves all its files, and returns its last metadata location and metadata. The last metadata file is written before the function returns. REST unregisterTable. Errors: IC101 no such warehouse (404), IC103 no such table (404), IC501 storage (500), 55P03 lock timeout (409).';

CREATE FUNCTION icecat.rename_table(
	p_warehouse text,
	p_source_namespace text[],
	p_source text,
	p_destination_namespace text[],
	p_destination text
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rename_table';
COMMENT ON FUNCTION icecat.rename_table(text, text[], text, text[], text) IS
'Renames a table within its warehouse, also into another namespace; its location stays. REST renameTable. Errors: IC101 no such warehouse (404), IC102 no such destination namespace (404), IC103 no such table (404), IC201 name taken (409), 55P03 lock timeout (409).';

CREATE FUNCTION icecat.rest_rename_table(
	p_warehouse text,
	p_request json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_rename_table';
COMMENT ON FUNCTION icecat.rest_rename_table(text, json) IS
'rename_table with the REST body RenameTableRequest. Same errors.';

CREATE FUNCTION icecat.report_metrics(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_report json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_report_metrics';
COMMENT ON FUNCTION icecat.report_metrics(text, text[], text, json) IS
'Stores a scan or commit report of a client (icecat.metrics_reports). REST reportMetrics. p_report: ReportMetricsRequest with report-type. Errors: IC101 no such warehouse (404), IC103 no such table (404), IC301 malformed (400).';
-- Commits: REST operations updateTable and commitTransaction. Behaviour only: re-run whole by every upgrade.

CREATE FUNCTION icecat.commit_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_requirements json,
	p_updates json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_commit_table';
COMMENT ON FUNCTION icecat.commit_table(text, text[], text, json, json) IS
'Checks requirements and applies updates to one table, in the caller''s transaction, and returns the new metadata-location and metadata. REST updateTable.
p_requirements: array of TableRequirement. p_updates: array of TableUpdate. NULL means an empty array. With assert-create the table is created.
Waits for other commits of the same table at most icecat.commit_lock_timeout_ms.
Errors: IC203 a requirement does not hold or the commit is stale (409, retry), IC101 no such warehouse (404), IC102 no such namespace (404, assert-create), IC103 no such table (404), IC301 unknown or malformed requirement or update (400), IC302 invalid result (400), 55P03 lock timeout, 40001, 40P01 (409).';

CREATE FUNCTION icecat.rest_commit_table(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_request json
) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_rest_commit_table';
COMMENT ON FUNCTION icecat.rest_commit_table(text, text[], text, json) IS
'commit_table with the REST body CommitTableRequest. Same answer and errors.';

CREATE FUNCTION icecat.commit_transaction(
	p_warehouse text,
	p_table_changes json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_commit_transaction';
COMMENT ON FUNCTION icecat.commit_transaction(text, json) IS
'Commits changes to many tables of a warehouse: all or nothing. REST commitTransaction.
p_table_changes: array of CommitTableRequest, each with its identifier, or the REST body that has the array in "table-changes". At most icecat.transaction_changes_max. A table may appear once.
Errors: as commit_table; any of them leaves every table unchanged.';

CREATE FUNCTION icecat.rest_commit_transaction(
	p_warehouse text,
	p_request json
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_commit_transaction';
COMMENT ON FUNCTION icecat.rest_commit_transaction(text, json) IS
'commit_transaction with the REST body CommitTransactionRequest. Same errors.';
-- Events: what happened in a warehouse. Behaviour only: re-run whole by every upgrade.

CREATE FUNCTION icecat.read_events(
	p_warehouse text,
	p_after bigint DEFAULT 0,
	p_limit integer DEFAULT 1000,
	OUT number bigint,
	OUT event_id uuid,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT object_kind text,
	OUT object_id uuid,
	OUT namespace text[],
	OUT name text,
	OUT version bigint,
	OUT actor text,
	OUT request_id text,
	OUT details json
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_read_events';
COMMENT ON FUNCTION icecat.read_events(text, bigint, integer) IS
'Returns the numbered events of a warehouse after number p_after, in order, at most p_limit (1 to 100000). Call again with the last number seen: no event is missed or seen twice, and none appears later with a lower number.
Gives numbers to committed events first, where the transaction may write and is READ COMMITTED; elsewhere (a standby, a read-only or REPEATABLE READ transaction) it returns what is numbered. Columns: as view icecat.events.
Errors: IC101 no such warehouse (404), IC301 p_after or p_limit out of range (400).';

CREATE FUNCTION icecat.trim_events(
	p_older_than interval
) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_trim_events';
COMMENT ON FUNCTION icecat.trim_events(interval) IS
'Drops whole months (UTC) of numbered events, of all warehouses, that ended longer ago than p_older_than; returns how many months. Events without a number stay. Numbers are never given again. Safe to run twice; made for pg_cron.
Waits for readers of the events: it takes an exclusive lock for a moment. Errors: IC301 p_older_than is null or negative (400).';

CREATE VIEW icecat.events AS
SELECT w.name AS warehouse, e.number, e.event_id, e.occurred_at, e.event_type, e.object_kind,
	e.object_id, e.namespace, e.name, e.version, e.actor, e.request_id, e.details, w.warehouse_id
FROM icecat_data.warehouse AS w
JOIN (
	SELECT n.warehouse_id, n.number, n.event_id, n.occurred_at, n.event_type, n.object_kind,
		n.object_id, n.namespace, n.name, n.version, n.actor, n.request_id, n.details
	FROM icecat_data.event AS n
	UNION ALL
	SELECT p.warehouse_id, NULL, p.event_id, p.occurred_at, p.event_type, p.object_kind,
		p.object_id, p.namespace, p.name, p.version, p.actor, p.request_id, p.details
	FROM icecat_data.event_pending AS p
) AS e ON e.warehouse_id = w.warehouse_id;
COMMENT ON VIEW icecat.events IS 'What happened in each warehouse: every committed change, in the transaction that made it';
COMMENT ON COLUMN icecat.events.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.events.number IS 'Order of the warehouse''s events, without gaps; NULL: committed just now, the number follows';
COMMENT ON COLUMN icecat.events.event_id IS 'Identity of the event, also before it has a number';
COMMENT ON COLUMN icecat.events.occurred_at IS 'Clock inside the transaction; the number, not this, is the order';
COMMENT ON COLUMN icecat.events.event_type IS 'create-table, update-table, drop-table, rename-table, create-namespace and so on; purge-table when all files of a dropped table are gone';
COMMENT ON COLUMN icecat.events.object_kind IS 'warehouse, namespace or table';
COMMENT ON COLUMN icecat.events.object_id IS 'Id of the object in this catalog; survives renames';
COMMENT ON COLUMN icecat.events.namespace IS 'Levels of the namespace that holds the object, or of the namespace itself';
COMMENT ON COLUMN icecat.events.name IS 'Name of the table; NULL for a namespace';
COMMENT ON COLUMN icecat.events.version IS 'Commit counter of the table after the change; 0 for other objects';
COMMENT ON COLUMN icecat.events.actor IS 'Database role that called';
COMMENT ON COLUMN icecat.events.request_id IS 'Request of the gateway; NULL for calls in SQL';
COMMENT ON COLUMN icecat.events.details IS 'JSON object; its content depends on event_type';
-- The worker and metadata files. Behaviour only: re-run whole by every upgrade.

CREATE FUNCTION icecat.start_worker() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_start_worker';
COMMENT ON FUNCTION icecat.start_worker() IS
'Starts the background worker of this database unless it runs. False: not possible now (standby, or max_worker_processes is used up); icecat.run_worker_once() under pg_cron then does its work. Every change starts it by itself: this is for after a restart of the server.';

CREATE FUNCTION icecat.run_worker_once() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_run_worker_once';
COMMENT ON FUNCTION icecat.run_worker_once() IS
'Does what is due in the queue of metadata files, of all warehouses, in this transaction, numbers the events and forgets old dropped tables; returns the number of tasks done. Tasks that fail stay queued (view icecat.metadata_files, function icecat.worker_status) and raise nothing. Returns 0 at once while the worker or another session is doing the same.';

CREATE FUNCTION icecat.wait_for_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_timeout_ms integer DEFAULT 30000
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_wait_for_metadata';
COMMENT ON FUNCTION icecat.wait_for_metadata(text, text[], text, integer) IS
'Waits until the metadata file that is current now has been written; true when no write of it is queued, also where icecat.metadata-write-mode is none and there is no file to come. Writes the file itself where no worker can run.
p_timeout_ms: milliseconds; 0 only looks. False: not written in time, or the change was made by this very transaction, whose file is written after its commit.
Errors: IC101 no such warehouse (404), IC103 no such table (404).';

CREATE FUNCTION icecat.export_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_export_metadata';
COMMENT ON FUNCTION icecat.export_metadata(text, text[], text) IS
'Writes the current metadata file of a table now, whatever its icecat.metadata-write-mode, and returns its location. Writing it twice does no harm: the content of a location never changes. Not undone by a rollback.
Errors: IC101 no such warehouse (404), IC103 no such table (404), IC304 unknown storage scheme (406), IC306 location outside icecat.file_roots (400), IC501 storage (500).';

CREATE FUNCTION icecat.adopt_tasks() RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	UPDATE icecat_data.metadata_task
	SET database_id = d.oid
	FROM pg_catalog.pg_database AS d
	WHERE d.datname = pg_catalog.current_database() AND metadata_task.database_id <> d.oid;
	SELECT icecat.start_worker();
END;
COMMENT ON FUNCTION icecat.adopt_tasks() IS
'Makes this database the one that does the queued file tasks of the database it is a copy of (restored from pg_dump, or made from a template), and starts the worker; returns whether it runs. Until then the worker leaves such tasks alone, so that a copy cannot overwrite or delete files of an original that still lives. Call it when the copy takes the place of the original.';

CREATE FUNCTION icecat._worker_pid() RETURNS integer
LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_worker_pid';
COMMENT ON FUNCTION icecat._worker_pid() IS 'Process id of this database''s worker; NULL: none runs.';

CREATE FUNCTION icecat.worker_status(
	OUT pid integer,
	OUT pending_writes bigint,
	OUT pending_deletes bigint,
	OUT pending_purges bigint,
	OUT failing bigint,
	OUT not_adopted bigint,
	OUT oldest_write_s double precision,
	OUT last_error text,
	OUT unnumbered_events bigint
) RETURNS record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- Looks at all warehouses: it reports on the worker of the database.
	SELECT icecat._worker_pid(),
		pg_catalog.count(*) FILTER (WHERE t.kind = 'write'),
		pg_catalog.count(*) FILTER (WHERE t.kind = 'delete'),
		pg_catalog.count(*) FILTER (WHERE t.kind = 'purge'),
		pg_catalog.count(*) FILTER (WHERE t.attempts > 0),
		pg_catalog.count(*) FILTER (WHERE t.database_id <> d.oid),
		pg_catalog.max(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - t.created_at))
			FILTER (WHERE t.kind = 'write')::double precision,
		(pg_catalog.array_agg(t.last_error ORDER BY t.next_attempt_at DESC)
			FILTER (WHERE t.last_error IS NOT NULL))[1],
		(SELECT pg_catalog.count(*) FROM icecat_data.event_pending AS e)
	FROM (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS d
	LEFT JOIN icecat_data.metadata_task AS t ON true;
END;
COMMENT ON FUNCTION icecat.worker_status() IS
'One row on the worker of this database. pid: NULL when none runs (it starts with the next change). pending_*: queued metadata files to write, to delete, and dropped tables to purge. failing: tasks that failed at least once and will be tried again. not_adopted: tasks of the database that this one is a copy of; see icecat.adopt_tasks(). oldest_write_s: age in seconds of the oldest file not yet written (alert at 30). last_error: of a failing task. unnumbered_events: committed events that have no number yet.';
-- Monitoring: does what the tables say agree with itself? Behaviour only: re-run whole by every upgrade.

CREATE FUNCTION icecat.check_integrity(
	p_warehouse text DEFAULT NULL
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH w AS (
		SELECT * FROM icecat_data.warehouse AS x WHERE p_warehouse IS NULL OR x.name = p_warehouse
	), t AS (
		SELECT w.name AS warehouse_name, h.*, array_to_string(n.levels, '.') || '.' || r.name AS display
		FROM w
		JOIN icecat_data.table_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
		LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id
		LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
	)
	SELECT t.warehouse_name, coalesce(t.display, t.table_id::text), 'table has a head but no live name in a namespace'
	FROM t WHERE t.display IS NULL
		OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = t.warehouse_id AND r.relation_id = t.table_id AND r.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, r.name, 'name of a table without a live head'
	FROM w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'table' AND r.dropped_at IS NULL
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id AND h.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, array_to_string(n.levels, '.'), 'namespace is not below its parent, or its hash is not that of its path'
	FROM w JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.namespace AS p ON p.warehouse_id = n.warehouse_id AND p.namespace_id = n.parent_id
	WHERE (cardinality(n.levels) > 1 AND p.levels IS DISTINCT FROM n.levels[1:cardinality(n.levels) - 1])
		OR (cardinality(n.levels) = 1 AND n.parent_id IS NOT NULL)
		OR n.path_hash <> sha256((SELECT string_agg(convert_to(l.level, 'UTF8') || '\x00'::bytea, ''::bytea ORDER BY l.place) FROM unnest(n.levels) WITH ORDINALITY AS l (level, place)))
	UNION ALL
	SELECT t.warehouse_name, t.display, format('current schema %s does not exist', t.current_schema_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_schema AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.schema_id = t.current_schema_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('default partition spec %s does not exist', t.default_spec_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_partition_spec AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.spec_id = t.default_spec_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('default sort order %s does not exist', t.default_sort_order_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_sort_order AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.order_id = t.default_sort_order_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('current snapshot is %s, but branch main points to %s', t.current_snapshot_id, coalesce(f.snapshot_id::text, 'nothing'))
	FROM t LEFT JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id AND f.name = 'main'
	WHERE t.current_snapshot_id <> coalesce(f.snapshot_id, -1)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('ref %s points to snapshot %s, which does not exist', f.name, f.snapshot_id)
	FROM t JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_snapshot AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.snapshot_id = f.snapshot_id AND s.removed_version IS NULL)
		OR (f.body ->> 'snapshot-id')::bigint IS DISTINCT FROM f.snapshot_id
	UNION ALL
	SELECT t.warehouse_name, t.display, format('snapshot %s disagrees with its text, or its sequence number is above the table''s', s.snapshot_id)
	FROM t JOIN icecat_data.table_snapshot AS s ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.removed_version IS NULL
	WHERE (s.body ->> 'snapshot-id')::bigint IS DISTINCT FROM s.snapshot_id
		OR coalesce((s.body ->> 'sequence-number')::bigint, 0) > t.last_sequence_number
	UNION ALL
	SELECT t.warehouse_name, t.display, format('snapshots share sequence number %s', s.body ->> 'sequence-number')
	FROM t JOIN icecat_data.table_snapshot AS s ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.removed_version IS NULL
	WHERE t.format_version > 1 AND coalesce((s.body ->> 'sequence-number')::bigint, 0) > 0
	GROUP BY t.warehouse_name, t.display, t.table_id, s.body ->> 'sequence-number' HAVING count(*) > 1
	UNION ALL
	SELECT t.warehouse_name, t.display, format('snapshot log ends with %s, but the current snapshot is %s', l.snapshot_id, t.current_snapshot_id)
	FROM t CROSS JOIN LATERAL (
		SELECT x.snapshot_id FROM icecat_data.table_snapshot_log AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL
		ORDER BY x.ordinal DESC LIMIT 1) AS l
	WHERE t.current_snapshot_id <> -1 AND l.snapshot_id <> t.current_snapshot_id
	UNION ALL
	SELECT t.warehouse_name, t.display, format('metadata log has %s entries, counted as %s', l.entries, t.metadata_log_count)
	FROM t CROSS JOIN LATERAL (
		SELECT count(*) AS entries FROM icecat_data.table_metadata_log AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS l
	WHERE l.entries <> t.metadata_log_count
	UNION ALL
	SELECT t.warehouse_name, t.display, format('table has %s property sets, expected 1', p.sets)
	FROM t CROSS JOIN LATERAL (
		SELECT count(*) AS sets FROM icecat_data.table_property_set AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS p
	WHERE p.sets <> 1
	UNION ALL
	SELECT t.warehouse_name, t.display, format('a part of kind %s is of a version after %s', p.kind, t.version)
	FROM t JOIN icecat_data.table_part AS p ON p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id
	WHERE p.ordinal >> 20 > t.version OR p.removed_version > t.version
	UNION ALL
	SELECT w.name, p.table_id::text, 'parts of a table that does not exist'
	FROM w JOIN icecat_data.table_part AS p ON p.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.table_id = p.table_id)
	GROUP BY w.name, p.table_id
	UNION ALL
	SELECT w.name, k.table_id::text, 'the queue has a task for a table that does not exist, or for a version that it has not reached'
	FROM w JOIN icecat_data.metadata_task AS k ON k.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = k.warehouse_id AND h.table_id = k.table_id
	WHERE h.version IS NULL OR k.version > h.version
	UNION ALL
	SELECT w.name, 'events', format('numbers go up to %s, but %s events lie from %s to %s', c.last_number, e.events, e.first, e.last)
	FROM w JOIN icecat_data.event_counter AS c ON c.warehouse_id = w.warehouse_id
	CROSS JOIN LATERAL (
		SELECT count(*) AS events, min(x.number) AS first, max(x.number) AS last
		FROM icecat_data.event AS x WHERE x.warehouse_id = w.warehouse_id) AS e
	WHERE e.events > 0 AND (e.last <> c.last_number OR e.events <> e.last - e.first + 1);
END;
COMMENT ON FUNCTION icecat.check_integrity(text) IS
'Cross-checks all rows of a warehouse (NULL: of all warehouses) and says in words what is wrong: a row for each problem, none if all is well. Reads everything once and takes no lock.
p_warehouse: name of a warehouse. Checks: names, heads and namespaces; current schema, spec, order and snapshot; refs, sequence numbers, logs; versions of rows; rows and tasks without a table; gaps in event numbers.';
-- Everything that Iceberg knows, in rows. Only what is live: no dropped tables, no removed elements. Numbers come out
-- of the exact JSON text, never through a double. Each view joins on warehouse_id and table_id, so that a
-- query for one table reads that table's rows only.

CREATE VIEW icecat_data.live_table AS
SELECT w.warehouse_id, h.table_id, w.name AS warehouse, n.levels AS namespace, r.name AS table_name,
	h.version, h.current_schema_id, h.default_spec_id, h.default_sort_order_id, h.current_snapshot_id,
	h.metadata_location, h.last_updated_ms
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'table' AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id;
COMMENT ON VIEW icecat_data.live_table IS 'Tables that are not dropped, with what the views of schema icecat join on';

CREATE VIEW icecat.warehouses AS
SELECT w.name AS warehouse, w.warehouse_id, w.location, w.properties, w.created_at
FROM icecat_data.warehouse AS w;
COMMENT ON VIEW icecat.warehouses IS 'Warehouses of this database; each is a catalog of its own';
COMMENT ON COLUMN icecat.warehouses.warehouse IS 'Name, and prefix of the REST paths';
COMMENT ON COLUMN icecat.warehouses.location IS 'URI below which table locations are derived; NULL: none';

CREATE VIEW icecat.namespaces AS
SELECT w.name AS warehouse, n.levels AS namespace, n.namespace_id,
	CASE WHEN pg_catalog.cardinality(n.levels) > 1
		THEN n.levels[1:pg_catalog.cardinality(n.levels) - 1] END AS parent,
	pg_catalog.cardinality(n.levels) AS depth,
	n.properties, n.created_at, w.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id;
COMMENT ON VIEW icecat.namespaces IS 'Namespaces of all warehouses';
COMMENT ON COLUMN icecat.namespaces.namespace IS 'Levels from the top';
COMMENT ON COLUMN icecat.namespaces.parent IS 'NULL at the top';
COMMENT ON COLUMN icecat.namespaces.depth IS 'Number of levels';
COMMENT ON COLUMN icecat.namespaces.properties IS 'JSON object of strings';

CREATE VIEW icecat.tables AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS table_name, h.table_id, h.table_uuid,
	h.format_version, h.location, h.metadata_location, h.version,
	NULLIF(h.current_snapshot_id, -1) AS current_snapshot_id,
	h.current_schema_id, h.default_spec_id, h.default_sort_order_id,
	h.last_sequence_number, h.last_column_id, h.last_partition_id, h.next_row_id, h.last_updated_ms,
	CASE WHEN h.last_updated_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(h.last_updated_ms / 1000.0) END AS last_updated_at,
	r.created_at, n.namespace_id, w.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'table' AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id;
COMMENT ON VIEW icecat.tables IS 'Tables of all warehouses, with the scalars of their metadata';
COMMENT ON COLUMN icecat.tables.table_id IS 'Identity in this catalog; survives renames';
COMMENT ON COLUMN icecat.tables.table_uuid IS 'Iceberg''s table-uuid; survives a move to another catalog';
COMMENT ON COLUMN icecat.tables.metadata_location IS 'URI of the metadata.json of this version; see metadata_files for whether it is still to be written';
COMMENT ON COLUMN icecat.tables.version IS 'Commit counter of this catalog: 1 after creation';
COMMENT ON COLUMN icecat.tables.current_snapshot_id IS 'NULL: the table has no snapshot';
COMMENT ON COLUMN icecat.tables.next_row_id IS 'Row lineage of format version 3; 0 below';
COMMENT ON COLUMN icecat.tables.last_updated_ms IS 'Milliseconds since 1970, as in the metadata';
COMMENT ON COLUMN icecat.tables.created_at IS 'When the table came into this catalog';

-- A field of a schema and what is nested in it: members of structs, elements of lists, keys and values of maps.
-- The conditions on json_typeof hold for every schema. They are there for the planner, which takes an array for
-- 100 elements long, and 100 nested in each; with them it expects few, and does not compile for it.
CREATE VIEW icecat_data.current_field AS
SELECT h.warehouse_id, h.table_id, s.schema_id::integer AS schema_id, s.body AS schema_body, f.*
FROM icecat_data.table_head AS h
JOIN icecat_data.table_schema AS s
	ON s.warehouse_id = h.warehouse_id AND s.table_id = h.table_id
	AND s.schema_id = h.current_schema_id AND s.removed_version IS NULL
CROSS JOIN LATERAL (
	WITH RECURSIVE field (definition, type, id, parent_id, required, path, place) AS (
		SELECT e.value, e.value -> 'type', (e.value ->> 'id')::integer, NULL::integer,
			(e.value ->> 'required')::boolean, ARRAY[e.value ->> 'name'], ARRAY[e.ordinality]
		FROM pg_catalog.json_array_elements(s.body -> 'fields') WITH ORDINALITY AS e
		WHERE pg_catalog.json_typeof(e.value) = 'object'
		UNION ALL
		SELECT c.definition, c.type, c.id, p.id, c.required, p.path || c.name, p.place || c.place
		FROM field AS p
		CROSS JOIN LATERAL (
			SELECT e.value, e.value -> 'type', (e.value ->> 'id')::integer,
				(e.value ->> 'required')::boolean, e.value ->> 'name', e.ordinality
			FROM pg_catalog.json_array_elements(
				CASE WHEN p.type ->> 'type' = 'struct' THEN p.type -> 'fields' END) WITH ORDINALITY AS e
			WHERE pg_catalog.json_typeof(e.value) = 'object'
			UNION ALL
			SELECT NULL, p.type -> 'element', (p.type ->> 'element-id')::integer,
				(p.type ->> 'element-required')::boolean, 'element', 1
			WHERE p.type ->> 'type' = 'list'
			UNION ALL
			SELECT NULL, p.type -> 'key', (p.type ->> 'key-id')::integer, true, 'key', 1
			WHERE p.type ->> 'type' = 'map'
			UNION ALL
			SELECT NULL, p.type -> 'value', (p.type ->> 'value-id')::integer,
				(p.type ->> 'value-required')::boolean, 'value', 2
			WHERE p.type ->> 'type' = 'map'
		) AS c (definition, type, id, required, name, place)
	)
	SELECT field.*, pg_catalog.row_number() OVER (ORDER BY field.place) AS ordinal FROM field
) AS f;
COMMENT ON VIEW icecat_data.current_field IS 'Fields, nested ones too, of the current schemas of all tables';

CREATE VIEW icecat.columns AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, c.schema_id,
	c.ordinal::integer AS ordinal, c.id AS field_id, c.parent_id AS parent_field_id,
	c.path, pg_catalog.array_to_string(c.path, '.') AS full_name,
	c.path[pg_catalog.cardinality(c.path)] AS name,
	CASE pg_catalog.json_typeof(c.type) WHEN 'object' THEN c.type ->> 'type' ELSE c.type #>> '{}' END AS type,
	c.required, c.definition ->> 'doc' AS doc,
	c.place[pg_catalog.cardinality(c.place)]::integer AS position,
	pg_catalog.cardinality(c.path) AS depth,
	EXISTS (
		SELECT FROM pg_catalog.json_array_elements_text(
			CASE pg_catalog.json_typeof(c.schema_body -> 'identifier-field-ids')
				WHEN 'array' THEN c.schema_body -> 'identifier-field-ids' END) AS i (id)
		WHERE i.id::integer = c.id) AS is_identifier,
	c.definition -> 'initial-default' AS initial_default,
	c.definition -> 'write-default' AS write_default,
	c.type AS type_definition
FROM icecat_data.live_table AS t
JOIN icecat_data.current_field AS c ON c.warehouse_id = t.warehouse_id AND c.table_id = t.table_id;
COMMENT ON VIEW icecat.columns IS 'Fields of the current schema of each table, nested ones too';
COMMENT ON COLUMN icecat.columns.ordinal IS 'Place in the schema as it is written, nested fields right after the field that holds them; from 1';
COMMENT ON COLUMN icecat.columns.parent_field_id IS 'The struct, list or map that holds the field; NULL at the top';
COMMENT ON COLUMN icecat.columns.path IS 'Names from the top; element, key and value stand for parts of lists and maps';
COMMENT ON COLUMN icecat.columns.full_name IS 'The path with dots';
COMMENT ON COLUMN icecat.columns.type IS 'Iceberg type; struct, list or map where fields are nested';
COMMENT ON COLUMN icecat.columns.position IS 'Place among the fields of the same parent; from 1';
COMMENT ON COLUMN icecat.columns.depth IS '1 at the top';
COMMENT ON COLUMN icecat.columns.is_identifier IS 'Is one of the identifier fields of the schema';
COMMENT ON COLUMN icecat.columns.type_definition IS 'The type as JSON';

CREATE VIEW icecat.schemas AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.schema_id::integer AS schema_id,
	s.schema_id = t.current_schema_id AS is_current,
	pg_catalog.json_array_length(s.body -> 'fields') AS column_count,
	ARRAY(
		SELECT i.id::integer FROM pg_catalog.json_array_elements_text(
			CASE pg_catalog.json_typeof(s.body -> 'identifier-field-ids')
				WHEN 'array' THEN s.body -> 'identifier-field-ids' END) WITH ORDINALITY AS i (id, place)
		ORDER BY i.place) AS identifier_field_ids,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
JOIN icecat_data.table_schema AS s
	ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
	AND s.removed_version IS NULL;
COMMENT ON VIEW icecat.schemas IS 'Schemas of each table';
COMMENT ON COLUMN icecat.schemas.column_count IS 'Fields at the top';
COMMENT ON COLUMN icecat.schemas.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.schemas.definition IS 'The schema as JSON, exactly as stored';

CREATE VIEW icecat.snapshots AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.snapshot_id,
	(s.body ->> 'parent-snapshot-id')::bigint AS parent_snapshot_id,
	(s.body ->> 'sequence-number')::bigint AS sequence_number,
	m.ms AS timestamp_ms,
	CASE WHEN m.ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(m.ms / 1000.0) END AS committed_at,
	s.body -> 'summary' ->> 'operation' AS operation,
	s.body -> 'summary' AS summary,
	s.body ->> 'manifest-list' AS manifest_list,
	(s.body ->> 'schema-id')::integer AS schema_id,
	(s.body ->> 'first-row-id')::bigint AS first_row_id,
	(s.body ->> 'added-rows')::bigint AS added_rows,
	s.snapshot_id = t.current_snapshot_id AS is_current,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
JOIN icecat_data.table_snapshot AS s
	ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
	AND s.removed_version IS NULL
CROSS JOIN LATERAL (SELECT (s.body ->> 'timestamp-ms')::bigint AS ms) AS m;
COMMENT ON VIEW icecat.snapshots IS 'Snapshots of each table';
COMMENT ON COLUMN icecat.snapshots.sequence_number IS 'NULL in format version 1';
COMMENT ON COLUMN icecat.snapshots.timestamp_ms IS 'Milliseconds since 1970, as the writer gave them';
COMMENT ON COLUMN icecat.snapshots.operation IS 'append, replace, overwrite or delete';
COMMENT ON COLUMN icecat.snapshots.summary IS 'JSON object of strings: counts as the writer gave them';
COMMENT ON COLUMN icecat.snapshots.is_current IS 'Is what branch main shows';
COMMENT ON COLUMN icecat.snapshots.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.snapshots.definition IS 'The snapshot as JSON, exactly as stored';

CREATE VIEW icecat.refs AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, r.name, r.body ->> 'type' AS type, r.snapshot_id,
	(r.body ->> 'max-ref-age-ms')::bigint AS max_ref_age_ms,
	(r.body ->> 'min-snapshots-to-keep')::integer AS min_snapshots_to_keep,
	(r.body ->> 'max-snapshot-age-ms')::bigint AS max_snapshot_age_ms,
	(r.ordinal >> 20) AS changed_in_version
FROM icecat_data.live_table AS t
JOIN icecat_data.table_ref AS r
	ON r.warehouse_id = t.warehouse_id AND r.table_id = t.table_id;
COMMENT ON VIEW icecat.refs IS 'Branches and tags of each table';
COMMENT ON COLUMN icecat.refs.type IS 'branch or tag';
COMMENT ON COLUMN icecat.refs.min_snapshots_to_keep IS 'Branches only; NULL: the table''s default';
COMMENT ON COLUMN icecat.refs.changed_in_version IS 'The commit that made or moved it; see tables.version';

CREATE VIEW icecat.partition_specs AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.spec_id::integer AS spec_id,
	s.spec_id = t.default_spec_id AS is_default,
	f.ordinality::integer AS position,
	(f.value ->> 'field-id')::integer AS field_id,
	f.value ->> 'name' AS name, f.value ->> 'transform' AS transform,
	i.ids AS source_ids,
	(
		SELECT pg_catalog.array_agg(pg_catalog.array_to_string(c.path, '.')
			ORDER BY pg_catalog.array_position(i.ids, c.id))
		FROM icecat_data.current_field AS c
		WHERE c.warehouse_id = t.warehouse_id AND c.table_id = t.table_id AND c.id = ANY (i.ids)
	) AS source_columns,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
JOIN icecat_data.table_partition_spec AS s
	ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
	AND s.removed_version IS NULL
LEFT JOIN LATERAL pg_catalog.json_array_elements(s.body -> 'fields') WITH ORDINALITY AS f
	ON pg_catalog.json_typeof(f.value) = 'object'
LEFT JOIN LATERAL (
	SELECT CASE WHEN f.value -> 'source-id' IS NOT NULL THEN ARRAY[(f.value ->> 'source-id')::integer]
		ELSE ARRAY(SELECT e.id::integer
			FROM pg_catalog.json_array_elements_text(f.value -> 'source-ids') WITH ORDINALITY AS e (id, place)
			ORDER BY e.place) END AS ids
) AS i ON f.value IS NOT NULL;
COMMENT ON VIEW icecat.partition_specs IS 'Partition specs of each table, a row for each partition field; an unpartitioned spec has one row without a field';
COMMENT ON COLUMN icecat.partition_specs.is_default IS 'New files are partitioned by it';
COMMENT ON COLUMN icecat.partition_specs.position IS 'Place of the field in the spec; from 1';
COMMENT ON COLUMN icecat.partition_specs.source_ids IS 'Field ids of the columns that the transform takes';
COMMENT ON COLUMN icecat.partition_specs.source_columns IS 'Their full names in the current schema; NULL if they are not in it';
COMMENT ON COLUMN icecat.partition_specs.definition IS 'The spec as JSON, exactly as stored';

CREATE VIEW icecat.sort_orders AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.order_id::integer AS order_id,
	s.order_id = t.default_sort_order_id AS is_default,
	f.ordinality::integer AS position,
	f.value ->> 'transform' AS transform,
	f.value ->> 'direction' AS direction, f.value ->> 'null-order' AS null_order,
	i.ids AS source_ids,
	(
		SELECT pg_catalog.array_agg(pg_catalog.array_to_string(c.path, '.')
			ORDER BY pg_catalog.array_position(i.ids, c.id))
		FROM icecat_data.current_field AS c
		WHERE c.warehouse_id = t.warehouse_id AND c.table_id = t.table_id AND c.id = ANY (i.ids)
	) AS source_columns,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
JOIN icecat_data.table_sort_order AS s
	ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
	AND s.removed_version IS NULL
LEFT JOIN LATERAL pg_catalog.json_array_elements(s.body -> 'fields') WITH ORDINALITY AS f
	ON pg_catalog.json_typeof(f.value) = 'object'
LEFT JOIN LATERAL (
	SELECT CASE WHEN f.value -> 'source-id' IS NOT NULL THEN ARRAY[(f.value ->> 'source-id')::integer]
		ELSE ARRAY(SELECT e.id::integer
			FROM pg_catalog.json_array_elements_text(f.value -> 'source-ids') WITH ORDINALITY AS e (id, place)
			ORDER BY e.place) END AS ids
) AS i ON f.value IS NOT NULL;
COMMENT ON VIEW icecat.sort_orders IS 'Sort orders of each table, a row for each sort field; the unsorted order has one row without a field';
COMMENT ON COLUMN icecat.sort_orders.direction IS 'asc or desc';
COMMENT ON COLUMN icecat.sort_orders.null_order IS 'nulls-first or nulls-last';
COMMENT ON COLUMN icecat.sort_orders.source_ids IS 'Field ids of the columns that the transform takes';
COMMENT ON COLUMN icecat.sort_orders.source_columns IS 'Their full names in the current schema; NULL if they are not in it';
COMMENT ON COLUMN icecat.sort_orders.definition IS 'The order as JSON, exactly as stored';

CREATE VIEW icecat.table_properties AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, e.key, e.value
FROM icecat_data.live_table AS t
JOIN icecat_data.table_property_set AS p
	ON p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id
	AND p.removed_version IS NULL
CROSS JOIN LATERAL pg_catalog.json_each_text(p.body) AS e;
COMMENT ON VIEW icecat.table_properties IS 'Properties of each table, a row for each key';

CREATE VIEW icecat.history AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, l.timestamp_ms,
	CASE WHEN l.timestamp_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(l.timestamp_ms / 1000.0) END AS made_current_at,
	l.snapshot_id, l.parent_snapshot_id, l.is_current_ancestor, l.ordinal
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	WITH RECURSIVE ancestor (snapshot_id, parent_id) AS (
		SELECT s.snapshot_id, (s.body ->> 'parent-snapshot-id')::bigint
		FROM icecat_data.table_snapshot AS s
		WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
			AND s.snapshot_id = t.current_snapshot_id AND s.removed_version IS NULL
		UNION
		SELECT s.snapshot_id, (s.body ->> 'parent-snapshot-id')::bigint
		FROM ancestor AS a
		JOIN icecat_data.table_snapshot AS s
			ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
			AND s.snapshot_id = a.parent_id AND s.removed_version IS NULL
	)
	SELECT g.snapshot_id, (g.body ->> 'timestamp-ms')::bigint AS timestamp_ms,
		(s.body ->> 'parent-snapshot-id')::bigint AS parent_snapshot_id,
		a.snapshot_id IS NOT NULL AS is_current_ancestor,
		(pg_catalog.row_number() OVER (ORDER BY g.ordinal))::integer AS ordinal
	FROM icecat_data.table_snapshot_log AS g
	LEFT JOIN icecat_data.table_snapshot AS s
		ON s.warehouse_id = g.warehouse_id AND s.table_id = g.table_id
		AND s.snapshot_id = g.snapshot_id AND s.removed_version IS NULL
	LEFT JOIN ancestor AS a ON a.snapshot_id = g.snapshot_id
	WHERE g.warehouse_id = t.warehouse_id AND g.table_id = t.table_id AND g.removed_version IS NULL
) AS l;
COMMENT ON VIEW icecat.history IS 'What was the current snapshot of each table, and since when';
COMMENT ON COLUMN icecat.history.parent_snapshot_id IS 'NULL: none, or the snapshot has expired';
COMMENT ON COLUMN icecat.history.is_current_ancestor IS 'Is the current snapshot or one it is based on; false: rolled back';
COMMENT ON COLUMN icecat.history.ordinal IS 'Order of the log; from 1';

CREATE VIEW icecat.metadata_files AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, f.file, f.version, f.timestamp_ms,
	CASE WHEN f.timestamp_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(f.timestamp_ms / 1000.0) END AS updated_at,
	f.is_current, q.table_id IS NOT NULL AS is_queued, q.attempts, q.next_attempt_at, q.last_error
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT t.metadata_location, t.version, t.last_updated_ms, true
	UNION ALL
	SELECT g.metadata_file, NULLIF((g.ordinal >> 20) - 1, 0), (g.body ->> 'timestamp-ms')::bigint, false
	FROM icecat_data.table_metadata_log AS g
	WHERE g.warehouse_id = t.warehouse_id AND g.table_id = t.table_id AND g.removed_version IS NULL
) AS f (file, version, timestamp_ms, is_current)
LEFT JOIN icecat_data.metadata_task AS q
	ON q.warehouse_id = t.warehouse_id AND q.table_id = t.table_id
	AND q.kind = 'write' AND q.location = f.file;
COMMENT ON VIEW icecat.metadata_files IS 'The metadata.json file of each table''s current version and those of its metadata log';
COMMENT ON COLUMN icecat.metadata_files.version IS 'Commit counter of the file''s content; NULL for files written before the table came into this catalog';
COMMENT ON COLUMN icecat.metadata_files.is_queued IS 'The worker has still to write it; nothing is queued where icecat.metadata-write-mode is sync or none';
COMMENT ON COLUMN icecat.metadata_files.attempts IS 'Failed attempts to write it; NULL if it is not queued';
COMMENT ON COLUMN icecat.metadata_files.last_error IS 'Why the last attempt failed';
-- The script of a trusted extension runs as the bootstrap superuser, who would own all that it makes. Functions
-- that run as their owner must not run as a superuser: everything is handed to the owner of the extension, who
-- ran CREATE EXTENSION (and not to whoever runs an update). The grants come after this: made before, they would be
-- saved by pg_dump with the superuser's name, which may not exist where the dump is restored.
-- Behaviour only: re-run whole by every upgrade.

DO $icecat$
DECLARE
	v_command text;
BEGIN
	FOR v_command IN
		SELECT pg_catalog.format('ALTER %s OWNER TO %s', o.object, e.extowner::pg_catalog.regrole)
		FROM pg_catalog.pg_extension AS e
		CROSS JOIN LATERAL (
			SELECT pg_catalog.format('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::pg_catalog.regclass), c.relowner
			FROM pg_catalog.pg_class AS c
			WHERE c.relnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
				AND c.relkind IN ('r', 'p', 'v')
			UNION ALL
			SELECT pg_catalog.format('ROUTINE %s', p.oid::pg_catalog.regprocedure), p.proowner
			FROM pg_catalog.pg_proc AS p
			WHERE p.pronamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
			UNION ALL
			SELECT pg_catalog.format('TYPE %s', t.oid::pg_catalog.regtype), t.typowner
			FROM pg_catalog.pg_type AS t
			WHERE t.typnamespace IN ('icecat'::pg_catalog.regnamespace, 'icecat_data'::pg_catalog.regnamespace)
				AND t.typrelid = 0 AND t.typelem = 0) AS o (object, owner)
		WHERE e.extname = 'icecat' AND o.owner <> e.extowner
	LOOP
		EXECUTE v_command;
	END LOOP;
END
$icecat$;
-- Nobody but the owner gets a right by default. To let a role work with the catalog:
--   GRANT USAGE ON SCHEMA icecat TO someone;
--   GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO someone;
--   GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO someone;
-- Rights on icecat_data are never needed: functions and views reach it as their owner.
--
-- Behaviour only: re-run whole by every upgrade. Only what this script has made is touched, which is what has no
-- initial rights yet: to record the rights of today as initial would make pg_dump leave out what was granted since.

DO $icecat$
DECLARE
	v_object text;
BEGIN
	FOR v_object IN
		SELECT CASE d.classid
			WHEN 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN pg_catalog.format('SCHEMA %s', d.objid::pg_catalog.regnamespace)
			WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN pg_catalog.format('ROUTINE %s', d.objid::pg_catalog.regprocedure)
			ELSE pg_catalog.format('TABLE %s', d.objid::pg_catalog.regclass) END
		FROM pg_catalog.pg_extension AS e
		JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
		WHERE e.extname = 'icecat' AND d.deptype = 'e'
			AND d.classid IN ('pg_catalog.pg_namespace'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass,
				'pg_catalog.pg_class'::pg_catalog.regclass)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i WHERE i.classoid = d.classid AND i.objoid = d.objid)
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', v_object);
	END LOOP;
END
$icecat$;
