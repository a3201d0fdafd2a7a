-- Monitoring: does what the tables say agree with itself? Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat._snapshot_sequence(p_body json, p_id bigint, p_parent bigint, p_at_ms bigint, p_operation text)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_snapshot_sequence';
COMMENT ON FUNCTION icecat._snapshot_sequence(json, bigint, bigint, bigint, text) IS
'The sequence number of a snapshot (0: none), or NULL if its text does not say what its columns say. For icecat.check_integrity().';

-- The tables and views that the rules look at. place: which slice they belong to, by their id.
CREATE OR REPLACE VIEW icecat_data.checked_table AS
SELECT w.name AS warehouse_name, get_byte(uuid_send(h.table_id), 14) * 256 + get_byte(uuid_send(h.table_id), 15) AS place,
	array_to_string(n.levels, '.') || '.' || r.name AS display,
	h.warehouse_id, h.table_id, h.version, h.format_version, h.current_schema_id, h.default_spec_id, h.default_sort_order_id,
	h.current_snapshot_id, h.last_sequence_number, h.metadata_log_count
FROM icecat_data.warehouse AS w
JOIN icecat_data.table_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id;
COMMENT ON VIEW icecat_data.checked_table IS 'Live tables, as the rules of icecat.check_integrity() read them';

CREATE OR REPLACE VIEW icecat_data.checked_view AS
SELECT w.name AS warehouse_name, get_byte(uuid_send(h.view_id), 14) * 256 + get_byte(uuid_send(h.view_id), 15) AS place,
	array_to_string(n.levels, '.') || '.' || r.name AS display,
	h.warehouse_id, h.view_id, h.version, h.current_version_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.view_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.view_id AND r.kind = 'view'
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id;
COMMENT ON VIEW icecat_data.checked_view IS 'Live views, as the rules of icecat.check_integrity() read them';

-- The rules: one view each, named check_…, with a row for each object that breaks the rule. To add a rule, add its view here and to
-- icecat._check(). What a rule reads for each table it reads by index for that table alone (LATERAL), so that a slice of the
-- tables costs its part of the whole. Rules that are not about one table or view have place 0: they are in the first slice.

CREATE OR REPLACE VIEW icecat_data.check_table_without_name (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, coalesce(t.display, t.table_id::text), 'table has a head but no live name in a namespace'
FROM icecat_data.checked_table AS t WHERE t.display IS NULL
	OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = t.warehouse_id AND r.relation_id = t.table_id AND r.dropped_at IS NULL);
COMMENT ON VIEW icecat_data.check_table_without_name IS 'A table''s head without a live name in a namespace';

CREATE OR REPLACE VIEW icecat_data.check_table_name_without_head (warehouse, place, object, problem) AS
SELECT w.name, 0, r.name, 'name of a table without a live head'
FROM icecat_data.warehouse AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'table' AND r.dropped_at IS NULL
WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id AND h.dropped_at IS NULL);
COMMENT ON VIEW icecat_data.check_table_name_without_head IS 'A table''s name without a live head';

CREATE OR REPLACE VIEW icecat_data.check_namespace_path (warehouse, place, object, problem) AS
SELECT w.name, 0, array_to_string(n.levels, '.'), 'namespace is not below its parent, or its hash is not that of its path'
FROM icecat_data.warehouse AS w JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
LEFT JOIN icecat_data.namespace AS p ON p.warehouse_id = n.warehouse_id AND p.namespace_id = n.parent_id
WHERE (cardinality(n.levels) > 1 AND p.levels IS DISTINCT FROM n.levels[1:cardinality(n.levels) - 1])
	OR (cardinality(n.levels) = 1 AND n.parent_id IS NOT NULL)
	OR n.path_hash <> sha256((SELECT string_agg(convert_to(CASE WHEN w.properties ->> 'icecat.case-mode' = 'insensitive' THEN icecat.case_key(l.level) ELSE l.level END, 'UTF8') || pg_catalog.decode('00', 'hex'), ''::bytea ORDER BY l.place) FROM unnest(n.levels) WITH ORDINALITY AS l (level, place)));
COMMENT ON VIEW icecat_data.check_namespace_path IS 'A namespace that is not below its parent, or whose hash is not that of its path';

CREATE OR REPLACE VIEW icecat_data.check_name_key (warehouse, place, object, problem) AS
SELECT w.name, 0, r.name, 'key of a name is not that of the name and the case mode'
FROM icecat_data.warehouse AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.dropped_at IS NULL
WHERE r.name_key IS DISTINCT FROM CASE WHEN w.properties ->> 'icecat.case-mode' = 'insensitive' THEN icecat.case_key(r.name) END;
COMMENT ON VIEW icecat_data.check_name_key IS 'A name whose key is not that of the name and the case mode';

CREATE OR REPLACE VIEW icecat_data.check_current_schema (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('current schema %s does not exist', t.current_schema_id)
FROM icecat_data.checked_table AS t WHERE NOT EXISTS (SELECT FROM icecat_data.table_schema AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.schema_id = t.current_schema_id AND s.removed_version IS NULL);
COMMENT ON VIEW icecat_data.check_current_schema IS 'A table whose current schema does not exist';

CREATE OR REPLACE VIEW icecat_data.check_default_spec (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('default partition spec %s does not exist', t.default_spec_id)
FROM icecat_data.checked_table AS t WHERE NOT EXISTS (SELECT FROM icecat_data.table_partition_spec AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.spec_id = t.default_spec_id AND s.removed_version IS NULL);
COMMENT ON VIEW icecat_data.check_default_spec IS 'A table whose default partition spec does not exist';

CREATE OR REPLACE VIEW icecat_data.check_default_order (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('default sort order %s does not exist', t.default_sort_order_id)
FROM icecat_data.checked_table AS t WHERE NOT EXISTS (SELECT FROM icecat_data.table_sort_order AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.order_id = t.default_sort_order_id AND s.removed_version IS NULL);
COMMENT ON VIEW icecat_data.check_default_order IS 'A table whose default sort order does not exist';

CREATE OR REPLACE VIEW icecat_data.check_main_branch (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('current snapshot is %s, but branch main points to %s', t.current_snapshot_id, coalesce(f.snapshot_id::text, 'nothing'))
FROM icecat_data.checked_table AS t LEFT JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id AND f.name = 'main'
WHERE t.current_snapshot_id <> coalesce(f.snapshot_id, -1);
COMMENT ON VIEW icecat_data.check_main_branch IS 'A table whose current snapshot is not that of its branch main';

CREATE OR REPLACE VIEW icecat_data.check_ref_target (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('ref %s points to snapshot %s, which does not exist', f.name, f.snapshot_id)
FROM icecat_data.checked_table AS t JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id
WHERE NOT EXISTS (SELECT FROM icecat_data.table_snapshot AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.snapshot_id = f.snapshot_id AND s.removed_version IS NULL)
	OR (f.body ->> 'snapshot-id')::bigint IS DISTINCT FROM f.snapshot_id;
COMMENT ON VIEW icecat_data.check_ref_target IS 'A branch or tag that points to a snapshot that does not exist, or whose text names another one';

CREATE OR REPLACE VIEW icecat_data.check_snapshot_text (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, CASE WHEN s.sequence IS NULL OR s.sequence > t.last_sequence_number
	THEN format('snapshot %s disagrees with its text, or its sequence number is above the table''s', s.id)
	ELSE format('snapshots share sequence number %s', s.sequence) END
FROM icecat_data.checked_table AS t CROSS JOIN LATERAL (
	SELECT x.id, x.sequence, count(*) OVER (PARTITION BY x.sequence) AS sharing, min(x.id) OVER (PARTITION BY x.sequence) AS first
	FROM (
		SELECT p.id, icecat._snapshot_sequence(p.body, p.id, p.target, p.at_ms, p.operation) AS sequence
		FROM icecat_data.table_part AS p
		WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.kind = 4 /* snapshot */ AND p.removed_version IS NULL) AS x) AS s
WHERE s.sequence IS NULL OR s.sequence > t.last_sequence_number
	OR t.format_version > 1 AND s.sequence > 0 AND s.sharing > 1 AND s.first = s.id;
COMMENT ON VIEW icecat_data.check_snapshot_text IS 'A snapshot whose columns disagree with its text, or whose sequence number is above the table''s or that of another snapshot';

CREATE OR REPLACE VIEW icecat_data.check_log_text (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('an entry of the %s log disagrees with its text', CASE p.kind WHEN 6 /* snapshot log */ THEN 'snapshot' ELSE 'metadata' END)
FROM icecat_data.checked_table AS t CROSS JOIN LATERAL (
	SELECT x.kind FROM icecat_data.table_part AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.kind IN (6, 7) /* snapshot log, metadata log */ AND x.removed_version IS NULL
		AND (coalesce(x.at_ms, (x.body ->> 'timestamp-ms')::bigint) IS DISTINCT FROM (x.body ->> 'timestamp-ms')::bigint
			OR x.kind = 6 /* snapshot log */ AND x.target IS DISTINCT FROM (x.body ->> 'snapshot-id')::bigint)
	GROUP BY x.kind) AS p;
COMMENT ON VIEW icecat_data.check_log_text IS 'An entry of the snapshot log or metadata log whose columns disagree with its text';

CREATE OR REPLACE VIEW icecat_data.check_snapshot_log_end (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('snapshot log ends with %s, but the current snapshot is %s', l.snapshot_id, t.current_snapshot_id)
FROM icecat_data.checked_table AS t CROSS JOIN LATERAL (
	SELECT x.snapshot_id FROM icecat_data.table_snapshot_log AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL
	ORDER BY x.ordinal DESC LIMIT 1) AS l
WHERE t.current_snapshot_id <> -1 AND l.snapshot_id <> t.current_snapshot_id;
COMMENT ON VIEW icecat_data.check_snapshot_log_end IS 'A table whose snapshot log ends with another snapshot than the current one';

CREATE OR REPLACE VIEW icecat_data.check_metadata_log_count (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('metadata log has %s entries, counted as %s', l.entries, t.metadata_log_count)
FROM icecat_data.checked_table AS t CROSS JOIN LATERAL (
	SELECT count(*) AS entries FROM icecat_data.table_metadata_log AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS l
WHERE l.entries <> t.metadata_log_count;
COMMENT ON VIEW icecat_data.check_metadata_log_count IS 'A table whose metadata log has more or fewer entries than its head counts';

CREATE OR REPLACE VIEW icecat_data.check_property_sets (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('table has %s property sets, expected 1', p.sets)
FROM icecat_data.checked_table AS t CROSS JOIN LATERAL (
	SELECT count(*) AS sets FROM icecat_data.table_property_set AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS p
WHERE p.sets <> 1;
COMMENT ON VIEW icecat_data.check_property_sets IS 'A table that has no set of properties, or several';

CREATE OR REPLACE VIEW icecat_data.check_part_version (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('a part of kind %s is of a version after %s', k.kind, t.version)
FROM icecat_data.checked_table AS t CROSS JOIN generate_series(0, 11) AS k (kind)
WHERE EXISTS (
	SELECT FROM icecat_data.table_part AS p
	WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.kind = k.kind::smallint AND p.ordinal >= (t.version + 1) << 20);
COMMENT ON VIEW icecat_data.check_part_version IS 'A part of a table that was added in a version after the table''s';

CREATE OR REPLACE VIEW icecat_data.check_removal_version (warehouse, place, object, problem) AS
SELECT t.warehouse_name, t.place, t.display, format('a part was removed in a version after %s', t.version)
FROM icecat_data.checked_table AS t WHERE EXISTS (
	SELECT FROM icecat_data.table_part AS p
	WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.removed_version > t.version);
COMMENT ON VIEW icecat_data.check_removal_version IS 'A part of a table that was removed in a version after the table''s';

CREATE OR REPLACE VIEW icecat_data.check_table_parts (warehouse, place, object, problem) AS
SELECT w.name, 0, p.table_id::text, 'parts of a table that does not exist'
FROM icecat_data.warehouse AS w JOIN icecat_data.table_part AS p ON p.warehouse_id = w.warehouse_id
WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.table_id = p.table_id)
GROUP BY w.name, p.table_id;
COMMENT ON VIEW icecat_data.check_table_parts IS 'Parts of a table that does not exist';

CREATE OR REPLACE VIEW icecat_data.check_view_without_name (warehouse, place, object, problem) AS
SELECT v.warehouse_name, v.place, coalesce(v.display, v.view_id::text), 'view has a head but no live name in a namespace'
FROM icecat_data.checked_view AS v WHERE v.display IS NULL
	OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = v.warehouse_id AND r.relation_id = v.view_id AND r.dropped_at IS NULL);
COMMENT ON VIEW icecat_data.check_view_without_name IS 'A view''s head without a live name in a namespace';

CREATE OR REPLACE VIEW icecat_data.check_view_name_without_head (warehouse, place, object, problem) AS
SELECT w.name, 0, r.name, 'name of a view without a live head'
FROM icecat_data.warehouse AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'view' AND r.dropped_at IS NULL
WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.view_id = r.relation_id AND h.dropped_at IS NULL);
COMMENT ON VIEW icecat_data.check_view_name_without_head IS 'A view''s name without a live head';

CREATE OR REPLACE VIEW icecat_data.check_current_version (warehouse, place, object, problem) AS
SELECT v.warehouse_name, v.place, v.display, format('current version %s does not exist', v.current_version_id)
FROM icecat_data.checked_view AS v WHERE NOT EXISTS (SELECT FROM icecat_data.view_part AS p WHERE p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1 /* version */ AND p.id = v.current_version_id);
COMMENT ON VIEW icecat_data.check_current_version IS 'A view whose current version does not exist';

CREATE OR REPLACE VIEW icecat_data.check_version_text (warehouse, place, object, problem) AS
SELECT v.warehouse_name, v.place, v.display, format('version %s disagrees with its text, or is current and its schema does not exist', p.id)
FROM icecat_data.checked_view AS v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1 /* version */
WHERE (p.body ->> 'version-id')::bigint IS DISTINCT FROM p.id
	OR p.id = v.current_version_id AND NOT EXISTS (SELECT FROM icecat_data.view_part AS s WHERE s.warehouse_id = p.warehouse_id AND s.view_id = p.view_id AND s.kind = 0 /* schema */ AND s.id = (p.body ->> 'schema-id')::bigint);
COMMENT ON VIEW icecat_data.check_version_text IS 'A version of a view that disagrees with its text, or a current one whose schema does not exist';

CREATE OR REPLACE VIEW icecat_data.check_version_twice (warehouse, place, object, problem) AS
SELECT v.warehouse_name, v.place, v.display, format('%s %s is there %s times', CASE p.kind WHEN 0 /* schema */ THEN 'schema' ELSE 'version' END, p.id, count(*))
FROM icecat_data.checked_view AS v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind IN (0, 1) /* schema, version */
GROUP BY v.warehouse_name, v.place, v.display, v.view_id, p.kind, p.id HAVING count(*) > 1;
COMMENT ON VIEW icecat_data.check_version_twice IS 'A schema or version that a view has several times';

CREATE OR REPLACE VIEW icecat_data.check_view_part_version (warehouse, place, object, problem) AS
SELECT v.warehouse_name, v.place, v.display, format('a part of kind %s is of a version after %s', p.kind, v.version)
FROM icecat_data.checked_view AS v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id
WHERE p.ordinal >> 20 > v.version;
COMMENT ON VIEW icecat_data.check_view_part_version IS 'A part of a view that was added in a version after the view''s';

CREATE OR REPLACE VIEW icecat_data.check_view_parts (warehouse, place, object, problem) AS
SELECT w.name, 0, p.view_id::text, 'parts of a view that does not exist'
FROM icecat_data.warehouse AS w JOIN icecat_data.view_part AS p ON p.warehouse_id = w.warehouse_id
WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.view_id = p.view_id)
GROUP BY w.name, p.view_id;
COMMENT ON VIEW icecat_data.check_view_parts IS 'Parts of a view that does not exist';

CREATE OR REPLACE VIEW icecat_data.check_task_version (warehouse, place, object, problem) AS
SELECT w.name, 0, k.table_id::text, 'the queue has a task for a table or view that does not exist, or for a version that it has not reached'
FROM icecat_data.warehouse AS w JOIN icecat_data.metadata_task AS k ON k.warehouse_id = w.warehouse_id
LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = k.warehouse_id AND h.table_id = k.table_id
LEFT JOIN icecat_data.view_head AS v ON v.warehouse_id = k.warehouse_id AND v.view_id = k.table_id
WHERE k.version > coalesce(h.version, v.version, -1);
COMMENT ON VIEW icecat_data.check_task_version IS 'A task for a table or view that does not exist, or for a version that it has not reached';

CREATE OR REPLACE VIEW icecat_data.check_event_numbers (warehouse, place, object, problem) AS
SELECT w.name, 0, 'events', format('numbers go up to %s, but %s events lie from %s to %s', c.last_number, e.events, e.first, e.last)
FROM icecat_data.warehouse AS w JOIN icecat_data.event_counter AS c ON c.warehouse_id = w.warehouse_id
CROSS JOIN LATERAL (
	SELECT count(*) AS events, min(x.number) AS first, max(x.number) AS last
	FROM icecat_data.every_event AS x WHERE x.warehouse_id = w.warehouse_id) AS e
WHERE e.events > 0 AND (e.last <> c.last_number OR e.events <> e.last - e.first + 1);
COMMENT ON VIEW icecat_data.check_event_numbers IS 'Numbers of events that are not those that the counter says';

CREATE OR REPLACE VIEW icecat_data.check_dropped_without_name (warehouse, place, object, problem) AS
SELECT w.name, 0, h.table_id::text, 'a dropped table or view has a head but no name'
FROM icecat_data.warehouse AS w
JOIN (
	SELECT x.warehouse_id, x.table_id FROM icecat_data.table_head AS x WHERE x.dropped_at IS NOT NULL
	UNION ALL
	SELECT x.warehouse_id, x.view_id FROM icecat_data.view_head AS x WHERE x.dropped_at IS NOT NULL) AS h ON h.warehouse_id = w.warehouse_id
WHERE NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id);
COMMENT ON VIEW icecat_data.check_dropped_without_name IS 'The head of a dropped table or view without a name';

CREATE OR REPLACE VIEW icecat_data.check_page_secret (warehouse, place, object, problem) AS
SELECT w.name, 0, w.name, 'the warehouse has no secret for page tokens'
FROM icecat_data.warehouse AS w
WHERE NOT EXISTS (SELECT FROM icecat_data.warehouse_secret AS s WHERE s.warehouse_id = w.warehouse_id AND s.purpose = 'page-token');
COMMENT ON VIEW icecat_data.check_page_secret IS 'A warehouse without a secret for page tokens';

CREATE OR REPLACE VIEW icecat_data.check_warehouse_rows (warehouse, place, object, problem) AS
SELECT o.warehouse_id::text, 0, o.name, 'rows of a warehouse that does not exist'
FROM (
	SELECT DISTINCT x.warehouse_id, 'namespace' FROM icecat_data.namespace AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'relation' FROM icecat_data.relation AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'table_head' FROM icecat_data.table_head AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'view_head' FROM icecat_data.view_head AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'warehouse_secret' FROM icecat_data.warehouse_secret AS x
		WHERE x.warehouse_id <> '00000000-0000-0000-0000-000000000000' -- what belongs to the whole catalog
	UNION ALL SELECT DISTINCT x.warehouse_id, 'metadata_task' FROM icecat_data.metadata_task AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'event_counter' FROM icecat_data.event_counter AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'read_restriction' FROM icecat_data.read_restriction AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'view_definer' FROM icecat_data.view_definer AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'subscription' FROM icecat_data.subscription AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'label' FROM icecat_data.label AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'protection' FROM icecat_data.protection AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'inspection' FROM icecat_data.inspection AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'outside_file' FROM icecat_data.outside_file AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'file_reference' FROM icecat_data.file_reference AS x
	UNION ALL SELECT DISTINCT x.warehouse_id, 'access_grant' FROM icecat_data.access_grant AS x
	WHERE x.warehouse_id <> '00000000-0000-0000-0000-000000000000'::uuid) AS o (warehouse_id, name)
WHERE NOT EXISTS (SELECT FROM icecat_data.warehouse AS x WHERE x.warehouse_id = o.warehouse_id);
COMMENT ON VIEW icecat_data.check_warehouse_rows IS 'Rows of a warehouse that does not exist';

CREATE OR REPLACE VIEW icecat_data.check_tenant (warehouse, place, object, problem) AS
SELECT w.name, 0, w.name, 'the warehouse''s tenant does not exist, or its name does not begin with the tenant''s'
FROM icecat_data.warehouse AS w
LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = '00000000-0000-0000-0000-000000000000' AND t.tenant_id = w.tenant_id
WHERE w.tenant_id IS NOT NULL AND (t.name IS NULL OR NOT starts_with(w.name, t.name || '/'))
UNION ALL
SELECT NULL, 0, o.object, o.problem
FROM (
	SELECT r.role::text, r.tenant_id, 'the role is assigned to a tenant that does not exist' FROM icecat_data.tenant_role AS r
	UNION ALL
	SELECT g.role::text, g.object_id, 'the role has a privilege on a tenant that does not exist' FROM icecat_data.access_grant AS g
	WHERE g.object_kind = 'tenant') AS o (object, tenant_id, problem)
WHERE NOT EXISTS (SELECT FROM icecat_data.tenant AS t WHERE t.tenant_id = o.tenant_id);
COMMENT ON VIEW icecat_data.check_tenant IS 'A warehouse, role or privilege of a tenant that does not exist, or a warehouse with a name of another''s';

CREATE OR REPLACE VIEW icecat_data.check_quota (warehouse, place, object, problem) AS
SELECT w.name, 0, q.object_kind || ' ' || coalesce(w.name, t.name, q.object_id::text), CASE WHEN n.id IS NULL THEN format('quota of %s of what does not exist', q.resource)
	ELSE format('quota says that %s %s are in use, and there are %s', q.used, q.resource, c.used) END
FROM icecat_data.quota AS q
LEFT JOIN icecat_data.warehouse AS w ON q.object_kind = 'warehouse' AND w.warehouse_id = q.warehouse_id
LEFT JOIN icecat_data.tenant AS t ON q.object_kind = 'tenant' AND t.warehouse_id = q.warehouse_id AND t.tenant_id = q.object_id
CROSS JOIN LATERAL (SELECT coalesce(w.warehouse_id, t.tenant_id) AS id) AS n
CROSS JOIN LATERAL (
	SELECT CASE q.resource
		WHEN 'warehouses' THEN (SELECT count(*) FROM icecat_data.warehouse AS x WHERE x.tenant_id = n.id)
		WHEN 'namespaces' THEN (SELECT count(*) FROM icecat_data.warehouse AS x JOIN icecat_data.namespace AS y ON y.warehouse_id = x.warehouse_id
			WHERE x.warehouse_id = n.id OR x.tenant_id = n.id)
		ELSE (SELECT count(*) FROM icecat_data.warehouse AS x JOIN icecat_data.relation AS y ON y.warehouse_id = x.warehouse_id
			AND y.kind = rtrim(q.resource, 's') AND y.dropped_at IS NULL WHERE x.warehouse_id = n.id OR x.tenant_id = n.id) END AS used) AS c
WHERE q.object_kind IN ('warehouse', 'tenant') AND (n.id IS NULL OR q.resource IN ('warehouses', 'namespaces', 'tables', 'views') AND q.used <> c.used);
COMMENT ON VIEW icecat_data.check_quota IS 'A quota of what does not exist, or whose use is not what there is';

-- Every rule. The condition goes down into each view.
CREATE OR REPLACE FUNCTION icecat._check(
	p_warehouse text,
	p_slice integer,
	p_slices integer
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
BEGIN ATOMIC
	SELECT c.warehouse, c.object, c.problem
	FROM (
		SELECT * FROM icecat_data.check_table_without_name
		UNION ALL
		SELECT * FROM icecat_data.check_table_name_without_head
		UNION ALL
		SELECT * FROM icecat_data.check_namespace_path
		UNION ALL
		SELECT * FROM icecat_data.check_name_key
		UNION ALL
		SELECT * FROM icecat_data.check_current_schema
		UNION ALL
		SELECT * FROM icecat_data.check_default_spec
		UNION ALL
		SELECT * FROM icecat_data.check_default_order
		UNION ALL
		SELECT * FROM icecat_data.check_main_branch
		UNION ALL
		SELECT * FROM icecat_data.check_ref_target
		UNION ALL
		SELECT * FROM icecat_data.check_snapshot_text
		UNION ALL
		SELECT * FROM icecat_data.check_log_text
		UNION ALL
		SELECT * FROM icecat_data.check_snapshot_log_end
		UNION ALL
		SELECT * FROM icecat_data.check_metadata_log_count
		UNION ALL
		SELECT * FROM icecat_data.check_property_sets
		UNION ALL
		SELECT * FROM icecat_data.check_part_version
		UNION ALL
		SELECT * FROM icecat_data.check_removal_version
		UNION ALL
		SELECT * FROM icecat_data.check_table_parts
		UNION ALL
		SELECT * FROM icecat_data.check_view_without_name
		UNION ALL
		SELECT * FROM icecat_data.check_view_name_without_head
		UNION ALL
		SELECT * FROM icecat_data.check_current_version
		UNION ALL
		SELECT * FROM icecat_data.check_version_text
		UNION ALL
		SELECT * FROM icecat_data.check_version_twice
		UNION ALL
		SELECT * FROM icecat_data.check_view_part_version
		UNION ALL
		SELECT * FROM icecat_data.check_view_parts
		UNION ALL
		SELECT * FROM icecat_data.check_task_version
		UNION ALL
		SELECT * FROM icecat_data.check_event_numbers
		UNION ALL
		SELECT * FROM icecat_data.check_dropped_without_name
		UNION ALL
		SELECT * FROM icecat_data.check_page_secret
		UNION ALL
		SELECT * FROM icecat_data.check_tenant
		UNION ALL
		SELECT * FROM icecat_data.check_quota
		UNION ALL
		SELECT * FROM icecat_data.check_warehouse_rows
	) AS c
	WHERE (p_warehouse IS NULL OR c.warehouse = p_warehouse) AND c.place % greatest(p_slices, 1) = p_slice - 1;
END;
COMMENT ON FUNCTION icecat._check(text, integer, integer) IS 'The rules of icecat.check_integrity(), for one of p_slices parts of the tables and views; what belongs to no table or view is with the first.';

CREATE OR REPLACE FUNCTION icecat.check_integrity(
	p_warehouse text DEFAULT NULL
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
BEGIN ATOMIC
	SELECT c.warehouse, c.object, c.problem FROM icecat._check(p_warehouse, 1, 1) AS c;
END;
COMMENT ON FUNCTION icecat.check_integrity(text) IS
'Cross-checks all rows of a warehouse (NULL: of all warehouses) and says in words what is wrong: a row for each problem, none if all is well. Reads everything once and takes no lock; icecat.check_integrity_slice() does it in parts.
p_warehouse: name of a warehouse. Checks: names, heads and namespaces; current schema, spec, order and snapshot; refs, sequence numbers, logs, texts beside their columns; current versions and schemas of views; versions of rows; rows and tasks without a table, view or warehouse; gaps in event numbers.';

CREATE OR REPLACE FUNCTION icecat.check_integrity_slice(
	p_warehouse text,
	p_slice integer,
	p_slices integer
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
BEGIN ATOMIC
	SELECT c.warehouse, c.object, c.problem FROM icecat._check(p_warehouse, p_slice, p_slices) AS c;
END;
COMMENT ON FUNCTION icecat.check_integrity_slice(text, integer, integer) IS
'A part of icecat.check_integrity(), for catalogs that take long as a whole: each slice is a statement of its own, which can be cancelled, spread over a night, or run beside others. All slices together find what the whole finds.
p_warehouse: name of a warehouse, or NULL for all. p_slice: 1 to p_slices; another number finds nothing. p_slices: how many parts the tables and views are cut into.';
