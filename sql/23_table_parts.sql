-- UPGRADE: changes here need an upgrade script.
-- The lists of a table's metadata, one row for each element, of all kinds in one table: a load is one index scan.
-- body is the element's exact JSON text and is authoritative; other columns repeat what is looked up.
-- ordinal = (version << 20) + n, where version is the commit that added the row, so that order is document
-- order and a row knows its commit. A removal sets removed_version and the worker deletes the row once no
-- queued metadata file needs it: the document of any queued version can still be assembled, exactly. Where no file is
-- queued, a removal of many rows deletes them at once.
-- There are no CHECK constraints: PostgreSQL parses them again for every insertion; check_integrity() looks. Refs
-- are replaced in place (nothing that changes is indexed, so these updates are HOT); the queue keeps a copy of theirs.
--
-- What is live is read by table_part_live_idx, so that no load or commit meets a removed row, however long the queue is. It
-- is for lists alone: the condition on the ordinal, true for all, keeps look-ups by id off it, which would read a whole list. It
-- costs an index entry a row; a removal was never HOT, for other indexes have removed_version in their conditions. Rows
-- come and go with every commit: the table is vacuumed by their number, not by a fifth of its size.

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
	at_ms bigint,
	operation text,
	CONSTRAINT table_part_pkey PRIMARY KEY (warehouse_id, table_id, kind, ordinal)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
CREATE UNIQUE INDEX table_part_id_key ON icecat_data.table_part (warehouse_id, table_id, kind, id)
	WHERE removed_version IS NULL AND id IS NOT NULL;
CREATE UNIQUE INDEX table_part_key_key ON icecat_data.table_part (warehouse_id, table_id, kind, key)
	WHERE removed_version IS NULL AND kind IN (5, 10);
CREATE INDEX table_part_live_idx ON icecat_data.table_part (warehouse_id, table_id, kind, ordinal)
	WHERE removed_version IS NULL AND ordinal >= 0;
CREATE INDEX table_part_removed_idx ON icecat_data.table_part (warehouse_id, table_id, removed_version)
	WHERE removed_version IS NOT NULL;
COMMENT ON TABLE icecat_data.table_part IS 'Elements of the lists of tables'' metadata: schemas, partition specs, sort orders, properties, snapshots, refs, logs, statistics, keys';
COMMENT ON COLUMN icecat_data.table_part.kind IS '0 schema, 1 partition spec, 2 sort order, 3 properties, 4 snapshot, 5 ref, 6 snapshot log entry, 7 metadata log entry, 8 statistics, 9 partition statistics, 10 encryption key, 11 unknown fields';
COMMENT ON COLUMN icecat_data.table_part.ordinal IS 'Place in its list: (version that added it << 20) + n';
COMMENT ON COLUMN icecat_data.table_part.id IS 'schema-id, spec-id, order-id or snapshot-id of what has one of its own';
COMMENT ON COLUMN icecat_data.table_part.key IS 'Name of a ref, file of a metadata log entry, key-id of an encryption key';
COMMENT ON COLUMN icecat_data.table_part.target IS 'Snapshot that a ref, a snapshot log entry or a statistics file points to; the parent of a snapshot (NULL: none, or only in the body)';
COMMENT ON COLUMN icecat_data.table_part.removed_version IS 'Commit that removed it; NULL: live';
COMMENT ON COLUMN icecat_data.table_part.body IS 'Exact JSON text of the element';
COMMENT ON COLUMN icecat_data.table_part.at_ms IS 'timestamp-ms of a snapshot or log entry, in milliseconds since 1970; NULL: only in the body, as in rows of version 0.1.0';
COMMENT ON COLUMN icecat_data.table_part.operation IS 'What a snapshot did: append, replace, overwrite or delete; NULL: only in the body, if anywhere';

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
SELECT warehouse_id, table_id, ordinal, id AS snapshot_id, removed_version, body,
	coalesce(target, (body ->> 'parent-snapshot-id')::bigint) AS parent_id,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms,
	coalesce(operation, body -> 'summary' ->> 'operation') AS operation
FROM icecat_data.table_part WHERE kind = 4;
COMMENT ON VIEW icecat_data.table_snapshot IS 'Snapshots of a table; removed rows too';

CREATE VIEW icecat_data.table_ref AS
SELECT warehouse_id, table_id, ordinal, key AS name, target AS snapshot_id, removed_version, body
FROM icecat_data.table_part WHERE kind = 5;
COMMENT ON VIEW icecat_data.table_ref IS 'Branches and tags of a table; removed rows too';

CREATE VIEW icecat_data.table_snapshot_log AS
SELECT warehouse_id, table_id, ordinal, target AS snapshot_id, removed_version, body,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms
FROM icecat_data.table_part WHERE kind = 6;
COMMENT ON VIEW icecat_data.table_snapshot_log IS 'Snapshot log of a table: when a snapshot became current; removed rows too';

CREATE VIEW icecat_data.table_metadata_log AS
SELECT warehouse_id, table_id, ordinal, key AS metadata_file, removed_version, body,
	coalesce(at_ms, (body ->> 'timestamp-ms')::bigint) AS timestamp_ms
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
