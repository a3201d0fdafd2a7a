-- Monitoring: does what the tables say agree with itself? Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.check_integrity(
	p_warehouse text DEFAULT NULL
) RETURNS TABLE (warehouse text, object text, problem text)
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH w AS (
		SELECT * FROM icecat_data.warehouse AS x WHERE p_warehouse IS NULL OR x.name = p_warehouse
	), t AS (
		SELECT w.name AS warehouse_name, h.*, array_to_string(n.levels, '.') || '.' || r.name AS display
		FROM w
		JOIN icecat_data.table_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
		LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id
		LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
	), v AS (
		SELECT w.name AS warehouse_name, h.*, array_to_string(n.levels, '.') || '.' || r.name AS display
		FROM w
		JOIN icecat_data.view_head AS h ON h.warehouse_id = w.warehouse_id AND h.dropped_at IS NULL
		LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.view_id AND r.kind = 'view'
		LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
	)
	SELECT t.warehouse_name, coalesce(t.display, t.table_id::text), 'table has a head but no live name in a namespace'
	FROM t WHERE t.display IS NULL
		OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = t.warehouse_id AND r.relation_id = t.table_id AND r.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, r.name, 'name of a table without a live head'
	FROM w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'table' AND r.dropped_at IS NULL
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id AND h.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, array_to_string(n.levels, '.'), 'namespace is not below its parent, or its hash is not that of its path'
	FROM w JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.namespace AS p ON p.warehouse_id = n.warehouse_id AND p.namespace_id = n.parent_id
	WHERE (cardinality(n.levels) > 1 AND p.levels IS DISTINCT FROM n.levels[1:cardinality(n.levels) - 1])
		OR (cardinality(n.levels) = 1 AND n.parent_id IS NOT NULL)
		OR n.path_hash <> sha256((SELECT string_agg(convert_to(CASE WHEN w.properties ->> 'icecat.case-mode' = 'insensitive' THEN icecat.case_key(l.level) ELSE l.level END, 'UTF8') || pg_catalog.decode('00', 'hex'), ''::bytea ORDER BY l.place) FROM unnest(n.levels) WITH ORDINALITY AS l (level, place)))
	UNION ALL
	SELECT w.name, r.name, 'key of a name is not that of the name and the case mode'
	FROM w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.dropped_at IS NULL
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
	SELECT t.warehouse_name, t.display, format('snapshot %s disagrees with its text, or its sequence number is above the table''s', s.snapshot_id)
	FROM t JOIN icecat_data.table_snapshot AS s ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.removed_version IS NULL
	WHERE (s.body ->> 'snapshot-id')::bigint IS DISTINCT FROM s.snapshot_id
		OR coalesce((s.body ->> 'sequence-number')::bigint, 0) > t.last_sequence_number
	UNION ALL
	SELECT t.warehouse_name, t.display, format('snapshots share sequence number %s', s.body ->> 'sequence-number')
	FROM t JOIN icecat_data.table_snapshot AS s ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id AND s.removed_version IS NULL
	WHERE t.format_version > 1 AND coalesce((s.body ->> 'sequence-number')::bigint, 0) > 0
	GROUP BY t.warehouse_name, t.display, t.table_id, s.body ->> 'sequence-number' HAVING count(*) > 1
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
	SELECT t.warehouse_name, t.display, format('a part of kind %s is of a version after %s', p.kind, t.version)
	FROM t JOIN icecat_data.table_part AS p ON p.warehouse_id = t.warehouse_id AND p.table_id = t.table_id
	WHERE p.ordinal >> 20 > t.version OR p.removed_version > t.version
	UNION ALL
	SELECT w.name, p.table_id::text, 'parts of a table that does not exist'
	FROM w JOIN icecat_data.table_part AS p ON p.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.table_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.table_id = p.table_id)
	GROUP BY w.name, p.table_id
	UNION ALL
	SELECT v.warehouse_name, coalesce(v.display, v.view_id::text), 'view has a head but no live name in a namespace'
	FROM v WHERE v.display IS NULL
		OR NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.warehouse_id = v.warehouse_id AND r.relation_id = v.view_id AND r.dropped_at IS NULL)
	UNION ALL
	SELECT w.name, r.name, 'name of a view without a live head'
	FROM w JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.kind = 'view' AND r.dropped_at IS NULL
	WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = r.warehouse_id AND h.view_id = r.relation_id AND h.dropped_at IS NULL)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('current version %s does not exist', v.current_version_id)
	FROM v WHERE NOT EXISTS (SELECT FROM icecat_data.view_part AS p WHERE p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1 AND p.id = v.current_version_id)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('version %s disagrees with its text, or is current and its schema does not exist', p.id)
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind = 1
	WHERE (p.body ->> 'version-id')::bigint IS DISTINCT FROM p.id
		OR p.id = v.current_version_id AND NOT EXISTS (SELECT FROM icecat_data.view_part AS s WHERE s.warehouse_id = p.warehouse_id AND s.view_id = p.view_id AND s.kind = 0 AND s.id = (p.body ->> 'schema-id')::bigint)
	UNION ALL
	SELECT v.warehouse_name, v.display, format('%s %s is there %s times', CASE p.kind WHEN 0 THEN 'schema' ELSE 'version' END, p.id, count(*))
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id AND p.kind IN (0, 1)
	GROUP BY v.warehouse_name, v.display, v.view_id, p.kind, p.id HAVING count(*) > 1
	UNION ALL
	SELECT v.warehouse_name, v.display, format('a part of kind %s is of a version after %s', p.kind, v.version)
	FROM v JOIN icecat_data.view_part AS p ON p.warehouse_id = v.warehouse_id AND p.view_id = v.view_id
	WHERE p.ordinal >> 20 > v.version
	UNION ALL
	SELECT w.name, p.view_id::text, 'parts of a view that does not exist'
	FROM w JOIN icecat_data.view_part AS p ON p.warehouse_id = w.warehouse_id
	WHERE NOT EXISTS (SELECT FROM icecat_data.view_head AS h WHERE h.warehouse_id = p.warehouse_id AND h.view_id = p.view_id)
	GROUP BY w.name, p.view_id
	UNION ALL
	SELECT w.name, k.table_id::text, 'the queue has a task for a table or view that does not exist, or for a version that it has not reached'
	FROM w JOIN icecat_data.metadata_task AS k ON k.warehouse_id = w.warehouse_id
	LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = k.warehouse_id AND h.table_id = k.table_id
	LEFT JOIN icecat_data.view_head AS v ON v.warehouse_id = k.warehouse_id AND v.view_id = k.table_id
	WHERE k.version > coalesce(h.version, v.version, -1)
	UNION ALL
	SELECT w.name, 'events', format('numbers go up to %s, but %s events lie from %s to %s', c.last_number, e.events, e.first, e.last)
	FROM w JOIN icecat_data.event_counter AS c ON c.warehouse_id = w.warehouse_id
	CROSS JOIN LATERAL (
		SELECT count(*) AS events, min(x.number) AS first, max(x.number) AS last
		FROM icecat_data.every_event AS x WHERE x.warehouse_id = w.warehouse_id) AS e
	WHERE e.events > 0 AND (e.last <> c.last_number OR e.events <> e.last - e.first + 1);
END;
COMMENT ON FUNCTION icecat.check_integrity(text) IS
'Cross-checks all rows of a warehouse (NULL: of all warehouses) and says in words what is wrong: a row for each problem, none if all is well. Reads everything once and takes no lock.
p_warehouse: name of a warehouse. Checks: names, heads and namespaces; current schema, spec, order and snapshot; refs, sequence numbers, logs; current versions and schemas of views; versions of rows; rows and tasks without a table or view; gaps in event numbers.';
