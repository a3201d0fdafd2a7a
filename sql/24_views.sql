-- UPGRADE: changes here need an upgrade script.
-- Views: the hot row (view_head) and the lists of the metadata (view_part), as of tables. Their names are rows of relation,
-- which is unique over tables and views. A view is small and seldom changed, so a commit loads all of it, what
-- it removes is deleted at once, and the queue carries the whole text of a file that is still to be written.

CREATE TABLE icecat_data.view_head (
	warehouse_id uuid NOT NULL,
	view_id uuid NOT NULL,
	version bigint NOT NULL,
	format_version smallint NOT NULL,
	view_uuid text NOT NULL,
	location text NOT NULL,
	current_version_id integer NOT NULL,
	metadata_location text NOT NULL,
	file_expected boolean NOT NULL,
	updated_at timestamptz NOT NULL,
	dropped_at timestamptz,
	CONSTRAINT view_head_pkey PRIMARY KEY (warehouse_id, view_id)
) WITH (fillfactor = 60);
COMMENT ON TABLE icecat_data.view_head IS 'The scalars of a view''s metadata; a commit locks and updates this one row';
COMMENT ON COLUMN icecat_data.view_head.view_id IS 'Identity in this catalog, the relation''s; survives renames';
COMMENT ON COLUMN icecat_data.view_head.view_uuid IS 'Iceberg''s view-uuid; survives a move to another catalog';
COMMENT ON COLUMN icecat_data.view_head.version IS 'Commit counter: 1 after creation, one more with each commit; not Iceberg''s version-id';
COMMENT ON COLUMN icecat_data.view_head.current_version_id IS 'Iceberg''s version-id of the view version that is in force';
COMMENT ON COLUMN icecat_data.view_head.metadata_location IS 'URI of the metadata.json of this version; the file may still be in the queue (metadata_task)';
COMMENT ON COLUMN icecat_data.view_head.file_expected IS 'The metadata file of this version was queued or written; false in mode none';
COMMENT ON COLUMN icecat_data.view_head.updated_at IS 'Clock of the last commit';
COMMENT ON COLUMN icecat_data.view_head.dropped_at IS 'As in relation, so that a waiting commit sees the drop';

CREATE TABLE icecat_data.view_part (
	warehouse_id uuid NOT NULL,
	view_id uuid NOT NULL,
	kind smallint NOT NULL,
	ordinal bigint NOT NULL,
	id bigint,
	body json NOT NULL,
	CONSTRAINT view_part_pkey PRIMARY KEY (warehouse_id, view_id, kind, ordinal)
) WITH (fillfactor = 90);
COMMENT ON TABLE icecat_data.view_part IS 'Elements of the lists of views'' metadata: versions, schemas, version log, properties';
COMMENT ON COLUMN icecat_data.view_part.view_id IS 'The view that it belongs to';
COMMENT ON COLUMN icecat_data.view_part.kind IS '0 schema, 1 version, 2 version log entry, 3 properties, 4 unknown fields';
COMMENT ON COLUMN icecat_data.view_part.ordinal IS 'Place in its list: (commit that added it << 20) + n';
COMMENT ON COLUMN icecat_data.view_part.id IS 'schema-id of a schema, version-id of a version or log entry; NULL: it has none';
COMMENT ON COLUMN icecat_data.view_part.body IS 'Exact JSON text of the element';
