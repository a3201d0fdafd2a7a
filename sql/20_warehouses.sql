-- UPGRADE: changes here need an upgrade script.
-- The directory of warehouses. It is the one table whose unique name does not start with the
-- warehouse: it is what finds the warehouse (and becomes a reference table when distributed).

CREATE TABLE icecat_data.warehouse (
	warehouse_id uuid NOT NULL CONSTRAINT warehouse_pkey PRIMARY KEY,
	name text NOT NULL CONSTRAINT warehouse_name_key UNIQUE
		CONSTRAINT warehouse_name_length CHECK (octet_length(name) BETWEEN 1 AND 255),
	location text,
	properties json NOT NULL,
	created_at timestamptz NOT NULL,
	tenant_id uuid,
	storage_profile_id uuid
);
CREATE INDEX warehouse_tenant_idx ON icecat_data.warehouse (tenant_id) WHERE tenant_id IS NOT NULL;
CREATE INDEX warehouse_profile_idx ON icecat_data.warehouse (storage_profile_id) WHERE storage_profile_id IS NOT NULL;
COMMENT ON TABLE icecat_data.warehouse IS 'A catalog of its own: the {prefix} of the REST paths';
COMMENT ON COLUMN icecat_data.warehouse.name IS 'REST prefix; unique in the database. That of a tenant''s begins with the tenant''s name and a slash, which its own roles leave out';
COMMENT ON COLUMN icecat_data.warehouse.tenant_id IS 'The tenant that owns it; NULL: none';
COMMENT ON COLUMN icecat_data.warehouse.location IS 'URI below which table locations are derived; NULL: every namespace or table names its own';
COMMENT ON COLUMN icecat_data.warehouse.properties IS 'JSON object of strings; icecat.metadata-write-mode is read from here';
COMMENT ON COLUMN icecat_data.warehouse.storage_profile_id IS 'The storage profile by which its object store is reached; NULL: none';
