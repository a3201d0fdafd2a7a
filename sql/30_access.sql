-- UPGRADE: changes here need an upgrade script.
-- Who may do what: one row for each privilege that a role was granted on an object. What a role may do is the sum of the rows
-- of all roles whose rights it has, on the object and on what the object is in (decision 19).
--
-- role is a regrole: it follows a role that is renamed, and a new role with the name of one that was dropped gets nothing.
-- pg_dump writes its name, and leaves out the rows of roles that are gone (31_config_dump.sql).

CREATE TABLE icecat_data.access_grant (
	warehouse_id uuid NOT NULL,
	object_id uuid NOT NULL,
	role regrole NOT NULL,
	privilege text NOT NULL CONSTRAINT access_grant_privilege
		CHECK (privilege IN ('usage', 'create', 'select', 'write', 'drop', 'manage')),
	object_kind text NOT NULL CONSTRAINT access_grant_object_kind
		CHECK (object_kind IN ('catalog', 'tenant', 'warehouse', 'namespace', 'table', 'view')),
	grantor text NOT NULL,
	granted_at timestamptz NOT NULL,
	CONSTRAINT access_grant_pkey PRIMARY KEY (warehouse_id, object_id, role, privilege)
);
-- What a role sees is found by it, however much there is beside.
CREATE INDEX access_grant_role_idx ON icecat_data.access_grant (warehouse_id, role, object_id);
COMMENT ON TABLE icecat_data.access_grant IS 'Privileges of roles on the catalog, tenants, warehouses, namespaces, tables and views; changed by icecat.grant() and icecat.revoke() only';
COMMENT ON COLUMN icecat_data.access_grant.warehouse_id IS 'Warehouse of the object; of the whole catalog and of a tenant the nil uuid';
COMMENT ON COLUMN icecat_data.access_grant.object_id IS 'Id of the tenant, warehouse, namespace, table or view; of the whole catalog the nil uuid';
COMMENT ON COLUMN icecat_data.access_grant.role IS 'Who may; members of the role may, too. 0: every role (only made by the upgrade from 0.1.0)';
COMMENT ON COLUMN icecat_data.access_grant.privilege IS 'usage, create, select, write, drop or manage';
COMMENT ON COLUMN icecat_data.access_grant.object_kind IS 'catalog, warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.access_grant.granted_at IS 'When; of the upgrade from 0.1.0, when it was made';
COMMENT ON COLUMN icecat_data.access_grant.grantor IS 'Role that granted it, or that made the object';
