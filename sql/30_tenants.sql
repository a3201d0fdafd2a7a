-- UPGRADE: changes here need an upgrade script.
-- Tenants share a database and must not learn of each other. A tenant owns warehouses (warehouse.tenant_id; their names
-- begin with the tenant's and a slash), roles (tenant_role), and a part of the storage, in which nobody else has anything.

CREATE TABLE icecat_data.tenant (
	warehouse_id uuid NOT NULL,
	tenant_id uuid NOT NULL,
	name text COLLATE "C" NOT NULL CONSTRAINT tenant_name_form CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
	location text COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL,
	maintenance text,
	CONSTRAINT tenant_pkey PRIMARY KEY (warehouse_id, tenant_id),
	CONSTRAINT tenant_name_key UNIQUE (warehouse_id, name),
	CONSTRAINT tenant_location_key UNIQUE (warehouse_id, location)
);
COMMENT ON TABLE icecat_data.tenant IS 'Tenants: owners of warehouses and roles that must not learn of each other';
COMMENT ON COLUMN icecat_data.tenant.warehouse_id IS 'The nil uuid: a tenant is above warehouses';
COMMENT ON COLUMN icecat_data.tenant.tenant_id IS 'Identity of the tenant; survives renames';
COMMENT ON COLUMN icecat_data.tenant.name IS 'Begins the names of its warehouses, with a slash behind';
COMMENT ON COLUMN icecat_data.tenant.maintenance IS 'Why nothing of it may be changed now; NULL: it may';
COMMENT ON COLUMN icecat_data.tenant.location IS 'Canonical URI of its part of the storage, in which all of its tables and files are, and nobody else''s';

CREATE TABLE icecat_data.tenant_role (
	warehouse_id uuid NOT NULL,
	role regrole NOT NULL,
	tenant_id uuid NOT NULL,
	assigned_at timestamptz NOT NULL,
	CONSTRAINT tenant_role_pkey PRIMARY KEY (warehouse_id, role)
);
CREATE INDEX tenant_role_tenant_idx ON icecat_data.tenant_role (warehouse_id, tenant_id);
COMMENT ON TABLE icecat_data.tenant_role IS 'Which tenant a role belongs to; pg_dump leaves out roles that are gone';
COMMENT ON COLUMN icecat_data.tenant_role.role IS 'The role; of one tenant at most';
COMMENT ON COLUMN icecat_data.tenant_role.tenant_id IS 'The tenant';
COMMENT ON COLUMN icecat_data.tenant_role.assigned_at IS 'When it was assigned';
COMMENT ON COLUMN icecat_data.tenant_role.warehouse_id IS 'The nil uuid: a tenant is above warehouses';
