-- Protection against drops. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.set_protection(
	p_warehouse text,
	p_namespace text[] DEFAULT NULL,
	p_name text DEFAULT NULL,
	p_protected boolean DEFAULT true,
	p_kind text DEFAULT NULL
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_protection';
COMMENT ON FUNCTION icecat.set_protection(text, text[], text, boolean, text) IS
'Protects a warehouse, a namespace, a table or a view against drops, or ends that. What is protected is not dropped and not unregistered: the call fails with IC209, unless a drop says p_force (force=true over REST). Protection is of the object alone, and stays with it through renames, a drop by force and an undrop; what is in it needs its own, and keeps it from being empty. Commits, renames and replacements go on.
p_namespace: NULL: the warehouse. p_name: a table or view; NULL: the namespace. p_protected: false ends it. p_kind: table or view: p_name must be one; NULL: either.
Takes manage on the object.
Errors: IC101, IC102, IC103, IC105 no such warehouse, namespace, table or view (404), IC401 not allowed (403), IC301 bad arguments (400), 55P03 lock timeout (503).
REST: POST …/namespaces/{namespace}/protection, …/tables/{table}/protection and …/views/{view}/protection, with protected=false to end it; operations of our own. A warehouse''s is set in SQL.';

CREATE OR REPLACE VIEW icecat.protections WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name, x.object_kind, x.set_by, x.set_at, x.object_id, w.warehouse_id
FROM icecat_data.protection AS x
JOIN icecat_data.warehouse AS w ON w.warehouse_id = x.warehouse_id
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = x.warehouse_id AND r.relation_id = x.object_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = x.warehouse_id AND n.namespace_id = coalesce(r.namespace_id, x.object_id)
WHERE r.dropped_at IS NULL AND ((SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage'))
	OR n.namespace_id IN (SELECT icecat._seen('usage')) OR r.relation_id IN (SELECT icecat._seen('usage')));
COMMENT ON VIEW icecat.protections IS 'What icecat.set_protection() protects against drops, as far as the role sees it';
COMMENT ON COLUMN icecat.protections.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.protections.namespace IS 'Levels of the namespace, from the top; NULL: the warehouse itself is protected';
COMMENT ON COLUMN icecat.protections.name IS 'Name of the table or view; NULL: the namespace, or the warehouse';
COMMENT ON COLUMN icecat.protections.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat.protections.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat.protections.set_at IS 'When';
COMMENT ON COLUMN icecat.protections.object_id IS 'Id of the warehouse, namespace, table or view';
COMMENT ON COLUMN icecat.protections.warehouse_id IS 'Id of the warehouse';
