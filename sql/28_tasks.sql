-- UPGRADE: changes here need an upgrade script.
-- The queue between commits and storage. A commit inserts what is to be done with files in its own
-- transaction; the worker does it afterwards, in (version, position) order for each table, and deletes the row when
-- the file is safely there or gone. A row that cannot be done stays and is tried again until it succeeds.

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
	document json,
	CONSTRAINT metadata_task_pkey PRIMARY KEY (warehouse_id, table_id, version, position)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- A queued file is found by its name from every warehouse, in any spelling of its location. The condition on the location is
-- true for all; look-ups by table do not imply it and so can never take this index for the key.
CREATE INDEX metadata_task_file_idx ON icecat_data.metadata_task
	(warehouse_id, (pg_catalog.split_part(location, '/', -1)) COLLATE "C") WHERE kind = 'write' AND location <> '';
-- What is due of each kind is found by it, however much is queued.
CREATE INDEX metadata_task_due_idx ON icecat_data.metadata_task (warehouse_id, database_id, kind, next_attempt_at);
COMMENT ON TABLE icecat_data.metadata_task IS 'Files to write or delete after a commit; normally empty';
COMMENT ON COLUMN icecat_data.metadata_task.table_id IS 'The table, or the view';
COMMENT ON COLUMN icecat_data.metadata_task.version IS 'Commit counter of the table at which the task was made';
COMMENT ON COLUMN icecat_data.metadata_task.position IS 'Order within a version: writes before deletes before the purge';
COMMENT ON COLUMN icecat_data.metadata_task.kind IS 'write: the metadata file of version; delete: an old metadata file; trim: rows that were removed at or before version, once no queued file needs them; purge: all files and rows of a dropped table';
COMMENT ON COLUMN icecat_data.metadata_task.location IS 'The file; NULL for trim and purge';
COMMENT ON COLUMN icecat_data.metadata_task.head IS 'write of a table''s file: scalars and refs of version, which are not kept in rows; delete: the table''s uuid; purge: how many files it has deleted so far, about, and when it was first seen, if it had to wait for snapshots to be read; otherwise NULL';
COMMENT ON COLUMN icecat_data.metadata_task.attempts IS 'Failed attempts so far';
COMMENT ON COLUMN icecat_data.metadata_task.database_id IS 'Oid of the database that made the task: in a copy (dump, template) the worker leaves it alone until icecat.adopt_tasks()';
COMMENT ON COLUMN icecat_data.metadata_task.document IS 'The whole text of the file; only for the write of a view''s file';
COMMENT ON COLUMN icecat_data.metadata_task.next_attempt_at IS 'Not before this time; moved on by each failure, and far ahead while it waits for another task of the table; before created_at: it has waited';
