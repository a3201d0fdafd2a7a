-- What the catalog says about tables beside their metadata (decision 24): read restrictions, trusted engines, labels. Behaviour
-- only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.set_read_restriction(
	p_role regrole,
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_row_filter json DEFAULT NULL,
	p_column_masks json DEFAULT NULL
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_read_restriction';
COMMENT ON FUNCTION icecat.set_read_restriction(regrole, text, text[], text, json, json) IS
'Says what a role, and every member of it, may read of a table. It takes the place of what was said for the same role and table. It gives no privilege; several that hold for one caller add up: a row must pass all filters, and a column gets the mask of any.
Who is restricted loads the table only as a trusted engine (icecat.trust_engine()), which gets "read-restrictions" with the answer and must apply them; else the answer is 403. It may not commit to, drop, move or register the table.
p_role: not PUBLIC, and none that has the rights of the owner of the extension, for whom no restriction holds.
p_row_filter: an Iceberg expression; columns by name or field id, literals as in Iceberg''s JSON form of single values, no functions. It is kept with field ids, so a rename changes nothing. false: no row. NULL: all rows.
p_column_masks: {"column":"action"}, or [{"field-id":4,"action":"show-last-4"}] (or "column" for "field-id"). Actions: mask-alphanum, show-first-4, show-last-4 (string), truncate-to-year, truncate-to-month (date, timestamps), sha-256-global, sha-256-query-local (string, int, long, binary), replace-with-null (optional columns), mask-to-fixed-value (all but unknown, geometry, geography). NULL: no column.
Takes manage on the table. A column that is dropped, or gets a type that does not fit, closes the table for those who are restricted. Limits: icecat.restriction_nodes_max, icecat.restrictions_max.
Errors: IC101, IC102, IC103 no such warehouse, namespace, table (404), IC401 not allowed (403), IC206 another restriction that holds for a role together with this one masks the column in another way (409), IC301 malformed, or it restricts nothing (400), IC302 a column, type or literal does not fit the schema (400), IC305 over a limit (400), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_read_restriction(
	p_role regrole,
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_read_restriction';
COMMENT ON FUNCTION icecat.drop_read_restriction(regrole, text, text[], text) IS
'Takes back what icecat.set_read_restriction() said for the same role and table. false: there was nothing. Takes manage on the table.
Errors: IC101, IC102, IC103 no such warehouse, namespace, table (404), IC401 not allowed (403), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE FUNCTION icecat._restricted(p_trusted boolean) RETURNS SETOF uuid
LANGUAGE c STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'sql_ice_restricted';
COMMENT ON FUNCTION icecat._restricted(boolean) IS 'Ids of the tables that the current role may not load because of a read restriction; with true also those that it may load as a trusted engine, but not whole. For views, which ask once a query.';

CREATE OR REPLACE FUNCTION icecat.trust_engine(
	p_role regrole,
	p_owner_property text DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_trust_engine';
COMMENT ON FUNCTION icecat.trust_engine(regrole, text) IS
'Says that those who call as a role, or as one that has its rights, are engines that apply read restrictions to what they show, and that tell truly by which views a table is loaded. Returns false if nothing changed. Takes manage on the whole catalog.
p_role: the role that the engine works as. Where an engine passes on its users'' tokens, map those that come by way of it (icecat.map_principal(), by audience or authorized party) to roles of their own, and trust these.
p_owner_property: property of a view that names the role that the view works as, such as trino.run-as-owner. NULL: views work as who calls.
Errors: IC401 not allowed (403), IC301 no such role (400).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.distrust_engine(p_role regrole) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_distrust_engine';
COMMENT ON FUNCTION icecat.distrust_engine(regrole) IS
'Takes back what icecat.trust_engine() said of a role. false: it was not trusted. Takes manage on the whole catalog. Errors: IC401 not allowed (403).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.set_labels(
	p_labels json,
	p_warehouse text,
	p_namespace text[],
	p_name text DEFAULT NULL,
	p_column text DEFAULT NULL
) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_set_labels';
COMMENT ON FUNCTION icecat.set_labels(json, text, text[], text, text) IS
'Sets labels of a namespace, a table or view, or a column of it; others stay. Returns how many changed. Load answers show them as "labels", with field ids for columns; those of a namespace are only in icecat.labels. They are no part of the metadata. A label of a column stays with its field id, also when the column is renamed or dropped.
p_labels: object of strings; null removes a label.
p_name: a table or view; NULL: the namespace. p_column: full name of a column (a.b within a struct); NULL: the object itself.
Takes manage on the object. Limits: icecat.labels_max, icecat.label_bytes_max.
Errors: IC101, IC102, IC103 no such warehouse, namespace, table or view (404), IC401 not allowed (403), IC301 malformed (400), IC302 no such column (400), IC305 over a limit (400), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE VIEW icecat.read_restrictions WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS table_name, x.role,
	CASE WHEN m.manages THEN x.row_filter END AS row_filter, CASE WHEN m.manages THEN x.column_masks END AS column_masks,
	x.table_uuid = h.table_uuid AS fits, x.set_by, x.set_at, h.table_id, w.warehouse_id
FROM icecat_data.read_restriction AS x
JOIN icecat_data.warehouse AS w ON w.warehouse_id = x.warehouse_id
JOIN icecat_data.relation AS r ON r.warehouse_id = x.warehouse_id AND r.relation_id = x.object_id AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
CROSS JOIN LATERAL (SELECT (SELECT icecat._sees_all('manage')) OR w.warehouse_id IN (SELECT icecat._seen('manage'))
	OR n.namespace_id IN (SELECT icecat._seen('manage')) OR r.relation_id IN (SELECT icecat._seen('manage')) AS manages,
	(SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage'))
	OR n.namespace_id IN (SELECT icecat._seen('usage')) OR r.relation_id IN (SELECT icecat._seen('usage')) AS sees OFFSET 0) AS m
WHERE m.manages OR m.sees AND pg_catalog.pg_has_role(x.role, 'MEMBER');
COMMENT ON VIEW icecat.read_restrictions IS 'What icecat.set_read_restriction() says: of tables that one may manage, and that there is one for one''s own roles';
COMMENT ON COLUMN icecat.read_restrictions.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.read_restrictions.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.read_restrictions.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.read_restrictions.role IS 'Who is restricted, with all its members';
COMMENT ON COLUMN icecat.read_restrictions.row_filter IS 'Iceberg expression over field ids; NULL: all rows, or one may not manage the table';
COMMENT ON COLUMN icecat.read_restrictions.column_masks IS 'Array of objects with field-id and action; NULL: no column, or one may not manage the table';
COMMENT ON COLUMN icecat.read_restrictions.fits IS 'False: another table was registered over the one that it was set for, and nobody who is restricted loads it';
COMMENT ON COLUMN icecat.read_restrictions.set_by IS 'Role that set it';
COMMENT ON COLUMN icecat.read_restrictions.set_at IS 'When';
COMMENT ON COLUMN icecat.read_restrictions.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.read_restrictions.warehouse_id IS 'Id of the warehouse';

CREATE OR REPLACE VIEW icecat.trusted_engines AS
SELECT e.role, e.owner_property, e.set_by, e.set_at FROM icecat_data.trusted_engine AS e;
COMMENT ON VIEW icecat.trusted_engines IS 'What icecat.trust_engine() says';
COMMENT ON COLUMN icecat.trusted_engines.role IS 'The role; who has its rights is trusted, too';
COMMENT ON COLUMN icecat.trusted_engines.owner_property IS 'Property of a view that names the role that the view works as; NULL: views work as who calls';
COMMENT ON COLUMN icecat.trusted_engines.set_by IS 'Role that said so';
COMMENT ON COLUMN icecat.trusted_engines.set_at IS 'When';

CREATE OR REPLACE VIEW icecat.labels WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS name, x.object_kind,
	NULLIF(x.field_id, -1) AS field_id, x.name AS label, x.value, x.set_by, x.set_at, x.object_id, w.warehouse_id
FROM icecat_data.label AS x
JOIN icecat_data.warehouse AS w ON w.warehouse_id = x.warehouse_id
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = x.warehouse_id AND r.relation_id = x.object_id
JOIN icecat_data.namespace AS n ON n.warehouse_id = x.warehouse_id AND n.namespace_id = coalesce(r.namespace_id, x.object_id)
WHERE r.dropped_at IS NULL AND CASE WHEN r.relation_id IS NULL
	THEN (SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage'))
		OR n.namespace_id IN (SELECT icecat._seen('usage'))
	ELSE ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
		OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.relation_id IN (SELECT icecat._seen('select')))
		AND r.relation_id NOT IN (SELECT icecat._restricted(false)) END;
COMMENT ON VIEW icecat.labels IS 'Labels of namespaces, tables, views and their columns; icecat.set_labels() sets them';
COMMENT ON COLUMN icecat.labels.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.labels.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.labels.name IS 'Name of the table or view; NULL: the label is of the namespace';
COMMENT ON COLUMN icecat.labels.object_kind IS 'namespace, table or view';
COMMENT ON COLUMN icecat.labels.field_id IS 'Field id of the column; NULL: the label is of the object itself';
COMMENT ON COLUMN icecat.labels.label IS 'Name of the label';
COMMENT ON COLUMN icecat.labels.value IS 'Its value';
COMMENT ON COLUMN icecat.labels.set_by IS 'Role that set it last';
COMMENT ON COLUMN icecat.labels.set_at IS 'When';
COMMENT ON COLUMN icecat.labels.object_id IS 'Id of the namespace, table or view';
COMMENT ON COLUMN icecat.labels.warehouse_id IS 'Id of the warehouse';

CREATE OR REPLACE FUNCTION icecat.explain_access(
	p_role regrole,
	p_privilege text,
	p_warehouse text DEFAULT NULL,
	p_namespace text[] DEFAULT NULL,
	p_name text DEFAULT NULL
) RETURNS TABLE (allowed boolean, reason text, by_role regrole, privilege text, object_kind text, warehouse text, namespace text[], name text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH found AS (
		SELECT CASE WHEN p.role = p_role THEN 'granted' ELSE 'granted to a role that it is a member of' END
				|| CASE WHEN p.object_kind = 'catalog' AND p_warehouse IS NULL OR p.object_kind = 'warehouse' AND p_namespace IS NULL
					OR p.object_kind = 'namespace' AND p_name IS NULL AND p.namespace = p_namespace OR p.name = p_name THEN ''
					ELSE ', on what the object is in' END AS reason,
			p.role, p.privilege, p.object_kind, p.warehouse, p.namespace, p.name
		FROM icecat.privileges AS p
		WHERE (p.role = 0::oid OR pg_catalog.pg_has_role(p_role, p.role, 'USAGE'))
			AND p.privilege = ANY (icecat._implying(p_privilege))
			AND (p.object_kind = 'catalog' OR p.object_kind = 'tenant' AND pg_catalog.starts_with(p_warehouse, p.tenant || '/')
				OR p.warehouse = p_warehouse AND (p.object_kind = 'warehouse'
				OR p.object_kind = 'namespace' AND p.namespace = p_namespace[1:pg_catalog.cardinality(p.namespace)]
				OR p.name = p_name AND p.namespace = p_namespace))
		UNION ALL
		SELECT 'it has the rights of the extension''s owner', e.extowner, NULL, NULL, NULL, NULL, NULL
		FROM pg_catalog.pg_extension AS e
		WHERE e.extname = 'icecat' AND pg_catalog.pg_has_role(p_role, e.extowner, 'USAGE')
	), refusal AS (
		SELECT CASE WHEN p_privilege IN ('write', 'drop') THEN 'restricted in what it may read, so it may not change the table'
				ELSE 'restricted in what it may read, and no trusted engine' END || CASE WHEN r.role = p_role THEN '' ELSE ', as a member' END
				AS reason, r.role, r.warehouse, r.namespace, r.table_name
		FROM icecat.read_restrictions AS r
		WHERE p_privilege IN ('select', 'write', 'drop') AND r.warehouse = p_warehouse AND r.namespace = p_namespace
			AND r.table_name = p_name AND pg_catalog.pg_has_role(p_role, r.role, 'MEMBER')
			AND (p_privilege <> 'select' OR NOT EXISTS (
				SELECT FROM icecat.trusted_engines AS e WHERE pg_catalog.pg_has_role(p_role, e.role, 'USAGE')))
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension AS e
				WHERE e.extname = 'icecat' AND pg_catalog.pg_has_role(p_role, e.extowner, 'USAGE'))
	)
	SELECT NOT EXISTS (SELECT FROM refusal), f.reason, f.role::regrole, f.privilege, f.object_kind, f.warehouse, f.namespace, f.name
	FROM found AS f
	UNION ALL
	SELECT false, r.reason, r.role, NULL, 'table', r.warehouse, r.namespace, r.table_name FROM refusal AS r
	UNION ALL
	SELECT false, 'no row that the current role may see grants it', NULL, NULL, NULL, NULL, NULL, NULL
	WHERE NOT EXISTS (SELECT FROM found);
END;
COMMENT ON FUNCTION icecat.explain_access(regrole, text, text, text[], text) IS
'Why a role may do something, one row for each reason, or that it may not. allowed is the same in all rows: a read restriction (icecat.set_read_restriction()) takes away what was granted, unless the role is a trusted engine that only reads. Sees what icecat.privileges shows the current role; so it is complete for one''s own role, and for those who may manage the catalog.
p_privilege, p_warehouse, p_namespace, p_name: as in icecat.grant(); names as they are spelled, that of a warehouse as in icecat.warehouses.
REST: none.';
