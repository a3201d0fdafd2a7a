-- Privileges as rows (decision 19): granted, taken, shown and explained. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.grant(
	p_role regrole,
	p_privilege text,
	p_warehouse text DEFAULT NULL,
	p_namespace text[] DEFAULT NULL,
	p_name text DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_grant';
COMMENT ON FUNCTION icecat.grant(regrole, text, text, text[], text) IS
'Grants a role a privilege on an object and all that is in it. Returns false if it was granted before.
p_role: a role, not PUBLIC; roles that are its members have the privilege, too. To call the functions at all it also needs icecat.grant_user(), or be a member of a role that has it.
p_privilege: usage (see that it exists), create (make namespaces, tables and views in it), select (load), write (commit), drop (drop, or move away), manage (everything, and grant). Each implies usage, write implies select, manage all.
p_warehouse, p_namespace, p_name: a table or view; without a name the namespace, without a namespace the warehouse, without any the whole catalog.
Errors: IC101, IC102, IC103 no such object (404); IC301 no such role or privilege (400); IC401 the caller has no manage on the object (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.revoke(
	p_role regrole,
	p_privilege text,
	p_warehouse text DEFAULT NULL,
	p_namespace text[] DEFAULT NULL,
	p_name text DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_revoke';
COMMENT ON FUNCTION icecat.revoke(regrole, text, text, text[], text) IS
'Takes what icecat.grant() gave, or what the creation of the object gave (manage). Returns false if it was not granted on this object. What the role has by another row (of another privilege that implies it, on what the object is in, or of a role that it is a member of) it keeps: see icecat.explain_access().
Arguments and errors: as icecat.grant().
REST: none.';

CREATE OR REPLACE FUNCTION icecat.apply_grants(p_changes json)
RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_apply_grants';
COMMENT ON FUNCTION icecat.apply_grants(json) IS
'Grants and revokes many privileges: all or nothing. Returns how many rows changed; what is so already is left, so that a call can be repeated.
p_changes: array of at most 1000 objects {"action": "grant" or "revoke", "role": …, "privilege": …, "warehouse": …, "namespace": […], "name": …}; the last three as in icecat.grant().
Errors: as icecat.grant(); IC205 one privilege both granted and revoked (409); IC305 more than 1000 (400).
REST: none.';

CREATE OR REPLACE FUNCTION icecat._implying(p_privilege text)
RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_implying';
COMMENT ON FUNCTION icecat._implying(text) IS 'The privileges that imply one, and itself; an empty array if there is none of the name.';

-- What the views of this schema ask about the role that reads them. They are called with its rights, and tell it about itself only.

CREATE OR REPLACE FUNCTION icecat._guards_estimates()
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_guards_estimates';
COMMENT ON FUNCTION icecat._guards_estimates() IS 'True. The planner calls it when it begins with a view, and by that loads the library, which keeps statistics about rows from operators of users.';

CREATE OR REPLACE FUNCTION icecat._sees_all(p_privilege text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_sees_all';
COMMENT ON FUNCTION icecat._sees_all(text) IS 'Has the current role a privilege on the whole catalog? For views, which ask once a query.';

CREATE OR REPLACE FUNCTION icecat._seen(p_privilege text)
RETURNS SETOF uuid
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'sql_ice_seen';
COMMENT ON FUNCTION icecat._seen(text) IS 'Ids of tenants (and their warehouses), warehouses, namespaces (and those below), tables and views on which the current role was granted a privilege, or one that implies it. What is in them is not listed.';

CREATE OR REPLACE FUNCTION icecat._seen_above()
RETURNS SETOF uuid
LANGUAGE c STABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'sql_ice_seen_above';
COMMENT ON FUNCTION icecat._seen_above() IS 'Ids of the warehouses and namespaces in which the current role was granted anything.';

CREATE OR REPLACE FUNCTION icecat._own_roles()
RETURNS oid[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_own_roles';
COMMENT ON FUNCTION icecat._own_roles() IS 'The roles whose privileges count for the current role, and 0, which is every role; of a tenant''s role those of its tenant only.';

CREATE OR REPLACE VIEW icecat.privileges WITH (security_barrier) AS
SELECT g.role, g.privilege, g.object_kind, w.name AS warehouse, n.levels AS namespace, r.name AS name, g.grantor, g.granted_at,
	g.object_id, g.warehouse_id, t.name AS tenant
FROM icecat_data.access_grant AS g
LEFT JOIN icecat_data.tenant AS t ON g.object_kind = 'tenant' AND t.warehouse_id = g.warehouse_id AND t.tenant_id = g.object_id
LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = g.warehouse_id
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = g.warehouse_id AND r.relation_id = g.object_id
LEFT JOIN icecat_data.namespace AS n
	ON n.warehouse_id = g.warehouse_id AND n.namespace_id = coalesce(r.namespace_id, g.object_id)
WHERE r.dropped_at IS NULL
	AND (g.role::oid = ANY ((SELECT icecat._own_roles())::oid[]) OR (SELECT icecat._sees_all('manage'))
		OR g.warehouse_id IN (SELECT icecat._seen('manage')) OR n.namespace_id IN (SELECT icecat._seen('manage'))
		OR g.object_id IN (SELECT icecat._seen('manage')));
COMMENT ON VIEW icecat.privileges IS 'What was granted to whom: the rows of one''s own roles, and of all roles on what one may manage. See icecat.grants_of(), icecat.explain_access()';
COMMENT ON COLUMN icecat.privileges.role IS 'Who may; members of the role may, too';
COMMENT ON COLUMN icecat.privileges.privilege IS 'usage, create, select, write, drop or manage';
COMMENT ON COLUMN icecat.privileges.object_kind IS 'catalog, tenant, warehouse, namespace, table or view; the privilege holds on all that is in it';
COMMENT ON COLUMN icecat.privileges.warehouse IS 'Name of the warehouse; NULL: the whole catalog, or a tenant';
COMMENT ON COLUMN icecat.privileges.tenant IS 'Name of the tenant, where the privilege is on one; NULL: elsewhere';
COMMENT ON COLUMN icecat.privileges.namespace IS 'Levels of the namespace, or of that of the table or view';
COMMENT ON COLUMN icecat.privileges.name IS 'Name of the table or view';
COMMENT ON COLUMN icecat.privileges.grantor IS 'Role that granted it, or that made the object';
COMMENT ON COLUMN icecat.privileges.granted_at IS 'When';
COMMENT ON COLUMN icecat.privileges.object_id IS 'Id of the tenant, warehouse, namespace, table or view; of the whole catalog the nil uuid';
COMMENT ON COLUMN icecat.privileges.warehouse_id IS 'Id of the warehouse; of the whole catalog and of a tenant the nil uuid';

CREATE OR REPLACE FUNCTION icecat.grants_of(p_role regrole DEFAULT NULL)
RETURNS TABLE (privilege text, object_kind text, warehouse text, namespace text[], name text, by_role regrole, how text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT p.privilege, p.object_kind, p.warehouse, p.namespace, p.name, p.role,
		CASE WHEN p.role = o.role THEN 'direct' ELSE 'by role' END
	FROM (SELECT coalesce(p_role, current_user::regrole) AS role) AS o
	JOIN icecat.privileges AS p ON p.role = 0::oid OR pg_catalog.pg_has_role(o.role, p.role, 'USAGE')
	ORDER BY p.warehouse COLLATE "C" NULLS FIRST, p.namespace NULLS FIRST, p.name COLLATE "C" NULLS FIRST, p.privilege, p.role::text;
END;
COMMENT ON FUNCTION icecat.grants_of(regrole) IS
'Everything that a role was granted, directly or by a role that it is a member of. One''s own needs no right; of another role shows what icecat.privileges does. A privilege holds on all that is in its object; the owner of the extension, its members and superusers need no row.
p_role: NULL is the current role.
REST: none.';
