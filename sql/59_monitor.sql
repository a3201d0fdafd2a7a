-- Monitoring: does what the tables say agree with itself? Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat._snapshot_sequence(p_body json, p_id bigint, p_parent bigint, p_at_ms bigint, p_operation text)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_snapshot_sequence';
COMMENT ON FUNCTION icecat._snapshot_sequence(json, bigint, bigint, bigint, text) IS
'The sequence number of a snapshot (0: none), or NULL if its text does not say what its columns say. For icecat.check_integrity().';

-- Every rule, as one query each. What is looked at for each table is read by index for that table alone (LATERAL), so that
-- a slice of the tables costs its part of the whole.
CREATE OR REPLACE FUNCTION icecat._check(
	p_warehouse text,
	p_slice integer,
	p_slices integer
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
BEGIN ATOMIC
	WITH w AS (
		SELECT * FROM icecat_data.warehouse AS x WHERE p_warehouse IS NULL OR x.name = p_warehouse
	), once AS ( -- the warehouses, for what is no table or view: with the first slice
		SELECT * FROM w WHERE p_slice = 1
	), t AS (
		SELECT w.name AS warehouse_name, h.*, array_to_string(n.levels, '.') || '.' || r.name AS display
		FROM w
		JOIN icecat_data.table_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
			AND (get_byte(uuid_send(h.table_id), 14) * 256 + get_byte(uuid_send(h.table_id), 15)) % greatest(p_slices, 1) = p_slice - 1
		LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id
		LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
	), v AS (
		SELECT w.name AS warehouse_name, h.*, array_to_string(n.levels, '.') || '.' || r.name AS display
		FROM w
		JOIN icecat_data.view_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
			AND (get_byte(uuid_send(h.view_id), 14) * 256 + get_byte(uuid_send(h.view_id), 15)) % greatest(p_slices, 1) = p_slice - 1
		LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.view_id AND r.kind = 'view'
		LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
	)
	SELECT t.warehouse_name, coalesce(t.display, t.table_id::text), 'table has a head but no live name in a namespace'
	FROM t WHERE t.display IS NULL
		OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = t.warehouse_id AND r.relation_id = t.table_id AND r.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, r.name, 'name of a table without a live head'
	FROM once AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'table' AND r.dropped_at IS NULL
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id AND h.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, array_to_string(n.levels, '.'), 'namespace is not below its parent, or its hash is not that of its path'
	FROM once AS w JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.namespace AS p ON p.warehouse_id = n.warehouse_id AND p.namespace_id = n.parent_id
	WHERE (cardinality(n.levels) > 1 AND p.levels IS DISTINCT FROM n.levels[1:cardinality(n.levels) - 1])
		OR (cardinality(n.levels) = 1 AND n.parent_id IS NOT NULL)
		OR n.path_hash <> sha256((SELECT string_agg(convert_to(CASE WHEN w.properties ->> 'icecat.case-mode' = 'insensitive' THEN icecat.case_key(l.level) ELSE l.level END, 'UTF8') || pg_catalog.decode('00', 'hex'), ''::bytea ORDER BY l.place) FROM unnest(n.levels) WITH ORDINALITY AS l (level, place)))
	UNION ALL
	SELECT w.name, r.name, 'key of a name is not that of the name and the case mode'
	FROM once AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.dropped_at IS NULL
	WHERE r.name_key IS DISTINCT FROM CASE WHEN w.properties ->> 'icecat.case-mode' = 'insensitive' THEN icecat.case_key(r.name) END
	UNION ALL
	SELECT t.warehouse_name, t.display, format('current schema %s does not exist', t.current_schema_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_schema AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.schema_id = t.current_schema_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('default partition spec %s does not exist', t.default_spec_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_partition_spec AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.spec_id = t.default_spec_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('default sort order %s does not exist', t.default_sort_order_id)
	FROM t WHERE NOT EXISTS (SELECT FROM icecat_data.table_sort_order AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.order_id = t.default_sort_order_id AND s.removed_version IS NULL)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('current snapshot is %s, but branch main points to %s', t.current_snapshot_id, coalesce(f.snapshot_id::text, 'nothing'))
	FROM t LEFT JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id AND f.name = 'main'
	WHERE t.current_snapshot_id <> coalesce(f.snapshot_id, -1)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('ref %s points to snapshot %s, which does not exist', f.name, f.snapshot_id)
	FROM t JOIN icecat_data.table_ref AS f ON f.warehouse_id = t.warehouse_id AND f.table_id = t.table_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_snapshot AS s WHERE s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.snapshot_id = f.snapshot_id AND s.removed_version IS NULL)
		OR (f.body ->> 'snapshot-id')::bigint IS DISTINCT FROM f.snapshot_id
	UNION ALL
	SELECT t.warehouse_name, t.display, CASE WHEN s.sequence IS NULL OR s.sequence > t.last_sequence_number
		THEN format('snapshot %s disagrees with its text, or its sequence number is above the table''s', s.id)
		ELSE format('snapshots share sequence number %s', s.sequence) END
	FROM t CROSS JOIN LATERAL (
		SELECT x.id, x.sequence, count(*) OVER (PARTITION BY x.sequence) AS sharing, min(x.id) OVER (PARTITION BY x.sequence) AS first
		FROM (
			SELECT p.id, icecat._snapshot_sequence(p.body, p.id, p.target, p.at_ms, p.operation) AS sequence
			FROM icecat_data.table_part AS p
			WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.kind = 4 /* snapshot */ AND p.removed_version IS NULL) AS x) AS s
	WHERE s.sequence IS NULL OR s.sequence > t.last_sequence_number
		OR t.format_version > 1 AND s.sequence > 0 AND s.sharing > 1 AND s.first = s.id
	UNION ALL
	SELECT t.warehouse_name, t.display, format('an entry of the %s log disagrees with its text', CASE p.kind WHEN 6 /* snapshot log */ THEN 'snapshot' ELSE 'metadata' END)
	FROM t CROSS JOIN LATERAL (
		SELECT x.kind FROM icecat_data.table_part AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.kind IN (6, 7) /* snapshot log, metadata log */ AND x.removed_version IS NULL
			AND (coalesce(x.at_ms, (x.body ->> 'timestamp-ms')::bigint) IS DISTINCT FROM (x.body ->> 'timestamp-ms')::bigint
				OR x.kind = 6 /* snapshot log */ AND x.target IS DISTINCT FROM (x.body ->> 'snapshot-id')::bigint)
		GROUP BY x.kind) AS p
	UNION ALL
	SELECT t.warehouse_name, t.display, format('snapshot log ends with %s, but the current snapshot is %s', l.snapshot_id, t.current_snapshot_id)
	FROM t CROSS JOIN LATERAL (
		SELECT x.snapshot_id FROM icecat_data.table_snapshot_log AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL
		ORDER BY x.ordinal DESC LIMIT 1) AS l
	WHERE t.current_snapshot_id <> -1 AND l.snapshot_id <> t.current_snapshot_id
	UNION ALL
	SELECT t.warehouse_name, t.display, format('metadata log has %s entries, counted as %s', l.entries, t.metadata_log_count)
	FROM t CROSS JOIN LATERAL (
		SELECT count(*) AS entries FROM icecat_data.table_metadata_log AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS l
	WHERE l.entries <> t.metadata_log_count
	UNION ALL
	SELECT t.warehouse_name, t.display, format('table has %s property sets, expected 1', p.sets)
	FROM t CROSS JOIN LATERAL (
		SELECT count(*) AS sets FROM icecat_data.table_property_set AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS p
	WHERE p.sets <> 1
	UNION ALL
	SELECT t.warehouse_name, t.display, format('a part of kind %s is of a version after %s', k.kind, t.version)
	FROM t CROSS JOIN generate_series(0, 11) AS k (kind)
	WHERE EXISTS (
		SELECT FROM icecat_data.table_part AS p
		WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.kind = k.kind::smallint AND p.ordinal >= (t.version + 1) << 20)
	UNION ALL
	SELECT t.warehouse_name, t.display, format('a part was removed in a version after %s', t.version)
	FROM t WHERE EXISTS (
		SELECT FROM icecat_data.table_part AS p
		WHERE p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id AND p.removed_version > t.version)
	UNION ALL
	SELECT w.name, p.table_id::text, 'parts of a table that does not exist'
	FROM once AS w JOIN icecat_data.table_part AS p ON p.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.table_id = p.table_id)
	GROUP BY w.name, p.table_id
	UNION ALL
	SELECT v.warehouse_name, coalesce(v.display, v.view_id::text), 'view has a head but no live name in a namespace'
	FROM v WHERE v.display IS NULL
		OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = v.warehouse_id AND r.relation_id = v.view_id AND r.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, r.name, 'name of a view without a live head'
	FROM once AS w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'view' AND r.dropped_at IS NULL
	WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.view_id = r.relation_id AND h.dropped_at IS NULL)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('current version %s does not exist', v.current_version_id)
	FROM v WHERE NOT EXISTS (SELECT FROM icecat_data.view_part AS p WHERE p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1 /* version */ AND p.id = v.current_version_id)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('version %s disagrees with its text, or is current and its schema does not exist', p.id)
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1 /* version */
	WHERE (p.body ->> 'version-id')::bigint IS DISTINCT FROM p.id
		OR p.id = v.current_version_id AND NOT EXISTS (SELECT FROM icecat_data.view_part AS s WHERE s.warehouse_id = p.warehouse_id AND s.view_id = p.view_id AND s.kind = 0 /* schema */ AND s.id = (p.body ->> 'schema-id')::bigint)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('%s %s is there %s times', CASE p.kind WHEN 0 /* schema */ THEN 'schema' ELSE 'version' END, p.id, count(*))
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind IN (0, 1) /* schema, version */
	GROUP BY v.warehouse_name, v.display, v.view_id, p.kind, p.id HAVING count(*) > 1
	UNION ALL
	SELECT v.warehouse_name, v.display, format('a part of kind %s is of a version after %s', p.kind, v.version)
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id
	WHERE p.ordinal >> 20 > v.version
	UNION ALL
	SELECT w.name, p.view_id::text, 'parts of a view that does not exist'
	FROM once AS w JOIN icecat_data.view_part AS p ON p.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.view_id = p.view_id)
	GROUP BY w.name, p.view_id
	UNION ALL
	SELECT w.name, k.table_id::text, 'the queue has a task for a table or view that does not exist, or for a version that it has not reached'
	FROM once AS w JOIN icecat_data.metadata_task AS k ON k.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = k.warehouse_id AND h.table_id = k.table_id
	LEFT JOIN icecat_data.view_head AS v ON v.warehouse_id = k.warehouse_id AND v.view_id = k.table_id
	WHERE k.version > coalesce(h.version, v.version, -1)
	UNION ALL
	SELECT w.name, 'events', format('numbers go up to %s, but %s events lie from %s to %s', c.last_number, e.events, e.first, e.last)
	FROM once AS w JOIN icecat_data.event_counter AS c ON c.warehouse_id = w.warehouse_id
	CROSS JOIN LATERAL (
		SELECT count(*) AS events, min(x.number) AS first, max(x.number) AS last
		FROM icecat_data.every_event AS x WHERE x.warehouse_id = w.warehouse_id) AS e
	WHERE e.events > 0 AND (e.last <> c.last_number OR e.events <> e.last - e.first + 1)
	UNION ALL
	SELECT w.name, h.table_id::text, 'a dropped table or view has a head but no name'
	FROM once AS w
	JOIN (
		SELECT x.warehouse_id, x.table_id FROM icecat_data.table_head AS x WHERE x.dropped_at IS NOT NULL
		UNION ALL
		SELECT x.warehouse_id, x.view_id FROM icecat_data.view_head AS x WHERE x.dropped_at IS NOT NULL) AS h ON h.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id)
	UNION ALL
	SELECT w.name, w.name, 'the warehouse has no secret for page tokens'
	FROM once AS w
	WHERE NOT EXISTS (SELECT FROM icecat_data.warehouse_secret AS s WHERE s.warehouse_id = w.warehouse_id AND s.purpose = 'page-token')
	UNION ALL
	SELECT o.warehouse_id::text, o.name, 'rows of a warehouse that does not exist'
	FROM (
		SELECT DISTINCT x.warehouse_id, 'namespace' FROM icecat_data.namespace AS x
		UNION ALL SELECT DISTINCT x.warehouse_id, 'relation' FROM icecat_data.relation AS x
		UNION ALL SELECT DISTINCT x.warehouse_id, 'table_head' FROM icecat_data.table_head AS x
		UNION ALL SELECT DISTINCT x.warehouse_id, 'view_head' FROM icecat_data.view_head AS x
		UNION ALL SELECT DISTINCT x.warehouse_id, 'warehouse_secret' FROM icecat_data.warehouse_secret AS x
			WHERE x.warehouse_id <> '00000000-0000-0000-0000-000000000000' -- what belongs to the whole catalog
		UNION ALL SELECT DISTINCT x.warehouse_id, 'metadata_task' FROM icecat_data.metadata_task AS x
		UNION ALL SELECT DISTINCT x.warehouse_id, 'event_counter' FROM icecat_data.event_counter AS x) AS o (warehouse_id, name)
	WHERE p_warehouse IS NULL AND p_slice = 1
		AND NOT EXISTS (SELECT FROM icecat_data.warehouse AS x WHERE x.warehouse_id = o.warehouse_id);
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
