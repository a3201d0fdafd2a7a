-- UPGRADE: changes here need an upgrade script.
-- Quotas: how much may be in a warehouse or tenant, and how much is. A row is there only where something was limited; a creation that meets
-- none reads none.

CREATE TABLE icecat_data.quota (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	object_kind text COLLATE "C" NOT NULL CONSTRAINT quota_object_kind
		CHECK (object_kind IN ('warehouse', 'tenant', 'each warehouse', 'each tenant')),
	resource text COLLATE "C" NOT NULL CONSTRAINT quota_resource
		CHECK (resource IN ('warehouses', 'namespaces', 'tables', 'views', 'namespace_depth', 'properties', 'property_bytes',
			'requests_per_second', 'role_requests_per_second', 'principal_requests_per_second')),
	most bigint NOT NULL CONSTRAINT quota_most CHECK (most >= 0),
	used bigint NOT NULL,
	inherited boolean NOT NULL,
	set_by text NOT NULL,
	set_at timestamptz NOT NULL,
	CONSTRAINT quota_pkey PRIMARY KEY (warehouse_id, object_id, object_kind, resource)
) WITH (fillfactor = 50);
COMMENT ON TABLE icecat_data.quota IS 'Limits on what is in a warehouse or tenant, and how much there is; written by icecat.set_quota(), and by what creates and drops';
COMMENT ON COLUMN icecat_data.quota.warehouse_id IS 'The warehouse; of tenants and of defaults the nil uuid';
COMMENT ON COLUMN icecat_data.quota.object_id IS 'The warehouse or tenant; of defaults the nil uuid';
COMMENT ON COLUMN icecat_data.quota.object_kind IS 'warehouse or tenant; each warehouse, each tenant: the default for those without a quota of their own';
COMMENT ON COLUMN icecat_data.quota.resource IS 'warehouses, namespaces, tables, views: how many; namespace_depth: levels; properties, property_bytes: of one namespace, table or view; …requests_per_second: of all roles of a tenant, of each, of each principal';
COMMENT ON COLUMN icecat_data.quota.most IS 'The limit';
COMMENT ON COLUMN icecat_data.quota.used IS 'How much there is; 0 where a limit is on each object alone';
COMMENT ON COLUMN icecat_data.quota.inherited IS 'Comes from a default, and changes with it';
COMMENT ON COLUMN icecat_data.quota.set_by IS 'Role that set it, or the default that it comes from';
COMMENT ON COLUMN icecat_data.quota.set_at IS 'When';
