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
	name_key text COLLATE "C",
	undrop_until timestamptz,
	purge_requested boolean,
	CONSTRAINT relation_pkey PRIMARY KEY (warehouse_id, relation_id),
	CONSTRAINT relation_name_length CHECK (octet_length(name) BETWEEN 1 AND 255)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX relation_name_key ON icecat_data.relation (warehouse_id, namespace_id, name)
	WHERE dropped_at IS NULL;
CREATE UNIQUE INDEX relation_fold_key ON icecat_data.relation (warehouse_id, namespace_id, name_key)
	WHERE dropped_at IS NULL AND name_key IS NOT NULL;
-- Lists are read in its order, byte order whatever the database's is, a page being a range of it. The condition on
-- the name is true for all; a look-up by name does not imply it and so can never take this index for that of the names.
CREATE INDEX relation_table_list_idx ON icecat_data.relation (warehouse_id, namespace_id, name COLLATE "C")
	WHERE kind = 'table' AND dropped_at IS NULL AND name <> '';
CREATE INDEX relation_view_list_idx ON icecat_data.relation (warehouse_id, namespace_id, name COLLATE "C")
	WHERE kind = 'view' AND dropped_at IS NULL AND name <> '';
CREATE INDEX relation_dropped_idx ON icecat_data.relation (warehouse_id, dropped_at)
	WHERE dropped_at IS NOT NULL;
-- What can be undropped, by its name; and what the worker has to end.
CREATE INDEX relation_undrop_name_idx ON icecat_data.relation (warehouse_id, namespace_id, name)
	WHERE undrop_until IS NOT NULL;
CREATE INDEX relation_undrop_idx ON icecat_data.relation (warehouse_id, undrop_until)
	WHERE undrop_until IS NOT NULL;
COMMENT ON TABLE icecat_data.relation IS 'A table''s or a view''s name in a namespace; unique over both kinds';
COMMENT ON COLUMN icecat_data.relation.dropped_at IS 'Set by a drop: the name is free, the rows stay until the worker trims them';
COMMENT ON COLUMN icecat_data.relation.undrop_until IS 'Until when what was dropped can be undropped; NULL: it cannot, or the worker has ended that';
COMMENT ON COLUMN icecat_data.relation.purge_requested IS 'The drop asked for a purge, which is done when it cannot be undropped any more';
COMMENT ON COLUMN icecat_data.relation.name_key IS 'icecat.case_key(name) where case does not matter (the warehouse''s icecat.case-mode), else NULL';

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
	CONSTRAINT table_head_pkey PRIMARY KEY (warehouse_id, table_id)
) WITH (fillfactor = 60);
CREATE INDEX table_head_uuid_idx ON icecat_data.table_head (warehouse_id, table_uuid);
COMMENT ON TABLE icecat_data.table_head IS 'The scalars of a table''s metadata; a commit locks and updates this one row';
COMMENT ON COLUMN icecat_data.table_head.version IS 'Commit counter: 1 after creation, one more with each commit';
COMMENT ON COLUMN icecat_data.table_head.current_snapshot_id IS '-1: none';
COMMENT ON COLUMN icecat_data.table_head.next_row_id IS 'Iceberg v3 row lineage; 0 below format version 3';
COMMENT ON COLUMN icecat_data.table_head.metadata_location IS 'URI of the metadata.json of this version; the file may still be in the queue (metadata_task)';
COMMENT ON COLUMN icecat_data.table_head.metadata_log_count IS 'Live rows of table_metadata_log';
COMMENT ON COLUMN icecat_data.table_head.file_expected IS 'The metadata file of this version was queued or written; false in mode none';
COMMENT ON COLUMN icecat_data.table_head.dropped_at IS 'As in relation, so that a waiting commit sees the drop';
