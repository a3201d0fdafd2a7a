-- UPGRADE: changes here need an upgrade script.
-- The lists of a table's metadata, a row an element. body is the element's exact JSON text and is
-- authoritative; other columns repeat what is looked up. ordinal = (version << 20) + n, where version is
-- the commit that added the row, so that order is document order and a row knows its commit. A
-- removal sets removed_version and the worker deletes the row once no queued metadata file needs it:
-- the document of any queued version can still be assembled, exactly. Refs are replaced in place; the
-- queue keeps a copy of theirs.

CREATE TABLE icecat_data.table_schema (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	schema_id integer NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_schema_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
CREATE UNIQUE INDEX table_schema_schema_id_key ON icecat_data.table_schema (warehouse_id, table_id, schema_id)
	WHERE removed_version IS NULL;
COMMENT ON TABLE icecat_data.table_schema IS 'A schema of a table';

CREATE TABLE icecat_data.table_partition_spec (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	spec_id integer NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_partition_spec_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
CREATE UNIQUE INDEX table_partition_spec_spec_id_key ON icecat_data.table_partition_spec (warehouse_id, table_id, spec_id)
	WHERE removed_version IS NULL;
COMMENT ON TABLE icecat_data.table_partition_spec IS 'A partition spec of a table';

CREATE TABLE icecat_data.table_sort_order (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	order_id integer NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_sort_order_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
CREATE UNIQUE INDEX table_sort_order_order_id_key ON icecat_data.table_sort_order (warehouse_id, table_id, order_id)
	WHERE removed_version IS NULL;
COMMENT ON TABLE icecat_data.table_sort_order IS 'A sort order of a table';

CREATE TABLE icecat_data.table_property_set (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_property_set_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_property_set IS 'The properties of a table: one live row, a JSON object of strings';

CREATE TABLE icecat_data.table_snapshot (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	snapshot_id bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_snapshot_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
CREATE UNIQUE INDEX table_snapshot_snapshot_id_key ON icecat_data.table_snapshot (warehouse_id, table_id, snapshot_id)
	WHERE removed_version IS NULL;
COMMENT ON TABLE icecat_data.table_snapshot IS 'A snapshot of a table';

CREATE TABLE icecat_data.table_ref (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	name text NOT NULL,
	snapshot_id bigint NOT NULL,
	body json NOT NULL,
	CONSTRAINT table_ref_pkey PRIMARY KEY (warehouse_id, table_id, name)
) WITH (fillfactor = 80);
COMMENT ON TABLE icecat_data.table_ref IS 'A branch or tag of a table';

CREATE TABLE icecat_data.table_snapshot_log (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	snapshot_id bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_snapshot_log_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_snapshot_log IS 'An entry of the snapshot log: when a snapshot became current';

CREATE TABLE icecat_data.table_metadata_log (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	metadata_file text NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_metadata_log_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_metadata_log IS 'An entry of the metadata log: an earlier metadata file';

CREATE TABLE icecat_data.table_statistics (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	snapshot_id bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_statistics_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_statistics IS 'A statistics (Puffin) file of a snapshot';

CREATE TABLE icecat_data.table_partition_statistics (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	snapshot_id bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_partition_statistics_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_partition_statistics IS 'A partition statistics file of a snapshot';

CREATE TABLE icecat_data.table_encryption_key (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	key_id text NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_encryption_key_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
CREATE UNIQUE INDEX table_encryption_key_key_id_key ON icecat_data.table_encryption_key (warehouse_id, table_id, key_id)
	WHERE removed_version IS NULL;
COMMENT ON TABLE icecat_data.table_encryption_key IS 'A wrapped encryption key of a table';

CREATE TABLE icecat_data.table_extra (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	ordinal bigint NOT NULL,
	removed_version bigint,
	body json NOT NULL,
	CONSTRAINT table_extra_pkey PRIMARY KEY (warehouse_id, table_id, ordinal)
);
COMMENT ON TABLE icecat_data.table_extra IS 'Top-level metadata fields that icecat does not know, kept as they came: one JSON object';
