-- UPGRADE: changes here need an upgrade script.
-- What is protected against drops (icecat.set_protection()). A row goes with the rows of its object: what is dropped by force
-- and undropped is protected again.

CREATE TABLE icecat_data.protection (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	object_kind text NOT NULL CONSTRAINT protection_object_kind CHECK (object_kind IN ('warehouse', 'namespace', 'table', 'view')),
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT protection_pkey PRIMARY KEY (warehouse_id, object_id)
);
COMMENT ON TABLE icecat_data.protection IS 'Warehouses, namespaces, tables and views that are not dropped without force; changed by icecat.set_protection() only';
COMMENT ON COLUMN icecat_data.protection.warehouse_id IS 'The warehouse, or that of the object';
COMMENT ON COLUMN icecat_data.protection.object_id IS 'Id of the warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.protection.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.protection.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat_data.protection.set_at IS 'When';
