-- UPGRADE: changes here need an upgrade script.
-- Files of snapshots that lie outside of the folders of their table: which snapshots the worker has still to look at, and what it
-- found (the property icecat.outside-files of a warehouse). Which files of others the tables name: nobody's purge deletes these.
-- Rows go with those of their table.

CREATE TABLE icecat_data.inspection (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	snapshot_id bigint NOT NULL,
	created_at timestamptz NOT NULL,
	attempts integer NOT NULL,
	next_attempt_at timestamptz NOT NULL,
	last_error text,
	database_id oid NOT NULL,
	awaited boolean NOT NULL,
	CONSTRAINT inspection_pkey PRIMARY KEY (warehouse_id, table_id, snapshot_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX inspection_due_idx ON icecat_data.inspection (warehouse_id, next_attempt_at);
COMMENT ON TABLE icecat_data.inspection IS 'Snapshots whose manifests the worker has still to read; normally empty';
COMMENT ON COLUMN icecat_data.inspection.table_id IS 'The table';
COMMENT ON COLUMN icecat_data.inspection.snapshot_id IS 'The snapshot';
COMMENT ON COLUMN icecat_data.inspection.created_at IS 'When it was committed';
COMMENT ON COLUMN icecat_data.inspection.attempts IS 'Failed attempts so far';
COMMENT ON COLUMN icecat_data.inspection.next_attempt_at IS 'Not before this time; infinity after the last attempt';
COMMENT ON COLUMN icecat_data.inspection.last_error IS 'Why the last attempt failed; NULL: there was none';
COMMENT ON COLUMN icecat_data.inspection.database_id IS 'Oid of the database that made the row: a copy leaves it alone';
COMMENT ON COLUMN icecat_data.inspection.awaited IS 'Do purges that were asked for later wait for it? Not for what could not be read several times, unless the store is down';

CREATE TABLE icecat_data.outside_file (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	snapshot_id bigint NOT NULL,
	n integer NOT NULL,
	path text NOT NULL,
	found_at timestamptz NOT NULL,
	CONSTRAINT outside_file_pkey PRIMARY KEY (warehouse_id, table_id, snapshot_id, n)
);
COMMENT ON TABLE icecat_data.outside_file IS 'Files of snapshots that lie outside of the folders of their table';
COMMENT ON COLUMN icecat_data.outside_file.table_id IS 'The table';
COMMENT ON COLUMN icecat_data.outside_file.snapshot_id IS 'Snapshot that added the manifest which names the file';
COMMENT ON COLUMN icecat_data.outside_file.n IS 'From 1 on; at most icecat.outside_files_max of a snapshot are kept';
COMMENT ON COLUMN icecat_data.outside_file.path IS 'The file, as the manifest names it; or the manifest or manifest list itself';
COMMENT ON COLUMN icecat_data.outside_file.found_at IS 'When it was found';

-- All warehouses are asked by path, before a file is deleted, as those of icecat_data.location are. They are not there, because
-- what is there says where others may be placed, too.
CREATE TABLE icecat_data.file_reference (
	warehouse_id uuid NOT NULL,
	table_id uuid NOT NULL,
	path text COLLATE "C" NOT NULL,
	CONSTRAINT file_reference_pkey PRIMARY KEY (warehouse_id, table_id, path)
);
CREATE INDEX file_reference_path_idx ON icecat_data.file_reference (path);
COMMENT ON TABLE icecat_data.file_reference IS 'Files outside of the folders of a table that its manifests name: nobody else''s purge or trimming deletes them';
COMMENT ON COLUMN icecat_data.file_reference.table_id IS 'The table; live, or dropped and still kept';
COMMENT ON COLUMN icecat_data.file_reference.path IS 'Canonical spelling of the file, as in icecat_data.location, or of more than 2,000 bytes its beginning and a digest; or, with a slash at its end, a folder in which another table''s manifest lies that could not be read';
