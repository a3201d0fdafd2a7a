-- Naming rules. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.set_naming_rule(p_warehouse text, p_kind text, p_pattern text, p_namespace text[] DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_naming_rule';
COMMENT ON FUNCTION icecat.set_naming_rule(text, text, text, text[]) IS
'Says which names new namespaces, tables or views may have in a warehouse, or in a namespace and all below it: whatever makes, registers, renames, moves or undrops one. A name must match the rules of its namespace, of all above it, of the warehouse and of its tenant; what is there already stays. Waits for all who name something, at most icecat.commit_lock_timeout_ms, and they wait until the transaction of this call ends; commits go on.
p_kind: namespace (the rule is for its last level), table or view. p_pattern: NULL removes the rule; at most 1000 bytes. It matches the whole name: a character stands for itself, . for any, [a-z_] and [^a-z] for sets; behind it ? * + {3} {2,5} {2,} say how often it comes, | is between whole alternatives, and a backslash before one of these characters takes its meaning away. There are no groups: [a-z][a-z0-9_]{0,62}.
p_namespace: NULL: the warehouse.
What does not match is refused with IC309 (400), which names the rule.
Errors: IC101, IC102 no such warehouse or namespace (404); IC301 no such kind, or not a pattern (400); IC401 no manage on the object (403); 55P03 (503) lock timeout.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.set_tenant_naming_rule(p_tenant text, p_kind text, p_pattern text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_tenant_naming_rule';
COMMENT ON FUNCTION icecat.set_tenant_naming_rule(text, text, text) IS
'The same as icecat.set_naming_rule() for all warehouses of a tenant, now and later.
Errors: IC107 (404) no such tenant; IC401 (403) no manage on the catalog; else as there.
REST: none.';

CREATE OR REPLACE FUNCTION icecat.name_matches(p_pattern text, p_name text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_name_matches';
COMMENT ON FUNCTION icecat.name_matches(text, text) IS
'Would a rule of this pattern (icecat.set_naming_rule()) let a name pass?
Errors: IC301 not a pattern (400).
REST: none.';

CREATE OR REPLACE VIEW icecat.naming_rules WITH (security_barrier) AS
SELECT r.object_kind, w.name AS warehouse, n.levels AS namespace, t.name AS tenant, r.kind, r.pattern, r.set_by, r.set_at, r.object_id, r.warehouse_id
FROM icecat_data.naming_rule AS r
LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = r.warehouse_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.object_id
LEFT JOIN icecat_data.tenant AS t ON r.object_kind = 'tenant' AND t.warehouse_id = r.warehouse_id AND t.tenant_id = r.object_id
WHERE (SELECT icecat._sees_all('usage')) OR r.warehouse_id IN (SELECT icecat._seen('usage')) OR r.object_id IN (SELECT icecat._seen('usage'))
	OR r.object_id IN (SELECT icecat._seen_above()) OR t.tenant_id = (SELECT icecat._own_tenant());
COMMENT ON VIEW icecat.naming_rules IS 'Patterns for names of new namespaces, tables and views, of what the role sees';
COMMENT ON COLUMN icecat.naming_rules.object_kind IS 'tenant, warehouse or namespace; the rule holds for all that is made in it';
COMMENT ON COLUMN icecat.naming_rules.warehouse IS 'Name of the warehouse; NULL: the rule is a tenant''s';
COMMENT ON COLUMN icecat.naming_rules.namespace IS 'Levels of the namespace; NULL: the rule is not one''s';
COMMENT ON COLUMN icecat.naming_rules.tenant IS 'Name of the tenant; NULL: the rule is not one''s';
COMMENT ON COLUMN icecat.naming_rules.kind IS 'What the names are of: namespace, table or view';
COMMENT ON COLUMN icecat.naming_rules.pattern IS 'What they must match; see icecat.set_naming_rule()';
COMMENT ON COLUMN icecat.naming_rules.set_by IS 'Role that set the rule';
COMMENT ON COLUMN icecat.naming_rules.set_at IS 'When';
COMMENT ON COLUMN icecat.naming_rules.object_id IS 'Id of the tenant, warehouse or namespace';
COMMENT ON COLUMN icecat.naming_rules.warehouse_id IS 'Id of the warehouse; of a tenant''s rule the nil uuid';
