-- Tenants: made, changed, dropped; their roles; privileges on them. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.create_tenant(p_name text, p_location text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_tenant';
COMMENT ON FUNCTION icecat.create_tenant(text, text) IS
'Makes a tenant. Its warehouses have names that begin with p_name and a slash, which its own roles leave out.
p_name: 1 to 63 of a-z, 0-9, _ and -. p_location: URI of its part of the storage: all tables, views and files of its warehouses lie below it, and nobody else''s.
Waits for grants and creations that are under way, at most icecat.commit_lock_timeout_ms, and those that come later wait until the transaction of this call ends; commits go on.
Errors: IC201 (409) the name is taken, or begins the names of warehouses; IC301 (400) bad name or location, or one that leads through links; IC306 (400) the location overlaps another tenant''s, or has tables of others in it; IC401 (403) no manage on the catalog; 55P03 (503) lock timeout.
REST: none; tenants are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.alter_tenant(p_name text, p_new_name text DEFAULT NULL, p_location text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_alter_tenant';
COMMENT ON FUNCTION icecat.alter_tenant(text, text, text) IS
'Changes a tenant. A NULL argument changes nothing.
p_new_name: renames its warehouses, too; its own roles notice nothing. p_location: for what is made from now on; what is there stays where it is.
Errors: IC107 (404) no such tenant; else as icecat.create_tenant().
REST: none; tenants are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.set_tenant_maintenance(p_tenant text, p_on boolean, p_reason text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_tenant_maintenance';
COMMENT ON FUNCTION icecat.set_tenant_maintenance(text, boolean, text) IS
'Puts all warehouses of a tenant into maintenance mode, also those that it gets later, or ends it: as icecat.set_maintenance() does with one warehouse, whose own mode stays as it is. No warehouse is made in the tenant until then. Every session hears of it when the transaction commits.
p_tenant: NULL: that of the current role. p_on: false ends it. p_reason: what callers are told, at most 1000 bytes; column maintenance of icecat.tenants.
Errors: IC107 (404) no such tenant; IC401 (403) no manage on the tenant; IC305 (400) the reason is too long.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_tenant(p_name text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_tenant';
COMMENT ON FUNCTION icecat.drop_tenant(text) IS
'Drops a tenant that has no warehouse and no storage profile. Its roles stay, and belong to no tenant any more. Files in storage are not touched.
Errors: IC107 (404) no such tenant; IC207 (409) it has warehouses, or storage profiles; IC401 (403) no manage on the catalog.
REST: none; tenants are administered in SQL.';

CREATE OR REPLACE FUNCTION icecat.assign_role(p_tenant text, p_role regrole)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_assign_role';
COMMENT ON FUNCTION icecat.assign_role(text, regrole) IS
'Makes a role one of a tenant''s. From then on it has the rights of the tenant''s roles only, whatever else it is a member of, and none on the whole catalog; it says names of warehouses without the tenant''s. A role that is assigned to none, and has the rights of the roles of one tenant, counts as that tenant''s, too. Returns false if it was assigned to the tenant before. It may do nothing by itself: see icecat.grant_tenant(). Waits as icecat.create_tenant() does.
Errors: IC107 (404) no such tenant; IC301 (400) the role is another tenant''s, has privileges elsewhere, or the rights of the extension''s owner; IC401 (403) no manage on the catalog.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.unassign_role(p_tenant text, p_role regrole)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_unassign_role';
COMMENT ON FUNCTION icecat.unassign_role(text, regrole) IS
'Takes back what icecat.assign_role() did; false: it was not assigned to the tenant. What the role was granted on the tenant''s warehouses it keeps: revoke it.
Errors: IC107 (404) no such tenant; IC401 (403) no manage on the catalog.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.grant_tenant(p_role regrole, p_privilege text, p_tenant text DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_grant_tenant';
COMMENT ON FUNCTION icecat.grant_tenant(regrole, text, text) IS
'Grants a role a privilege on a tenant: on all of its warehouses, now and later. create lets it make warehouses, manage makes it the tenant''s administrator. Returns false if it was granted before.
p_role, p_privilege: as in icecat.grant(). p_tenant: NULL: that of the current role.
Errors: IC107 (404) no such tenant; IC301 (400) no such role or privilege, or the role is another tenant''s; IC401 (403) the caller has no manage on the tenant.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.revoke_tenant(p_role regrole, p_privilege text, p_tenant text DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_revoke_tenant';
COMMENT ON FUNCTION icecat.revoke_tenant(regrole, text, text) IS
'Takes back what icecat.grant_tenant() gave. Returns false if it was not granted.
Arguments and errors: as icecat.grant_tenant().
REST: none.';

CREATE OR REPLACE FUNCTION icecat._own_tenant()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_own_tenant';
COMMENT ON FUNCTION icecat._own_tenant() IS 'Id of the tenant of the current role; NULL: none.';

CREATE OR REPLACE VIEW icecat.tenants WITH (security_barrier) AS
SELECT t.name AS tenant, t.location, t.created_at, t.tenant_id, t.maintenance
FROM icecat_data.tenant AS t
WHERE (SELECT icecat._sees_all('usage')) OR t.tenant_id = (SELECT icecat._own_tenant())
	OR t.tenant_id IN (SELECT icecat._seen('usage'));
COMMENT ON VIEW icecat.tenants IS 'Tenants: to a tenant''s role, its own';
COMMENT ON COLUMN icecat.tenants.tenant IS 'Name; with a slash it begins the names of its warehouses';
COMMENT ON COLUMN icecat.tenants.location IS 'URI below which everything of the tenant lies on storage';
COMMENT ON COLUMN icecat.tenants.created_at IS 'When the tenant was made';
COMMENT ON COLUMN icecat.tenants.tenant_id IS 'Identity of the tenant; survives renames';
COMMENT ON COLUMN icecat.tenants.maintenance IS 'Why its warehouses are in maintenance mode, "" for no reason; NULL: they are not';

CREATE OR REPLACE VIEW icecat.tenant_roles WITH (security_barrier) AS
SELECT t.name AS tenant, r.role, r.assigned_at
FROM icecat_data.tenant_role AS r
JOIN icecat_data.tenant AS t ON t.warehouse_id = r.warehouse_id AND t.tenant_id = r.tenant_id
WHERE (SELECT icecat._sees_all('manage')) OR r.role::oid = ANY ((SELECT icecat._own_roles())::oid[]) AND t.tenant_id = (SELECT icecat._own_tenant())
	OR t.tenant_id IN (SELECT icecat._seen('manage'));
COMMENT ON VIEW icecat.tenant_roles IS 'Which roles belong to which tenant: to a tenant''s role those whose rights it has, to its administrator all of the tenant';
COMMENT ON COLUMN icecat.tenant_roles.tenant IS 'Name of the tenant';
COMMENT ON COLUMN icecat.tenant_roles.role IS 'The role';
COMMENT ON COLUMN icecat.tenant_roles.assigned_at IS 'When icecat.assign_role() made it the tenant''s';
