-- The tables of a SQL catalog, in the shape that Java's JdbcCatalog (schema V1) and PyIceberg's SqlCatalog expect, as
-- views over this catalog that can be read and written. A client finds them by its search_path. Behaviour only:
-- re-run whole by every upgrade.
--
-- Namespaces with a dot in a level cannot be named there: these catalogs join the levels with dots.

-- STABLE, although it may write a file: the file is a copy of what the query's snapshot holds, no row changes, and a
-- volatile function would be called for each table that a query merely passes by.
CREATE OR REPLACE FUNCTION icecat._metadata_file(p_warehouse_id uuid, p_table_id uuid) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE SECURITY DEFINER COST 10000 SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_metadata_file';
COMMENT ON FUNCTION icecat._metadata_file(uuid, uuid) IS
'The metadata location of a table, after its file was written if the worker has not done so yet, or the warehouse''s mode is none. For icecat.iceberg_tables, whose readers open the file; whoever may read that view may call it. A failure is a warning.';

CREATE OR REPLACE VIEW icecat.iceberg_tables AS
SELECT w.name::pg_catalog.varchar AS catalog_name,
	pg_catalog.array_to_string(n.levels, '.')::pg_catalog.varchar AS table_namespace,
	r.name::pg_catalog.varchar AS table_name,
	(CASE WHEN NOT h.file_expected OR EXISTS (
			SELECT FROM icecat_data.metadata_task AS q
			WHERE q.warehouse_id = h.warehouse_id AND q.table_id = h.table_id AND q.version = h.version AND q.kind = 'write')
		THEN icecat._metadata_file(h.warehouse_id, h.table_id)
		ELSE h.metadata_location END)::pg_catalog.varchar AS metadata_location,
	(
		SELECT g.metadata_file FROM icecat_data.table_metadata_log AS g
		WHERE g.warehouse_id = h.warehouse_id AND g.table_id = h.table_id AND g.removed_version IS NULL
		ORDER BY g.ordinal DESC LIMIT 1
	)::pg_catalog.varchar AS previous_metadata_location,
	'TABLE'::pg_catalog.varchar AS iceberg_type
FROM icecat_data.warehouse AS w
JOIN icecat_data.namespace AS n
	ON n.warehouse_id = w.warehouse_id AND pg_catalog.strpos(pg_catalog.array_to_string(n.levels, ''), '.') = 0
JOIN icecat_data.relation AS r
	ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id
	AND r.kind = 'table' AND r.dropped_at IS NULL
JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id;
COMMENT ON VIEW icecat.iceberg_tables IS 'For clients of a SQL catalog (JdbcCatalog, SqlCatalog): its table of tables. INSERT registers a metadata file, UPDATE of metadata_location is a commit (0 rows: another came first), UPDATE of the name a rename, DELETE a drop that leaves all files. See docs/migrate-from-sql-catalog.md';
COMMENT ON COLUMN icecat.iceberg_tables.catalog_name IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.iceberg_tables.table_namespace IS 'Levels of the namespace with dots between them; namespaces that have a dot in a level are not shown. INSERT makes one that is missing';
COMMENT ON COLUMN icecat.iceberg_tables.metadata_location IS 'The current metadata file; reading the column writes it first where that is still to be done';
COMMENT ON COLUMN icecat.iceberg_tables.previous_metadata_location IS 'The last entry of the metadata log; what is written here is ignored';
COMMENT ON COLUMN icecat.iceberg_tables.iceberg_type IS 'TABLE; NULL is taken for it';

CREATE OR REPLACE VIEW icecat.iceberg_namespace_properties AS
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
) AS p;
COMMENT ON VIEW icecat.iceberg_namespace_properties IS 'For clients of a SQL catalog (JdbcCatalog, SqlCatalog): its table of namespaces, a row a property, and exists = true for each namespace. INSERT makes namespaces and properties, UPDATE sets a value, DELETE removes a property, of the row exists the namespace';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.catalog_name IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.iceberg_namespace_properties.namespace IS 'Levels with dots between them; namespaces that have a dot in a level are not shown';

CREATE OR REPLACE FUNCTION icecat._iceberg_tables_write() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_iceberg_tables_write';
COMMENT ON FUNCTION icecat._iceberg_tables_write() IS 'What writing to icecat.iceberg_tables does.';

CREATE OR REPLACE TRIGGER iceberg_tables_write INSTEAD OF INSERT OR UPDATE OR DELETE ON icecat.iceberg_tables
FOR EACH ROW EXECUTE FUNCTION icecat._iceberg_tables_write();

CREATE OR REPLACE FUNCTION icecat._iceberg_namespace_properties_write() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
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
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
AS 'MODULE_PATHNAME', 'sql_ice_commit_metadata_file';
COMMENT ON FUNCTION icecat.commit_metadata_file(text, text[], text, text, text) IS
'Commits a metadata file that a client has written: the document becomes the table''s next version, if it may follow the present one (same uuid; no number lower; snapshots, schemas and specs unchanged or new) and its metadata log leads to the present file. Only what differs is stored. False: the table''s file is not p_previous_metadata_location any more, and nothing was done. REST: none.
p_metadata_location: URI of the new file. p_previous_metadata_location: the file that it was made from; NULL: any that is in its metadata log.
Errors: IC101 no such warehouse (404), IC103 no such table (404), IC104 no such file (404), IC203 made from an older state (409, retry), IC301 or IC302 a document that cannot follow (400), IC306 location outside icecat.file_roots (400), IC501 storage (500), 55P03 lock timeout (409).';
