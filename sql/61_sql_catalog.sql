-- The tables of a SQL catalog, in the shape that Java's JdbcCatalog (schema V1) and PyIceberg's SqlCatalog expect, as
-- views over this catalog that can be read and written. A client finds them by its search_path. Behaviour only:
-- re-run whole by every upgrade.
--
-- Namespaces with a dot in a level cannot be named there: these catalogs join the levels with dots.

-- STABLE, although it may write a file: the file is a copy of what the query's snapshot holds, no row changes, and a
-- volatile function would be called for each table that a query merely passes by.
CREATE OR REPLACE FUNCTION icecat._metadata_file(p_warehouse_id uuid, p_table_id uuid) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'sql_ice_metadata_file';
COMMENT ON FUNCTION icecat._metadata_file(uuid, uuid) IS
'The metadata location of a table or view, after its file was written if the worker has not done so yet, or the warehouse''s mode is none. For icecat.iceberg_tables, whose readers open the file; a role that may read that view may call it, and gets NULL for a table that it may not load. A failure is a warning.';

CREATE OR REPLACE VIEW icecat.iceberg_tables WITH (security_barrier) AS
SELECT w.name::pg_catalog.varchar AS catalog_name,
	pg_catalog.array_to_string(n.levels, '.')::pg_catalog.varchar AS table_namespace,
	r.name::pg_catalog.varchar AS table_name,
	(CASE WHEN NOT coalesce(h.file_expected, v.file_expected) OR EXISTS (
			SELECT FROM icecat_data.metadata_task AS q
			WHERE q.warehouse_id = r.warehouse_id AND q.table_id = r.relation_id
				AND q.version = coalesce(h.version, v.version) AND q.kind = 'write')
		THEN icecat._metadata_file(r.warehouse_id, r.relation_id)
		ELSE coalesce(h.metadata_location, v.metadata_location) END)::pg_catalog.varchar AS metadata_location,
	(
		SELECT g.metadata_file FROM icecat_data.table_metadata_log AS g
		WHERE g.warehouse_id = h.warehouse_id AND g.table_id = h.table_id AND g.removed_version IS NULL
		ORDER BY g.ordinal DESC LIMIT 1
	)::pg_catalog.varchar AS previous_metadata_location,
	CASE r.kind WHEN 'table' THEN 'TABLE' ELSE 'VIEW' END::pg_catalog.varchar AS iceberg_type
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n
	ON n.warehouse_id = w.warehouse_id AND pg_catalog.strpos(pg_catalog.array_to_string(n.levels, ''), '.') = 0
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id AND r.dropped_at IS NULL
LEFT JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
LEFT JOIN icecat_data.view_head AS v ON v.warehouse_id = r.warehouse_id AND v.view_id = r.relation_id
WHERE coalesce(h.table_id, v.view_id) IS NOT NULL AND ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.relation_id IN (SELECT icecat._seen('select')))
	-- Clients of a SQL catalog know no restrictions.
	AND r.relation_id NOT IN (SELECT icecat._restricted(true));
COMMENT ON VIEW icecat.iceberg_tables IS 'For clients of a SQL catalog (JdbcCatalog, SqlCatalog): its table of tables and views. INSERT registers a metadata file, UPDATE of metadata_location is a commit (0 rows: another came first), UPDATE of the name a rename, DELETE a drop that leaves all files. See docs/use/migrate-from-sql-catalog.md';
COMMENT ON COLUMN icecat.iceberg_tables.table_name IS 'Name of the table or view';
COMMENT ON COLUMN icecat.iceberg_tables.catalog_name IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.iceberg_tables.table_namespace IS 'Levels of the namespace with dots between them; namespaces that have a dot in a level are not shown. INSERT makes one that is missing';
COMMENT ON COLUMN icecat.iceberg_tables.metadata_location IS 'The current metadata file; reading the column writes it first where that is still to be done';
COMMENT ON COLUMN icecat.iceberg_tables.previous_metadata_location IS 'The last entry of a table''s metadata log; what is written here is ignored';
COMMENT ON COLUMN icecat.iceberg_tables.iceberg_type IS 'TABLE or VIEW; NULL is taken for TABLE';

CREATE OR REPLACE VIEW icecat.iceberg_namespace_properties WITH (security_barrier) AS
SELECT w.name::pg_catalog.varchar AS catalog_name,
	pg_catalog.array_to_string(n.levels, '.')::pg_catalog.varchar AS namespace,
	p.key::pg_catalog.varchar AS property_key, p.value::pg_catalog.varchar AS property_value
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n
	ON n.warehouse_id = w.warehouse_id AND pg_catalog.strpos(pg_catalog.array_to_string(n.levels, ''), '.') = 0
CROSS JOIN LATERAL (
	SELECT 'exists' AS key, coalesce(n.properties ->> 'exists', 'true') AS value
	UNION ALL
	SELECT e.key, e.value FROM pg_catalog.json_each_text(n.properties) AS e WHERE e.key <> 'exists'
) AS p
WHERE (SELECT icecat._sees_all('usage')) OR w.warehouse_id IN (SELECT icecat._seen('usage'))
	OR n.namespace_id IN (SELECT icecat._seen('usage'));
COMMENT ON VIEW icecat.iceberg_namespace_properties IS 'For clients of a SQL catalog (JdbcCatalog, SqlCatalog): its table of namespaces, one row for each property, and exists = true for each namespace. INSERT makes namespaces and properties, UPDATE sets a value, DELETE removes a property, of the row exists the namespace';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.property_key IS 'Key of the property';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.property_value IS 'Value of the property';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.catalog_name IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.namespace IS 'Levels with dots between them; namespaces that have a dot in a level are not shown';

CREATE OR REPLACE FUNCTION icecat._iceberg_tables_write() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_iceberg_tables_write';
COMMENT ON FUNCTION icecat._iceberg_tables_write() IS 'What writing to icecat.iceberg_tables does.';

CREATE OR REPLACE TRIGGER iceberg_tables_write INSTEAD OF INSERT OR UPDATE OR DELETE ON icecat.iceberg_tables
FOR EACH ROW EXECUTE FUNCTION icecat._iceberg_tables_write();

CREATE OR REPLACE FUNCTION icecat._iceberg_namespace_properties_write() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_iceberg_namespace_properties_write';
COMMENT ON FUNCTION icecat._iceberg_namespace_properties_write() IS 'What writing to icecat.iceberg_namespace_properties does.';

CREATE OR REPLACE TRIGGER iceberg_namespace_properties_write INSTEAD OF INSERT OR UPDATE OR DELETE ON icecat.iceberg_namespace_properties
FOR EACH ROW EXECUTE FUNCTION icecat._iceberg_namespace_properties_write();

CREATE OR REPLACE FUNCTION icecat.commit_metadata_file(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_metadata_location text,
	p_previous_metadata_location text DEFAULT NULL
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_commit_metadata_file';
COMMENT ON FUNCTION icecat.commit_metadata_file(text, text[], text, text, text) IS
'Commits a metadata file of a table or view that a client has written: the document becomes its next version, if it may follow the present one (same uuid; no number lower; snapshots, schemas and specs unchanged or new) and, of a table, its metadata log leads to the present file. Only what differs is stored. False: the table''s file is not p_previous_metadata_location any more, and nothing was done. REST: none.
p_metadata_location: URI of the new file. p_previous_metadata_location: the file that it was made from; NULL: any that is in its metadata log (of a view: whatever is there).
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table (404), IC104 no such file (404), IC203 made from an older state (409, retry), IC301 or IC302 a document that cannot follow (400), IC306 location outside icecat.file_roots (400), IC501 storage (500), 55P03 lock timeout (409).';

-- Java's JdbcCatalog looks for the column in every schema, and would take a catalog of its own for one that has it.
DO $icecat$
DECLARE
	v_table regclass;
BEGIN
	FOR v_table IN
		SELECT c.oid FROM pg_catalog.pg_class AS c
		WHERE c.relname = 'iceberg_tables' AND c.relkind IN ('r', 'p') AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'iceberg_type' AND NOT a.attisdropped)
	LOOP
		RAISE WARNING USING
			MESSAGE = pg_catalog.format('Java clients of the SQL catalog in %s will expect its column iceberg_type from now on', v_table),
			HINT = pg_catalog.format('ALTER TABLE %s ADD COLUMN iceberg_type varchar(5)', v_table);
	END LOOP;
END
$icecat$;

-- Runs with its caller's rights: it must not read a table for somebody who may not, and what it calls asks for the
-- right to be called.
CREATE OR REPLACE FUNCTION icecat.import_sql_catalog(
	p_warehouse text,
	p_tables regclass,
	p_namespace_properties regclass DEFAULT NULL,
	p_catalog_name text DEFAULT NULL,
	p_on_conflict text DEFAULT 'skip',
	p_dry_run boolean DEFAULT false
) RETURNS TABLE (kind text, namespace text[], name text, status text, error text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
AS $icecat$
DECLARE
	v_catalog text := coalesce(p_catalog_name, p_warehouse);
	v_update boolean := p_on_conflict = 'update';
	v_type text := CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
		WHERE a.attrelid = p_tables AND a.attname = 'iceberg_type' AND NOT a.attisdropped) THEN 'iceberg_type::text' ELSE 'NULL::text' END;
	v_results json[] := '{}';
	v_row record;
	v_levels text[];
	v_status text;
	v_error text;
	v_properties text;
BEGIN
	IF p_on_conflict IS NULL OR p_on_conflict NOT IN ('skip', 'update') THEN
		RAISE EXCEPTION USING ERRCODE = 'IC301', MESSAGE = pg_catalog.format('Invalid p_on_conflict: %s', p_on_conflict), DETAIL = 'Expected skip or update.';
	END IF;
	v_properties := CASE WHEN p_namespace_properties IS NULL THEN 'SELECT NULL::text, NULL::text, NULL::text WHERE false'
		ELSE pg_catalog.format('SELECT namespace::text, property_key::text, property_value::text FROM %s WHERE catalog_name = $1', p_namespace_properties) END;
	BEGIN
		FOR v_row IN EXECUTE pg_catalog.format('SELECT n.namespace,
				coalesce(pg_catalog.json_object_agg(p.key, p.value ORDER BY p.key) FILTER (WHERE p.key <> ''exists''), ''{}'') AS properties
			FROM (SELECT DISTINCT table_namespace::text FROM %s WHERE catalog_name = $1
				UNION SELECT q.namespace FROM (%s) AS q (namespace, key, value)) AS n (namespace)
			LEFT JOIN (%s) AS p (namespace, key, value) ON p.namespace = n.namespace
			GROUP BY n.namespace ORDER BY n.namespace COLLATE "C"', p_tables, v_properties, v_properties) USING v_catalog
		LOOP
			v_error := NULL;
			v_levels := pg_catalog.string_to_array(v_row.namespace, '.');
			BEGIN
				IF icecat.namespace_exists(p_warehouse, v_levels) THEN
					v_status := 'exists';
					IF v_update AND v_row.properties::text <> '{}' THEN
						PERFORM icecat.update_namespace_properties(p_warehouse, v_levels, v_row.properties);
						v_status := 'updated';
					END IF;
				ELSE
					FOR v_depth IN 1 .. pg_catalog.cardinality(v_levels) - 1 LOOP
						IF NOT icecat.namespace_exists(p_warehouse, v_levels[1:v_depth]) THEN
							PERFORM icecat.create_namespace(p_warehouse, v_levels[1:v_depth]);
						END IF;
					END LOOP;
					PERFORM icecat.create_namespace(p_warehouse, v_levels, v_row.properties);
					v_status := 'created';
				END IF;
			EXCEPTION WHEN OTHERS THEN
				v_status := 'failed';
				v_error := SQLERRM;
			END;
			v_results := v_results || pg_catalog.json_build_object('kind', 'namespace', 'namespace', v_levels, 'status', v_status, 'error', v_error);
		END LOOP;

		FOR v_row IN EXECUTE pg_catalog.format('SELECT table_namespace::text AS namespace, table_name::text AS name,
				metadata_location::text AS location, coalesce(pg_catalog.lower(%s), ''table'') AS type
			FROM %s WHERE catalog_name = $1 ORDER BY table_namespace::text COLLATE "C", table_name::text COLLATE "C"', v_type, p_tables) USING v_catalog
		LOOP
			v_error := NULL;
			v_levels := pg_catalog.string_to_array(v_row.namespace, '.');
			BEGIN
				IF v_row.type = 'view' THEN
					IF NOT icecat.view_exists(p_warehouse, v_levels, v_row.name) THEN
						PERFORM icecat.register_view(p_warehouse, v_levels, v_row.name, v_row.location);
						v_status := 'registered';
					ELSIF NOT v_update OR icecat.load_view(p_warehouse, v_levels, v_row.name) ->> 'metadata-location' = v_row.location THEN
						v_status := 'exists';
					ELSE
						PERFORM icecat.commit_metadata_file(p_warehouse, v_levels, v_row.name, v_row.location);
						v_status := 'updated';
					END IF;
				ELSIF v_row.type <> 'table' THEN
					RAISE EXCEPTION USING ERRCODE = 'IC304', MESSAGE = pg_catalog.format('Rows of iceberg_type %s cannot be imported', pg_catalog.upper(v_row.type));
				ELSIF NOT icecat.table_exists(p_warehouse, v_levels, v_row.name) THEN
					PERFORM icecat.register_table(p_warehouse, v_levels, v_row.name, v_row.location);
					v_status := 'registered';
				ELSIF NOT v_update OR icecat.load_table(p_warehouse, v_levels, v_row.name) ->> 'metadata-location' = v_row.location THEN
					v_status := 'exists';
				ELSE
					PERFORM icecat.commit_metadata_file(p_warehouse, v_levels, v_row.name, v_row.location);
					v_status := 'updated';
				END IF;
			EXCEPTION WHEN OTHERS THEN
				v_status := 'failed';
				v_error := SQLERRM;
			END;
			v_results := v_results || pg_catalog.json_build_object('kind', v_row.type, 'namespace', v_levels, 'name', v_row.name, 'status', v_status, 'error', v_error);
		END LOOP;

		IF p_dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'IC000', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'IC000' THEN
		NULL;
	END;
	RETURN QUERY SELECT r.value ->> 'kind', ARRAY(SELECT pg_catalog.json_array_elements_text(r.value -> 'namespace')), r.value ->> 'name', r.value ->> 'status', r.value ->> 'error'
	FROM pg_catalog.unnest(v_results) WITH ORDINALITY AS r (value, place) ORDER BY r.place;
END
$icecat$;
COMMENT ON FUNCTION icecat.import_sql_catalog(text, regclass, regclass, text, text, boolean) IS
'Takes over the namespaces, tables and views of a SQL catalog (Java''s JdbcCatalog, PyIceberg''s SqlCatalog) in this database: makes the namespaces with their properties, registers each table and view by its metadata file. Returns one row for each object: status created, registered, exists, updated, or failed with the error; one that fails does not stop the others. Runs with the caller''s rights: to read the two tables, and to execute create_namespace, register_table and the like. REST: none.
p_warehouse: the warehouse to fill. p_tables: the catalog''s iceberg_tables, with or without column iceberg_type. p_namespace_properties: its iceberg_namespace_properties; NULL: namespaces of the tables only. p_catalog_name: the rows to take; NULL: those of the warehouse''s name.
p_on_conflict: what is there already: skip leaves it; update commits a metadata file that comes from the present one (a table that has changed here since fails; a view''s is taken as it is), and sets the properties. p_dry_run: true does everything, reports the outcome and rolls it back; folders that it makes for tables stay.
Errors: IC301 unknown p_on_conflict (400), 42501 no right to read or to call (403); those of one object are in its row.';
