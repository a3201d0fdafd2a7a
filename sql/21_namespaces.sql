-- UPGRADE: changes here need an upgrade script.
-- Namespaces, nested to any allowed depth. Found by a hash of the whole path, because a path can be
-- longer than an index entry. Creating anything inside one locks its row FOR KEY SHARE, dropping
-- it FOR UPDATE: no orphan can arise. No table has a foreign key: it would repeat these locks, and a dump
-- could not be restored in any order of its tables.

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
	CONSTRAINT namespace_has_levels CHECK (cardinality(levels) >= 1)
) WITH (fillfactor = 90);
-- Lists are read in its order, byte order, a page being a range of it.
CREATE INDEX namespace_child_idx ON icecat_data.namespace
	(warehouse_id, parent_id, (levels[cardinality(levels)]) COLLATE "C");
-- Which say a location of their own: no table may be placed there, or around it.
CREATE INDEX namespace_location_idx ON icecat_data.namespace (warehouse_id, (pg_catalog."left"(properties ->> 'location', 500)) COLLATE "C")
	WHERE properties ->> 'location' IS NOT NULL;
COMMENT ON TABLE icecat_data.namespace IS 'A namespace; its full path is levels';
COMMENT ON COLUMN icecat_data.namespace.parent_id IS 'The namespace one level up; NULL at the top';
COMMENT ON COLUMN icecat_data.namespace.levels IS 'The path from the top, one element a level';
COMMENT ON COLUMN icecat_data.namespace.path_hash IS 'SHA-256 of the levels, each followed by a zero byte; of their icecat.case_key() where case does not matter';
COMMENT ON COLUMN icecat_data.namespace.properties IS 'JSON object of strings, exactly as set';
