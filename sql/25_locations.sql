-- UPGRADE: changes here need an upgrade script.
-- Whose file it is: the folders and single files that tables and views hold on storage, by their canonical spelling. A row
-- stands for as long as the rows of its table or view: also after a drop, until the worker has purged or trimmed it.
-- Creation, registration, a change of location or declared paths and a commit that names a file outside of these write
-- here; loads and appends do not. This is the one table that is asked over all warehouses: by location, before a file is deleted.

CREATE TABLE icecat_data.location (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	path text COLLATE "C" NOT NULL,
	kind text NOT NULL,
	CONSTRAINT location_pkey PRIMARY KEY (warehouse_id, object_id, path, kind)
);
CREATE INDEX location_path_idx ON icecat_data.location (path);
COMMENT ON TABLE icecat_data.location IS 'Folders and files that tables and views hold on storage: nobody else''s purge or trimming deletes what lies at or below them';
COMMENT ON COLUMN icecat_data.location.object_id IS 'Table or view; live, or dropped and still kept';
COMMENT ON COLUMN icecat_data.location.path IS 'Canonical spelling: file:///a/b without dots, doubled slashes or a slash at the end; with a second row where links lead elsewhere. Of a file whose spelling has more than 2,000 bytes: its beginning and a digest';
COMMENT ON COLUMN icecat_data.location.kind IS 'location: present or former location; path: present or former folder of a write.*.path property; file: a file outside of these that its metadata names; registered: the metadata file by which it was registered';
