-- Quotas. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.set_quota(p_warehouse text, p_resource text, p_limit bigint)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_quota';
COMMENT ON FUNCTION icecat.set_quota(text, text, bigint) IS
'Limits how much may be in a warehouse. What creates and drops such things in it waits until the transaction of this call ends, and this call for what creates and drops already, at most icecat.commit_lock_timeout_ms; commits go on, and other warehouses. A default makes all warehouses wait. A limit below what there is refuses only new things.
p_warehouse: NULL: the default, for each warehouse without a quota of its own. p_resource: namespaces, tables, views: how many there are; namespace_depth: levels of a namespace; properties, property_bytes: of one namespace, table or view, as they are stored.
p_limit: NULL removes the quota; the warehouse has the default then. At most the limit of the warehouse''s tenant.
What goes beyond it is refused with IC403 (403).
Errors: IC101 (404) no such warehouse; IC301 (400) no such quota, or a bad limit; IC401 (403) no manage on the warehouse''s tenant, or on the catalog where it has none; 55P03 (503) lock timeout.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.set_tenant_quota(p_tenant text, p_resource text, p_limit bigint)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_tenant_quota';
COMMENT ON FUNCTION icecat.set_tenant_quota(text, text, bigint) IS
'Limits how much may be in all warehouses of a tenant together. What creates and drops such things waits until the transaction of this call ends, in all warehouses; commits go on.
p_tenant: NULL: the default, for each tenant without a quota of its own. p_resource: as in icecat.set_quota(), and warehouses; requests_per_second: of all roles of the tenant together, role_requests_per_second, principal_requests_per_second: of each. p_limit: as there; a rate is at least 1. Rates are held by the gateways that authenticate, which hear of a change within their setting rate_refresh_s, and answer 429.
Errors: IC107 (404) no such tenant; IC301 (400) no such quota, or a bad limit; IC401 (403) no manage on the catalog; 55P03 (503) lock timeout.
REST: none.';

CREATE OR REPLACE FUNCTION icecat._rates(p_roles text[]) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rates';
COMMENT ON FUNCTION icecat._rates(text[]) IS
'For each role a line: the id of its tenant, and how many requests a second the tenant, each of its roles and each of its principals may make; 0: no limit; a dash: the role has no tenant. Nothing where there are no tenants. Gateways ask.';

CREATE OR REPLACE VIEW icecat.quotas WITH (security_barrier) AS
SELECT q.object_kind AS applies_to, w.name AS warehouse, t.name AS tenant, q.resource, q.most AS limit_value,
	CASE WHEN q.resource IN ('warehouses', 'namespaces', 'tables', 'views') AND q.object_kind IN ('warehouse', 'tenant') THEN q.used END AS used,
	q.inherited, q.set_by, q.set_at
FROM icecat_data.quota AS q
LEFT JOIN icecat_data.warehouse AS w ON q.object_kind = 'warehouse' AND w.warehouse_id = q.warehouse_id
LEFT JOIN icecat_data.tenant AS t ON q.object_kind = 'tenant' AND t.warehouse_id = q.warehouse_id AND t.tenant_id = q.object_id
WHERE (SELECT icecat._sees_all('usage')) OR q.object_id IN (SELECT icecat._seen('usage'));
COMMENT ON VIEW icecat.quotas IS 'Limits, and use against them, of what the role sees as a whole';
COMMENT ON COLUMN icecat.quotas.applies_to IS 'warehouse or tenant; each warehouse, each tenant: the default for those without a quota of their own';
COMMENT ON COLUMN icecat.quotas.warehouse IS 'Name of the warehouse; NULL: not of one';
COMMENT ON COLUMN icecat.quotas.tenant IS 'Name of the tenant; NULL: not of one';
COMMENT ON COLUMN icecat.quotas.resource IS 'warehouses, namespaces, tables, views: how many; namespace_depth: levels; properties, property_bytes: of one object; …requests_per_second: of a tenant, each of its roles, each of its principals';
COMMENT ON COLUMN icecat.quotas.limit_value IS 'How much may be';
COMMENT ON COLUMN icecat.quotas.used IS 'How much is; NULL: a limit on each object alone, or a default';
COMMENT ON COLUMN icecat.quotas.inherited IS 'Comes from a default, and changes with it';
COMMENT ON COLUMN icecat.quotas.set_by IS 'Role that set it, or the default that it comes from';
COMMENT ON COLUMN icecat.quotas.set_at IS 'When';
