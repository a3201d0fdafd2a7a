-- Everything that Iceberg knows, in rows. Only what is live: no dropped tables, no removed elements. Numbers come out
-- of the exact JSON text, never through a double. Each view joins on warehouse_id and table_id, so that a
-- query for one table reads that table's rows only.
--
-- Each role sees its own: what it may load (50_access.sql). The condition stands in views that are a security barrier, so that no
-- function of a user's query sees a row before it. The rows of a table's lists come by LATERAL with OFFSET 0, which
-- keeps conditions of the query from being moved into it: they see lists of tables that have passed the barrier only. (A barrier
-- round the whole view would keep a join of two views from finding its rows by key.)

CREATE OR REPLACE VIEW icecat_data.every_table AS
SELECT w.warehouse_id, h.table_id, w.name AS warehouse, n.levels AS namespace, r.name AS table_name,
	h.version, h.current_schema_id, h.default_spec_id, h.default_sort_order_id, h.current_snapshot_id,
	h.metadata_location, h.last_updated_ms, n.namespace_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'table' AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
WHERE icecat._guards_estimates();
COMMENT ON VIEW icecat_data.every_table IS 'Tables that are not dropped, for every role: only below a condition that the role sees all, or the barrier of live_table';

CREATE OR REPLACE VIEW icecat_data.live_table WITH (security_barrier) AS
SELECT e.warehouse_id, e.table_id, e.warehouse, e.namespace, e.table_name, e.version, e.current_schema_id, e.default_spec_id,
	e.default_sort_order_id, e.current_snapshot_id, e.metadata_location, e.last_updated_ms
FROM icecat_data.every_table AS e
WHERE ((SELECT icecat._sees_all('select')) OR e.warehouse_id IN (SELECT icecat._seen('select'))
	OR e.namespace_id IN (SELECT icecat._seen('select')) OR e.table_id IN (SELECT icecat._seen('select')))
	AND e.table_id NOT IN (SELECT icecat._restricted(false));
COMMENT ON VIEW icecat_data.live_table IS 'Tables that are not dropped and that the role may load, with what the views of schema icecat join on';

-- The same for roles that do not see all, because of their grants or because of a restriction. The planner takes the array for short, and so a query through it for cheap: it does not
-- compile for the way that is not taken.
CREATE OR REPLACE VIEW icecat_data.own_table WITH (security_barrier) AS
SELECT e.*
FROM icecat_data.every_table AS e
WHERE e.table_id = ANY (ARRAY(
	SELECT r.relation_id FROM (SELECT icecat._seen('select') AS id) AS s JOIN icecat_data.relation AS r ON r.warehouse_id = s.id
	UNION ALL
	SELECT r.relation_id FROM (SELECT icecat._seen('select') AS id) AS s CROSS JOIN icecat_data.warehouse AS w
	JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.namespace_id = s.id
	UNION ALL
	SELECT r.relation_id FROM (SELECT icecat._seen('select') AS id) AS s CROSS JOIN icecat_data.warehouse AS w
	JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.relation_id = s.id
	UNION ALL
	SELECT r.relation_id FROM icecat_data.relation AS r
	WHERE (SELECT icecat._sees_all('select')) AND (SELECT pg_catalog.count(*) FROM icecat._restricted(false)) > 0))
	AND e.table_id NOT IN (SELECT icecat._restricted(false));
COMMENT ON VIEW icecat_data.own_table IS 'Tables that are not dropped and that the role may load, if it does not see all';

CREATE OR REPLACE VIEW icecat.warehouses WITH (security_barrier) AS
SELECT s.warehouse, s.warehouse_id, CASE WHEN s.whole THEN s.location END AS location,
	CASE WHEN s.whole THEN s.properties END AS properties, s.created_at, s.tenant,
	CASE WHEN s.whole THEN s.storage_profile END AS storage_profile
FROM (
	SELECT w.name AS warehouse, w.warehouse_id, w.location, w.properties, w.created_at, t.name AS tenant, p.name AS storage_profile,
		(SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage')) AS whole
	FROM icecat_data.warehouse AS w
	LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = '00000000-0000-0000-0000-000000000000' AND t.tenant_id = w.tenant_id
	LEFT JOIN icecat_data.storage_profile AS p ON p.warehouse_id = '00000000-0000-0000-0000-000000000000' AND p.profile_id = w.storage_profile_id
) AS s
WHERE s.whole OR s.warehouse_id IN (SELECT icecat._seen_above());
COMMENT ON VIEW icecat.warehouses IS 'Warehouses of this database; each is a catalog of its own';
COMMENT ON COLUMN icecat.warehouses.warehouse_id IS 'Identity of the warehouse';
COMMENT ON COLUMN icecat.warehouses.properties IS 'JSON object of strings; NULL where the role sees only something in it; icecat.metadata-write-mode and icecat.case-mode are read from here';
COMMENT ON COLUMN icecat.warehouses.created_at IS 'When the warehouse was made';
COMMENT ON COLUMN icecat.warehouses.warehouse IS 'Name, and prefix of the REST paths. A tenant''s begins with the tenant''s name and a slash, which its own roles may leave out';
COMMENT ON COLUMN icecat.warehouses.storage_profile IS 'Name of the storage profile by which its object store is reached; NULL: none, or the role sees only something in it';
COMMENT ON COLUMN icecat.warehouses.tenant IS 'The tenant that owns it; NULL: none';
COMMENT ON COLUMN icecat.warehouses.location IS 'URI below which table locations are derived; NULL: none, or the role sees only something in it';

CREATE OR REPLACE FUNCTION icecat.list_warehouses()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT w.warehouse FROM icecat.warehouses AS w ORDER BY w.warehouse COLLATE "C";
END;
COMMENT ON FUNCTION icecat.list_warehouses() IS
'The names of all warehouses of the database in which the role sees anything, in byte order.
REST: none.';

CREATE OR REPLACE VIEW icecat.namespaces WITH (security_barrier) AS
SELECT s.warehouse, s.namespace, s.namespace_id, s.parent, s.depth, CASE WHEN s.whole THEN s.properties END AS properties,
	s.created_at, s.warehouse_id
FROM (
SELECT w.name AS warehouse, n.levels AS namespace, n.namespace_id,
	CASE WHEN pg_catalog.cardinality(n.levels) > 1
		THEN n.levels[1:pg_catalog.cardinality(n.levels) - 1] END AS parent,
	pg_catalog.cardinality(n.levels) AS depth,
	n.properties, n.created_at, w.warehouse_id,
	(SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage'))
		OR n.namespace_id IN (SELECT icecat._seen('usage')) AS whole
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
) AS s
WHERE s.whole OR s.namespace_id IN (SELECT icecat._seen_above());
COMMENT ON VIEW icecat.namespaces IS 'Namespaces of all warehouses';
COMMENT ON COLUMN icecat.namespaces.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.namespaces.namespace_id IS 'Identity of the namespace in this catalog';
COMMENT ON COLUMN icecat.namespaces.created_at IS 'When the namespace came into this catalog';
COMMENT ON COLUMN icecat.namespaces.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.namespaces.namespace IS 'Levels from the top';
COMMENT ON COLUMN icecat.namespaces.parent IS 'NULL at the top';
COMMENT ON COLUMN icecat.namespaces.depth IS 'Number of levels';
COMMENT ON COLUMN icecat.namespaces.properties IS 'JSON object of strings; NULL where the role sees only something in it';

CREATE OR REPLACE VIEW icecat.tables WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS table_name, h.table_id, h.table_uuid,
	h.format_version, h.location, h.metadata_location, h.version,
	NULLIF(h.current_snapshot_id, -1) AS current_snapshot_id,
	h.current_schema_id, h.default_spec_id, h.default_sort_order_id,
	h.last_sequence_number, h.last_column_id, h.last_partition_id, h.next_row_id, h.last_updated_ms,
	CASE WHEN h.last_updated_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(h.last_updated_ms / 1000.0::double precision) END AS last_updated_at,
	r.created_at, n.namespace_id, w.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'table' AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
WHERE ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.relation_id IN (SELECT icecat._seen('select')))
	AND r.relation_id NOT IN (SELECT icecat._restricted(false));
COMMENT ON VIEW icecat.tables IS 'Tables of all warehouses, with the scalars of their metadata';
COMMENT ON COLUMN icecat.tables.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.tables.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.tables.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.tables.format_version IS 'Version of Iceberg''s table format: 1, 2 or 3';
COMMENT ON COLUMN icecat.tables.location IS 'URI of the table''s folder';
COMMENT ON COLUMN icecat.tables.current_schema_id IS 'Id of the schema in force; see schemas';
COMMENT ON COLUMN icecat.tables.default_spec_id IS 'Id of the partition spec in force; see partition_specs';
COMMENT ON COLUMN icecat.tables.default_sort_order_id IS 'Id of the sort order in force; see sort_orders';
COMMENT ON COLUMN icecat.tables.last_sequence_number IS 'Highest sequence number given to a snapshot; 0 in format version 1';
COMMENT ON COLUMN icecat.tables.last_column_id IS 'Highest field id ever given';
COMMENT ON COLUMN icecat.tables.last_partition_id IS 'Highest partition field id ever given';
COMMENT ON COLUMN icecat.tables.last_updated_at IS 'When the last version was made; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.tables.namespace_id IS 'Id of the namespace';
COMMENT ON COLUMN icecat.tables.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.tables.table_id IS 'Identity in this catalog; survives renames';
COMMENT ON COLUMN icecat.tables.table_uuid IS 'Iceberg''s table-uuid; survives a move to another catalog';
COMMENT ON COLUMN icecat.tables.metadata_location IS 'URI of the metadata.json of this version; see metadata_files for whether it is still to be written';
COMMENT ON COLUMN icecat.tables.version IS 'Commit counter of this catalog: 1 after creation';
COMMENT ON COLUMN icecat.tables.current_snapshot_id IS 'NULL: the table has no snapshot';
COMMENT ON COLUMN icecat.tables.next_row_id IS 'Row lineage of format version 3; 0 below';
COMMENT ON COLUMN icecat.tables.last_updated_ms IS 'Milliseconds since 1970, as in the metadata';
COMMENT ON COLUMN icecat.tables.created_at IS 'When the table came into this catalog';

CREATE OR REPLACE FUNCTION icecat._schema_fields(
	p_schema json
) RETURNS TABLE (definition json, type json, id integer, parent_id integer, required boolean, path text[], place bigint[],
	ordinal bigint, is_identifier boolean)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'sql_ice_schema_fields';
COMMENT ON FUNCTION icecat._schema_fields(json) IS
'The fields of a schema, each before what is nested in it: members of structs, elements of lists, keys and values of maps. definition: the field''s JSON; NULL for elements, keys and values. path: names from the top. place: positions from the top, from 1. For view icecat.columns.';

CREATE OR REPLACE VIEW icecat_data.current_field AS
SELECT h.warehouse_id, h.table_id, s.schema_id::integer AS schema_id, s.body AS schema_body, f.*
FROM icecat_data.table_head AS h
JOIN icecat_data.table_schema AS s
	ON s.warehouse_id = h.warehouse_id AND s.table_id = h.table_id
	AND s.schema_id = h.current_schema_id AND s.removed_version IS NULL
CROSS JOIN LATERAL icecat._schema_fields(s.body) AS f;
COMMENT ON VIEW icecat_data.current_field IS 'Fields, nested ones too, of the current schemas of all tables';

CREATE OR REPLACE VIEW icecat.columns AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, c.schema_id,
	c.ordinal::integer AS ordinal, c.id AS field_id, c.parent_id AS parent_field_id,
	c.path, pg_catalog.array_to_string(c.path, '.') AS full_name,
	c.path[pg_catalog.cardinality(c.path)] AS name,
	CASE pg_catalog.json_typeof(c.type) WHEN 'object' THEN c.type ->> 'type' ELSE c.type #>> '{}' END AS type,
	c.required, c.definition ->> 'doc' AS doc,
	c.place[pg_catalog.cardinality(c.place)]::integer AS position,
	pg_catalog.cardinality(c.path) AS depth,
	c.is_identifier,
	c.definition -> 'initial-default' AS initial_default,
	c.definition -> 'write-default' AS write_default,
	c.type AS type_definition
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.current_field AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id OFFSET 0) AS c;
COMMENT ON VIEW icecat.columns IS 'Fields of the current schema of each table, nested ones too';
COMMENT ON COLUMN icecat.columns.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.columns.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.columns.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.columns.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.columns.schema_id IS 'Id of the current schema';
COMMENT ON COLUMN icecat.columns.field_id IS 'Id of the field; stays when the field is renamed';
COMMENT ON COLUMN icecat.columns.name IS 'Last part of the path';
COMMENT ON COLUMN icecat.columns.required IS 'Holds no null';
COMMENT ON COLUMN icecat.columns.doc IS 'What the schema says about the field; NULL: nothing';
COMMENT ON COLUMN icecat.columns.initial_default IS 'Value of rows written before the field was added, as JSON; NULL: none';
COMMENT ON COLUMN icecat.columns.write_default IS 'Value that writers put where they are given none, as JSON; NULL: none';
COMMENT ON COLUMN icecat.columns.ordinal IS 'Place in the schema as it is written, nested fields right after the field that holds them; from 1';
COMMENT ON COLUMN icecat.columns.parent_field_id IS 'The struct, list or map that holds the field; NULL at the top';
COMMENT ON COLUMN icecat.columns.path IS 'Names from the top; element, key and value stand for parts of lists and maps';
COMMENT ON COLUMN icecat.columns.full_name IS 'The path with dots';
COMMENT ON COLUMN icecat.columns.type IS 'Iceberg type; struct, list or map where fields are nested';
COMMENT ON COLUMN icecat.columns.position IS 'Place among the fields of the same parent; from 1';
COMMENT ON COLUMN icecat.columns.depth IS '1 at the top';
COMMENT ON COLUMN icecat.columns.is_identifier IS 'Is one of the identifier fields of the schema';
COMMENT ON COLUMN icecat.columns.type_definition IS 'The type as JSON';

CREATE OR REPLACE VIEW icecat.schemas AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.schema_id::integer AS schema_id,
	s.schema_id = t.current_schema_id AS is_current,
	pg_catalog.json_array_length(s.body -> 'fields') AS column_count,
	ARRAY(
		SELECT i.id::integer FROM pg_catalog.json_array_elements_text(
			CASE pg_catalog.json_typeof(s.body -> 'identifier-field-ids')
				WHEN 'array' THEN s.body -> 'identifier-field-ids' END) WITH ORDINALITY AS i (id, place)
		ORDER BY i.place) AS identifier_field_ids,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.table_schema AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL OFFSET 0) AS s;
COMMENT ON VIEW icecat.schemas IS 'Schemas of each table';
COMMENT ON COLUMN icecat.schemas.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.schemas.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.schemas.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.schemas.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.schemas.schema_id IS 'Id of the schema';
COMMENT ON COLUMN icecat.schemas.is_current IS 'Is the schema in force';
COMMENT ON COLUMN icecat.schemas.identifier_field_ids IS 'Ids of the fields that identify a row; empty: none';
COMMENT ON COLUMN icecat.schemas.column_count IS 'Fields at the top';
COMMENT ON COLUMN icecat.schemas.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.schemas.definition IS 'The schema as JSON, exactly as stored';

-- Two ways: a role that sees all finds snapshots of all tables by their own columns; for another one the list of its tables comes
-- first. Of both one is run: the other's condition is asked before anything below it is read.
CREATE OR REPLACE VIEW icecat.snapshots AS
SELECT s.warehouse, s.namespace, s.table_name, s.table_id, s.snapshot_id,
	s.parent_id AS parent_snapshot_id,
	(s.body ->> 'sequence-number')::bigint AS sequence_number,
	s.timestamp_ms,
	CASE WHEN s.timestamp_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(s.timestamp_ms / 1000.0::double precision) END AS committed_at,
	s.operation,
	s.body -> 'summary' AS summary,
	s.body ->> 'manifest-list' AS manifest_list,
	(s.body ->> 'schema-id')::integer AS schema_id,
	(s.body ->> 'first-row-id')::bigint AS first_row_id,
	(s.body ->> 'added-rows')::bigint AS added_rows,
	s.snapshot_id = s.current_snapshot_id AS is_current,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM (
	SELECT t.warehouse, t.namespace, t.table_name, t.table_id, t.current_snapshot_id, x.snapshot_id, x.parent_id, x.timestamp_ms,
		x.operation, x.ordinal, x.body
	FROM icecat_data.every_table AS t
	JOIN icecat_data.table_snapshot AS x ON x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL
	WHERE (SELECT icecat._sees_all('select')) AND (SELECT pg_catalog.count(*) FROM icecat._restricted(false)) = 0
	UNION ALL
	SELECT t.warehouse, t.namespace, t.table_name, t.table_id, t.current_snapshot_id, x.snapshot_id, x.parent_id, x.timestamp_ms,
		x.operation, x.ordinal, x.body
	FROM icecat_data.own_table AS t
	CROSS JOIN LATERAL (
		SELECT y.* FROM icecat_data.table_snapshot AS y
		WHERE y.warehouse_id = t.warehouse_id AND y.table_id = t.table_id AND y.removed_version IS NULL OFFSET 0) AS x
	WHERE NOT (SELECT icecat._sees_all('select')) OR (SELECT pg_catalog.count(*) FROM icecat._restricted(false)) > 0
) AS s;
COMMENT ON VIEW icecat.snapshots IS 'Snapshots of each table';
COMMENT ON COLUMN icecat.snapshots.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.snapshots.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.snapshots.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.snapshots.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.snapshots.snapshot_id IS 'Id of the snapshot';
COMMENT ON COLUMN icecat.snapshots.parent_snapshot_id IS 'Snapshot that it is based on; NULL: none';
COMMENT ON COLUMN icecat.snapshots.committed_at IS 'When the writer made it; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.snapshots.manifest_list IS 'URI of the manifest list; NULL: the snapshot itself lists the manifests (format version 1)';
COMMENT ON COLUMN icecat.snapshots.schema_id IS 'Schema that was current for the writer; NULL: not said';
COMMENT ON COLUMN icecat.snapshots.first_row_id IS 'Row lineage: id of the first row that it added; NULL below format version 3';
COMMENT ON COLUMN icecat.snapshots.added_rows IS 'Row lineage: number of ids that it took; NULL below format version 3';
COMMENT ON COLUMN icecat.snapshots.sequence_number IS 'NULL in format version 1';
COMMENT ON COLUMN icecat.snapshots.timestamp_ms IS 'Milliseconds since 1970, as the writer gave them';
COMMENT ON COLUMN icecat.snapshots.operation IS 'append, replace, overwrite or delete';
COMMENT ON COLUMN icecat.snapshots.summary IS 'JSON object of strings: counts as the writer gave them';
COMMENT ON COLUMN icecat.snapshots.is_current IS 'Is what branch main shows';
COMMENT ON COLUMN icecat.snapshots.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.snapshots.definition IS 'The snapshot as JSON, exactly as stored';

CREATE OR REPLACE VIEW icecat.refs AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, r.name, r.body ->> 'type' AS type, r.snapshot_id,
	(r.body ->> 'max-ref-age-ms')::bigint AS max_ref_age_ms,
	(r.body ->> 'min-snapshots-to-keep')::integer AS min_snapshots_to_keep,
	(r.body ->> 'max-snapshot-age-ms')::bigint AS max_snapshot_age_ms,
	(r.ordinal >> 20) AS changed_in_version
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.table_ref AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id OFFSET 0) AS r;
COMMENT ON VIEW icecat.refs IS 'Branches and tags of each table';
COMMENT ON COLUMN icecat.refs.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.refs.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.refs.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.refs.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.refs.name IS 'Name of the branch or tag';
COMMENT ON COLUMN icecat.refs.snapshot_id IS 'Snapshot that it points to';
COMMENT ON COLUMN icecat.refs.max_ref_age_ms IS 'How long it is kept, in milliseconds; NULL: the table''s default';
COMMENT ON COLUMN icecat.refs.max_snapshot_age_ms IS 'How long the snapshots of a branch are kept, in milliseconds; NULL: the table''s default';
COMMENT ON COLUMN icecat.refs.type IS 'branch or tag';
COMMENT ON COLUMN icecat.refs.min_snapshots_to_keep IS 'Branches only; NULL: the table''s default';
COMMENT ON COLUMN icecat.refs.changed_in_version IS 'The commit that made or moved it; see tables.version';

CREATE OR REPLACE VIEW icecat.partition_specs AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.spec_id::integer AS spec_id,
	s.spec_id = t.default_spec_id AS is_default,
	f.ordinality::integer AS position,
	(f.value ->> 'field-id')::integer AS field_id,
	f.value ->> 'name' AS name, f.value ->> 'transform' AS transform,
	i.ids AS source_ids,
	(
		SELECT pg_catalog.array_agg(pg_catalog.array_to_string(c.path, '.')
			ORDER BY pg_catalog.array_position(i.ids, c.id))
		FROM icecat_data.current_field AS c
		WHERE c.warehouse_id = t.warehouse_id AND c.table_id = t.table_id AND c.id = ANY (i.ids)
	) AS source_columns,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.table_partition_spec AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL OFFSET 0) AS s
LEFT JOIN LATERAL pg_catalog.json_array_elements(s.body -> 'fields') WITH ORDINALITY AS f
	ON pg_catalog.json_typeof(f.value) = 'object'
LEFT JOIN LATERAL (
	SELECT CASE WHEN f.value -> 'source-id' IS NOT NULL THEN ARRAY[(f.value ->> 'source-id')::integer]
		ELSE ARRAY(SELECT e.id::integer
			FROM pg_catalog.json_array_elements_text(f.value -> 'source-ids') WITH ORDINALITY AS e (id, place)
			ORDER BY e.place) END AS ids
) AS i ON f.value IS NOT NULL;
COMMENT ON VIEW icecat.partition_specs IS 'Partition specs of each table, a row for each partition field; an unpartitioned spec has one row without a field';
COMMENT ON COLUMN icecat.partition_specs.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.partition_specs.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.partition_specs.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.partition_specs.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.partition_specs.spec_id IS 'Id of the spec';
COMMENT ON COLUMN icecat.partition_specs.field_id IS 'Id of the partition field; NULL: the spec is unpartitioned';
COMMENT ON COLUMN icecat.partition_specs.name IS 'Name of the partition field';
COMMENT ON COLUMN icecat.partition_specs.transform IS 'Transform of the partition field: identity, bucket[16], day …';
COMMENT ON COLUMN icecat.partition_specs.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.partition_specs.is_default IS 'New files are partitioned by it';
COMMENT ON COLUMN icecat.partition_specs.position IS 'Place of the field in the spec; from 1';
COMMENT ON COLUMN icecat.partition_specs.source_ids IS 'Field ids of the columns that the transform takes';
COMMENT ON COLUMN icecat.partition_specs.source_columns IS 'Their full names in the current schema; NULL if they are not in it';
COMMENT ON COLUMN icecat.partition_specs.definition IS 'The spec as JSON, exactly as stored';

CREATE OR REPLACE VIEW icecat.sort_orders AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, s.order_id::integer AS order_id,
	s.order_id = t.default_sort_order_id AS is_default,
	f.ordinality::integer AS position,
	f.value ->> 'transform' AS transform,
	f.value ->> 'direction' AS direction, f.value ->> 'null-order' AS null_order,
	i.ids AS source_ids,
	(
		SELECT pg_catalog.array_agg(pg_catalog.array_to_string(c.path, '.')
			ORDER BY pg_catalog.array_position(i.ids, c.id))
		FROM icecat_data.current_field AS c
		WHERE c.warehouse_id = t.warehouse_id AND c.table_id = t.table_id AND c.id = ANY (i.ids)
	) AS source_columns,
	(s.ordinal >> 20) AS added_in_version, s.body AS definition
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.table_sort_order AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL OFFSET 0) AS s
LEFT JOIN LATERAL pg_catalog.json_array_elements(s.body -> 'fields') WITH ORDINALITY AS f
	ON pg_catalog.json_typeof(f.value) = 'object'
LEFT JOIN LATERAL (
	SELECT CASE WHEN f.value -> 'source-id' IS NOT NULL THEN ARRAY[(f.value ->> 'source-id')::integer]
		ELSE ARRAY(SELECT e.id::integer
			FROM pg_catalog.json_array_elements_text(f.value -> 'source-ids') WITH ORDINALITY AS e (id, place)
			ORDER BY e.place) END AS ids
) AS i ON f.value IS NOT NULL;
COMMENT ON VIEW icecat.sort_orders IS 'Sort orders of each table, a row for each sort field; the unsorted order has one row without a field';
COMMENT ON COLUMN icecat.sort_orders.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.sort_orders.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.sort_orders.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.sort_orders.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.sort_orders.order_id IS 'Id of the order; 0: unsorted';
COMMENT ON COLUMN icecat.sort_orders.is_default IS 'New files are sorted by it';
COMMENT ON COLUMN icecat.sort_orders.position IS 'Place of the field in the order; from 1';
COMMENT ON COLUMN icecat.sort_orders.transform IS 'Transform of the sort field: identity, bucket[16], day …';
COMMENT ON COLUMN icecat.sort_orders.added_in_version IS 'The commit that added it; see tables.version';
COMMENT ON COLUMN icecat.sort_orders.direction IS 'asc or desc';
COMMENT ON COLUMN icecat.sort_orders.null_order IS 'nulls-first or nulls-last';
COMMENT ON COLUMN icecat.sort_orders.source_ids IS 'Field ids of the columns that the transform takes';
COMMENT ON COLUMN icecat.sort_orders.source_columns IS 'Their full names in the current schema; NULL if they are not in it';
COMMENT ON COLUMN icecat.sort_orders.definition IS 'The order as JSON, exactly as stored';

CREATE OR REPLACE VIEW icecat.table_properties AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, e.key, e.value
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.table_property_set AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL OFFSET 0) AS p
CROSS JOIN LATERAL pg_catalog.json_each_text(p.body) AS e;
COMMENT ON VIEW icecat.table_properties IS 'Properties of each table, a row for each key';
COMMENT ON COLUMN icecat.table_properties.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.table_properties.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.table_properties.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.table_properties.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.table_properties.key IS 'Key of the property';
COMMENT ON COLUMN icecat.table_properties.value IS 'Value of the property';

CREATE OR REPLACE FUNCTION icecat._ancestors(p_current bigint, p_ids bigint[], p_parents bigint[])
RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_ancestors';
COMMENT ON FUNCTION icecat._ancestors(bigint, bigint[], bigint[]) IS
'The snapshots that a snapshot is based on, and itself, as far as they are among p_ids; in ascending order. p_parents: the parent of each of p_ids, in the same order; NULL: none. For view icecat.history.';

CREATE OR REPLACE FUNCTION icecat._is_among(p_sorted bigint[], p_id bigint)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_is_among';
COMMENT ON FUNCTION icecat._is_among(bigint[], bigint) IS
'Is p_id one of the numbers of p_sorted, which are in ascending order? For view icecat.history.';

-- The subquery for the ancestors is not merged with the rest (OFFSET 0), so that it is done once a table, and only if it is asked for.
CREATE OR REPLACE VIEW icecat.history AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, l.timestamp_ms,
	CASE WHEN l.timestamp_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(l.timestamp_ms / 1000.0::double precision) END AS made_current_at,
	l.snapshot_id, l.parent_id AS parent_snapshot_id,
	icecat._is_among(a.ids, l.snapshot_id) AS is_current_ancestor, l.ordinal
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT (
		SELECT icecat._ancestors(t.current_snapshot_id, pg_catalog.array_agg(x.snapshot_id), pg_catalog.array_agg(x.parent_id))
		FROM icecat_data.table_snapshot AS x
		WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.removed_version IS NULL) AS ids
	OFFSET 0
) AS a
CROSS JOIN LATERAL (
	SELECT g.snapshot_id, g.timestamp_ms, s.parent_id, (pg_catalog.row_number() OVER (ORDER BY g.ordinal))::integer AS ordinal
	FROM icecat_data.table_snapshot_log AS g
	LEFT JOIN icecat_data.table_snapshot AS s ON s.warehouse_id = t.warehouse_id AND s.table_id = t.table_id
		AND s.snapshot_id = g.snapshot_id AND s.removed_version IS NULL
	WHERE g.warehouse_id = t.warehouse_id AND g.table_id = t.table_id AND g.removed_version IS NULL
) AS l;
COMMENT ON VIEW icecat.history IS 'What was the current snapshot of each table, and since when';
COMMENT ON COLUMN icecat.history.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.history.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.history.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.history.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.history.timestamp_ms IS 'When it became current, in milliseconds since 1970';
COMMENT ON COLUMN icecat.history.made_current_at IS 'When it became current; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.history.snapshot_id IS 'Snapshot that became current';
COMMENT ON COLUMN icecat.history.parent_snapshot_id IS 'NULL: none, or the snapshot has expired';
COMMENT ON COLUMN icecat.history.is_current_ancestor IS 'Is the current snapshot or one it is based on; false: rolled back';
COMMENT ON COLUMN icecat.history.ordinal IS 'Order of the log; from 1';

CREATE OR REPLACE VIEW icecat.metadata_files AS
SELECT t.warehouse, t.namespace, t.table_name, t.table_id, f.file, f.version, f.timestamp_ms,
	CASE WHEN f.timestamp_ms BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp(f.timestamp_ms / 1000.0::double precision) END AS updated_at,
	f.is_current, q.table_id IS NOT NULL AS is_queued, q.attempts, q.next_attempt_at, q.last_error
FROM icecat_data.live_table AS t
CROSS JOIN LATERAL (
	SELECT t.metadata_location, t.version, t.last_updated_ms, true
	UNION ALL
	SELECT g.metadata_file, NULLIF((g.ordinal >> 20) - 1, 0), g.timestamp_ms, false
	FROM icecat_data.table_metadata_log AS g
	WHERE g.warehouse_id = t.warehouse_id AND g.table_id = t.table_id AND g.removed_version IS NULL
	OFFSET 0
) AS f (file, version, timestamp_ms, is_current)
LEFT JOIN LATERAL (
	SELECT x.* FROM icecat_data.metadata_task AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.table_id = t.table_id AND x.kind = 'write' AND x.location = f.file
	OFFSET 0) AS q ON true;
COMMENT ON VIEW icecat.metadata_files IS 'The metadata.json file of each table''s current version and those of its metadata log';
COMMENT ON COLUMN icecat.metadata_files.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.metadata_files.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.metadata_files.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.metadata_files.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.metadata_files.file IS 'URI of the file';
COMMENT ON COLUMN icecat.metadata_files.timestamp_ms IS 'When its version was made, in milliseconds since 1970';
COMMENT ON COLUMN icecat.metadata_files.updated_at IS 'When its version was made; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.metadata_files.is_current IS 'Is the file of the table''s current version; false: one of its metadata log';
COMMENT ON COLUMN icecat.metadata_files.next_attempt_at IS 'When the worker tries again, if it is queued';
COMMENT ON COLUMN icecat.metadata_files.version IS 'Commit counter of the file''s content; NULL for files written before the table came into this catalog';
COMMENT ON COLUMN icecat.metadata_files.is_queued IS 'The worker has still to write it; nothing is queued where icecat.metadata-write-mode is sync or none';
COMMENT ON COLUMN icecat.metadata_files.attempts IS 'Failed attempts to write it; NULL if it is not queued';
COMMENT ON COLUMN icecat.metadata_files.last_error IS 'Why the last attempt failed';

-- Views, with what the views about them join on.
CREATE OR REPLACE VIEW icecat_data.live_view WITH (security_barrier) AS
SELECT w.warehouse_id, h.view_id, w.name AS warehouse, n.levels AS namespace, r.name AS view_name,
	h.current_version_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'view' AND r.dropped_at IS NULL
JOIN icecat_data.view_head AS h ON h.warehouse_id = r.warehouse_id AND h.view_id = r.relation_id
WHERE (SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.relation_id IN (SELECT icecat._seen('select'));
COMMENT ON VIEW icecat_data.live_view IS 'Views that are not dropped, with what the views of schema icecat join on';

CREATE OR REPLACE VIEW icecat.views WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS view_name, h.view_id, h.view_uuid,
	h.format_version, h.location, h.metadata_location,
	EXISTS (
		SELECT FROM icecat_data.metadata_task AS q
		WHERE q.warehouse_id = h.warehouse_id AND q.table_id = h.view_id AND q.kind = 'write'
			AND q.location = h.metadata_location) AS metadata_is_queued,
	h.version, h.current_version_id, (v.body ->> 'schema-id')::integer AS current_schema_id,
	v.body ->> 'default-catalog' AS default_catalog,
	ARRAY(
		SELECT l.level FROM pg_catalog.json_array_elements_text(v.body -> 'default-namespace')
			WITH ORDINALITY AS l (level, place)
		ORDER BY l.place) AS default_namespace,
	p.body AS properties, h.updated_at AS last_updated_at, r.created_at, n.namespace_id, w.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'view' AND r.dropped_at IS NULL
JOIN icecat_data.view_head AS h ON h.warehouse_id = r.warehouse_id AND h.view_id = r.relation_id
LEFT JOIN icecat_data.view_part AS v
	ON v.warehouse_id = h.warehouse_id AND v.view_id = h.view_id AND v.kind = 1 /* version */ AND v.id = h.current_version_id
LEFT JOIN icecat_data.view_part AS p
	ON p.warehouse_id = h.warehouse_id AND p.view_id = h.view_id AND p.kind = 3 /* properties */
WHERE (SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.relation_id IN (SELECT icecat._seen('select'));
COMMENT ON VIEW icecat.views IS 'Iceberg views of all warehouses, with the scalars of their metadata';
COMMENT ON COLUMN icecat.views.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.views.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.views.view_name IS 'Name of the view';
COMMENT ON COLUMN icecat.views.format_version IS 'Version of Iceberg''s view format: 1';
COMMENT ON COLUMN icecat.views.location IS 'URI of the view''s folder';
COMMENT ON COLUMN icecat.views.current_schema_id IS 'Id of the schema of what it returns';
COMMENT ON COLUMN icecat.views.namespace_id IS 'Id of the namespace';
COMMENT ON COLUMN icecat.views.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.views.view_id IS 'Identity in this catalog; survives renames';
COMMENT ON COLUMN icecat.views.view_uuid IS 'Iceberg''s view-uuid; survives a move to another catalog';
COMMENT ON COLUMN icecat.views.metadata_location IS 'URI of the metadata.json of this version';
COMMENT ON COLUMN icecat.views.metadata_is_queued IS 'The worker has still to write that file; false also in modes sync and none';
COMMENT ON COLUMN icecat.views.version IS 'Commit counter of this catalog: 1 after creation';
COMMENT ON COLUMN icecat.views.current_version_id IS 'Iceberg''s version-id of the version in force; see view_versions';
COMMENT ON COLUMN icecat.views.default_catalog IS 'Catalog that the names in the SQL texts mean where they say none; NULL: the one that the view is in';
COMMENT ON COLUMN icecat.views.default_namespace IS 'Namespace that the names in the SQL texts mean where they say none';
COMMENT ON COLUMN icecat.views.properties IS 'JSON object of strings; NULL: none';
COMMENT ON COLUMN icecat.views.last_updated_at IS 'Clock of the last commit';
COMMENT ON COLUMN icecat.views.created_at IS 'When the view came into this catalog';

CREATE OR REPLACE VIEW icecat.view_versions AS
SELECT t.warehouse, t.namespace, t.view_name, t.view_id, v.id::integer AS version_id,
	v.id = t.current_version_id AS is_current,
	(v.body ->> 'timestamp-ms')::bigint AS timestamp_ms,
	CASE WHEN (v.body ->> 'timestamp-ms')::bigint BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp((v.body ->> 'timestamp-ms')::bigint / 1000.0::double precision) END AS made_at,
	(v.body ->> 'schema-id')::integer AS schema_id,
	v.body -> 'summary' AS summary, v.body ->> 'default-catalog' AS default_catalog,
	ARRAY(
		SELECT l.level FROM pg_catalog.json_array_elements_text(v.body -> 'default-namespace')
			WITH ORDINALITY AS l (level, place)
		ORDER BY l.place) AS default_namespace,
	ARRAY(
		SELECT e.value ->> 'dialect' FROM pg_catalog.json_array_elements(v.body -> 'representations')
			WITH ORDINALITY AS e (value, place)
		ORDER BY e.place) AS dialects,
	s.body AS schema, (v.ordinal >> 20) AS added_in_version, v.body AS definition
FROM icecat_data.live_view AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.view_part AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.view_id = t.view_id AND x.kind = 1 /* version */ OFFSET 0) AS v
LEFT JOIN LATERAL (
	SELECT x.body FROM icecat_data.view_part AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.view_id = t.view_id AND x.kind = 0 /* schema */
		AND x.id = (v.body ->> 'schema-id')::bigint OFFSET 0) AS s ON true;
COMMENT ON VIEW icecat.view_versions IS 'Versions of each Iceberg view, as far as they are kept (version.history.num-entries)';
COMMENT ON COLUMN icecat.view_versions.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.view_versions.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.view_versions.view_name IS 'Name of the view';
COMMENT ON COLUMN icecat.view_versions.view_id IS 'Identity of the view in this catalog; survives renames';
COMMENT ON COLUMN icecat.view_versions.timestamp_ms IS 'When the client made the version, in milliseconds since 1970';
COMMENT ON COLUMN icecat.view_versions.schema_id IS 'Id of the schema of what it returns';
COMMENT ON COLUMN icecat.view_versions.default_catalog IS 'Catalog that the names in the SQL texts mean where they say none; NULL: the one that the view is in';
COMMENT ON COLUMN icecat.view_versions.default_namespace IS 'Namespace that the names in the SQL texts mean where they say none';
COMMENT ON COLUMN icecat.view_versions.version_id IS 'Iceberg''s version-id';
COMMENT ON COLUMN icecat.view_versions.is_current IS 'Is the version in force';
COMMENT ON COLUMN icecat.view_versions.made_at IS 'When the client made the version; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.view_versions.summary IS 'JSON object of strings: what made the version';
COMMENT ON COLUMN icecat.view_versions.dialects IS 'SQL dialects that it is given in; see view_representations';
COMMENT ON COLUMN icecat.view_versions.schema IS 'Schema of what it returns, as JSON, exactly as stored';
COMMENT ON COLUMN icecat.view_versions.added_in_version IS 'Commit counter of the commit that added it';
COMMENT ON COLUMN icecat.view_versions.definition IS 'The version as JSON, exactly as stored';

CREATE OR REPLACE VIEW icecat.view_representations AS
SELECT t.warehouse, t.namespace, t.view_name, t.view_id, v.id::integer AS version_id,
	v.id = t.current_version_id AS is_current, e.place::integer AS position,
	e.value ->> 'type' AS type, e.value ->> 'dialect' AS dialect, e.value ->> 'sql' AS sql
FROM icecat_data.live_view AS t
CROSS JOIN LATERAL (
	SELECT x.* FROM icecat_data.view_part AS x
	WHERE x.warehouse_id = t.warehouse_id AND x.view_id = t.view_id AND x.kind = 1 /* version */ OFFSET 0) AS v
CROSS JOIN LATERAL pg_catalog.json_array_elements(v.body -> 'representations') WITH ORDINALITY AS e (value, place);
COMMENT ON VIEW icecat.view_representations IS 'The texts of each version of each Iceberg view, a row for each SQL dialect';
COMMENT ON COLUMN icecat.view_representations.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.view_representations.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.view_representations.view_name IS 'Name of the view';
COMMENT ON COLUMN icecat.view_representations.view_id IS 'Identity of the view in this catalog; survives renames';
COMMENT ON COLUMN icecat.view_representations.version_id IS 'Version that it belongs to';
COMMENT ON COLUMN icecat.view_representations.sql IS 'The query';
COMMENT ON COLUMN icecat.view_representations.is_current IS 'Belongs to the version in force';
COMMENT ON COLUMN icecat.view_representations.position IS 'Place among the representations of its version; from 1';
COMMENT ON COLUMN icecat.view_representations.type IS 'sql';
COMMENT ON COLUMN icecat.view_representations.dialect IS 'The engine that understands the text: spark, trino …';

CREATE OR REPLACE VIEW icecat.view_history AS
SELECT t.warehouse, t.namespace, t.view_name, t.view_id, (g.body ->> 'timestamp-ms')::bigint AS timestamp_ms,
	CASE WHEN (g.body ->> 'timestamp-ms')::bigint BETWEEN -62135596800000 AND 253402300799999
		THEN pg_catalog.to_timestamp((g.body ->> 'timestamp-ms')::bigint / 1000.0::double precision) END AS made_current_at,
	g.id::integer AS version_id,
	(pg_catalog.row_number() OVER (PARTITION BY g.warehouse_id, g.view_id ORDER BY g.ordinal))::integer AS ordinal
FROM icecat_data.live_view AS t
JOIN icecat_data.view_part AS g ON g.warehouse_id = t.warehouse_id AND g.view_id = t.view_id AND g.kind = 2 /* version log */;
COMMENT ON VIEW icecat.view_history IS 'Which version of each Iceberg view was in force, and since when';
COMMENT ON COLUMN icecat.view_history.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.view_history.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.view_history.view_name IS 'Name of the view';
COMMENT ON COLUMN icecat.view_history.view_id IS 'Identity of the view in this catalog; survives renames';
COMMENT ON COLUMN icecat.view_history.timestamp_ms IS 'When it came into force, in milliseconds since 1970';
COMMENT ON COLUMN icecat.view_history.made_current_at IS 'When it came into force; NULL: no time of this calendar';
COMMENT ON COLUMN icecat.view_history.version_id IS 'Version that came into force';
COMMENT ON COLUMN icecat.view_history.ordinal IS 'Order of the log; from 1';

CREATE OR REPLACE VIEW icecat.dropped_tables WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name, r.kind, coalesce(h.table_uuid, v.view_uuid) AS uuid, r.dropped_at, r.undrop_until,
	r.purge_requested, r.relation_id AS object_id, r.namespace_id, r.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.undrop_until IS NOT NULL
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
LEFT JOIN icecat_data.view_head AS v ON v.warehouse_id = r.warehouse_id AND v.view_id = r.relation_id
WHERE r.undrop_until > pg_catalog.statement_timestamp()
	AND ((SELECT icecat._sees_all('drop')) OR w.warehouse_id IN (SELECT icecat._seen('drop')) OR r.namespace_id IN (SELECT icecat._seen('drop'))
		OR r.relation_id IN (SELECT icecat._seen('drop')));
COMMENT ON VIEW icecat.dropped_tables IS 'Tables and views that were dropped and can be undropped, as far as the role may drop them; see icecat.undrop_table()';
COMMENT ON COLUMN icecat.dropped_tables.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.dropped_tables.namespace IS 'Levels of the namespace that it was in; NULL: that is gone, too';
COMMENT ON COLUMN icecat.dropped_tables.name IS 'Name that it had; several may have had the same';
COMMENT ON COLUMN icecat.dropped_tables.kind IS 'table or view';
COMMENT ON COLUMN icecat.dropped_tables.uuid IS 'table-uuid or view-uuid, by which icecat.undrop_table() and undrop_view() know it';
COMMENT ON COLUMN icecat.dropped_tables.dropped_at IS 'When it was dropped';
COMMENT ON COLUMN icecat.dropped_tables.undrop_until IS 'Until when it can be undropped';
COMMENT ON COLUMN icecat.dropped_tables.purge_requested IS 'Its files are deleted then; false: only its rows';
COMMENT ON COLUMN icecat.dropped_tables.object_id IS 'Its id, which an undrop keeps';
COMMENT ON COLUMN icecat.dropped_tables.namespace_id IS 'Id of the namespace that it was in';
COMMENT ON COLUMN icecat.dropped_tables.warehouse_id IS 'Id of the warehouse';
