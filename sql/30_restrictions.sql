-- UPGRADE: changes here need an upgrade script.
-- What the catalog says about tables beside their metadata (decision 24): restrictions that readers must apply, who is trusted
-- to apply them, the roles that views work as, and labels. Rows of objects go with them; roles are kept as in access_grant.

CREATE TABLE icecat_data.read_restriction (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	role regrole NOT NULL,
	table_uuid text NOT NULL,
	row_filter json,
	column_masks json,
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT read_restriction_pkey PRIMARY KEY (warehouse_id, object_id, role)
);
COMMENT ON TABLE icecat_data.read_restriction IS 'Which rows and columns of a table the members of a role may read; changed by icecat.set_read_restriction() only';
COMMENT ON COLUMN icecat_data.read_restriction.warehouse_id IS 'Warehouse of the table';
COMMENT ON COLUMN icecat_data.read_restriction.object_id IS 'Id of the table';
COMMENT ON COLUMN icecat_data.read_restriction.role IS 'Who is restricted, with all its members, whether they inherit its rights or not';
COMMENT ON COLUMN icecat_data.read_restriction.table_uuid IS 'Iceberg''s uuid of the table that the field ids are of: if another table was registered over it, nobody who is restricted loads it';
COMMENT ON COLUMN icecat_data.read_restriction.row_filter IS 'Iceberg expression over field ids; NULL: all rows';
COMMENT ON COLUMN icecat_data.read_restriction.column_masks IS 'Array of objects with field-id and action; NULL: no column';
COMMENT ON COLUMN icecat_data.read_restriction.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat_data.read_restriction.set_at IS 'When';

CREATE TABLE icecat_data.trusted_engine (
	warehouse_id uuid NOT NULL,
	role regrole NOT NULL,
	owner_property text,
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT trusted_engine_pkey PRIMARY KEY (warehouse_id, role)
);
COMMENT ON TABLE icecat_data.trusted_engine IS 'Roles whose clients apply restrictions and name views truly; changed by icecat.trust_engine() only';
COMMENT ON COLUMN icecat_data.trusted_engine.warehouse_id IS 'The nil uuid: it holds in all warehouses';
COMMENT ON COLUMN icecat_data.trusted_engine.role IS 'The role; who has its rights is trusted, too';
COMMENT ON COLUMN icecat_data.trusted_engine.owner_property IS 'Property of a view that names the role that it works as; NULL: views work as who calls';
COMMENT ON COLUMN icecat_data.trusted_engine.set_by IS 'Role that said so';
COMMENT ON COLUMN icecat_data.trusted_engine.set_at IS 'When';

CREATE TABLE icecat_data.view_definer (
	warehouse_id uuid NOT NULL,
	view_id uuid NOT NULL,
	role regrole NOT NULL,
	property text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT view_definer_pkey PRIMARY KEY (warehouse_id, view_id)
);
COMMENT ON TABLE icecat_data.view_definer IS 'The roles that views work as: written by a change of the view that names it, made by a role that has its rights';
COMMENT ON COLUMN icecat_data.view_definer.warehouse_id IS 'Warehouse of the view';
COMMENT ON COLUMN icecat_data.view_definer.view_id IS 'Id of the view';
COMMENT ON COLUMN icecat_data.view_definer.role IS 'By whose rights what it refers to is loaded';
COMMENT ON COLUMN icecat_data.view_definer.property IS 'Property of the view that names it: it counts for engines of this owner_property';
COMMENT ON COLUMN icecat_data.view_definer.set_at IS 'When';

CREATE TABLE icecat_data.label (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	field_id integer NOT NULL,
	name text COLLATE "C" NOT NULL,
	value text NOT NULL,
	object_kind text NOT NULL CONSTRAINT label_object_kind CHECK (object_kind IN ('namespace', 'table', 'view')),
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT label_pkey PRIMARY KEY (warehouse_id, object_id, field_id, name)
);
COMMENT ON TABLE icecat_data.label IS 'Labels of namespaces, tables, views and their columns; changed by icecat.set_labels() only';
COMMENT ON COLUMN icecat_data.label.warehouse_id IS 'Warehouse of the object';
COMMENT ON COLUMN icecat_data.label.object_id IS 'Id of the namespace, table or view';
COMMENT ON COLUMN icecat_data.label.field_id IS 'Field id of a column; -1: the object itself';
COMMENT ON COLUMN icecat_data.label.name IS 'Name of the label';
COMMENT ON COLUMN icecat_data.label.value IS 'Its value';
COMMENT ON COLUMN icecat_data.label.object_kind IS 'namespace, table or view';
COMMENT ON COLUMN icecat_data.label.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat_data.label.set_at IS 'When';
