-- Comments and names: what docs are printed from and what errors show.
BEGIN;
SELECT plan(10);

-- Columns that say by their name what they hold: keys, Iceberg's own scalars, the parts' frame that
-- docs/reference/data-model.md explains once.
CREATE TEMP TABLE obvious (name text);
INSERT INTO obvious VALUES
	('warehouse_id'), ('namespace_id'), ('relation_id'), ('table_id'), ('name'), ('kind'), ('created_at'),
	('ordinal'), ('removed_version'), ('body'),
	('schema_id'), ('spec_id'), ('order_id'), ('snapshot_id'), ('key_id'), ('metadata_file'),
	('format_version'), ('table_uuid'), ('location'), ('last_sequence_number'), ('last_updated_ms'),
	('last_column_id'), ('current_schema_id'), ('default_spec_id'), ('last_partition_id'),
	('default_sort_order_id'),
	('last_error'), ('received_at'), ('report');

CREATE TEMP VIEW icecat_relation AS
	SELECT c.oid, c.oid::regclass AS name, c.relname, c.relkind, c.relnamespace::regnamespace::text AS schema
	FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace IN ('icecat'::regnamespace, 'icecat_data'::regnamespace)
		AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;

SELECT is_empty($$
	SELECT nspname FROM pg_catalog.pg_namespace
	WHERE nspname IN ('icecat', 'icecat_data') AND pg_catalog.obj_description(oid, 'pg_namespace') IS NULL
$$, 'the schemas have comments');

SELECT is_empty($$
	SELECT name FROM icecat_relation WHERE pg_catalog.obj_description(oid, 'pg_class') IS NULL
$$, 'every table and view has a comment');

SELECT is_empty($$
	SELECT r.name, a.attname FROM icecat_relation AS r
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.schema = 'icecat_data' AND r.relkind <> 'v' AND pg_catalog.col_description(r.oid, a.attnum) IS NULL
		AND a.attname NOT IN (SELECT name FROM obvious)
		AND r.relname NOT IN ('metrics_report_restored', 'audit_pending', 'audit_restored')
		AND NOT (r.relname IN ('event_pending', 'event_restored') AND pg_catalog.col_description('icecat_data.event'::regclass, (
			SELECT e.attnum FROM pg_catalog.pg_attribute AS e
			WHERE e.attrelid = 'icecat_data.event'::regclass AND e.attname = a.attname)) IS NOT NULL)
$$, 'every column of a table that is not obvious has a comment');

SELECT is_empty($$
	SELECT r.name, a.attname FROM icecat_relation AS r
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.schema = 'icecat' AND length(coalesce(pg_catalog.col_description(r.oid, a.attnum), '')) < 2
$$, 'every column of a view has a comment');

SELECT is_empty($$
	SELECT r.name, a.attname, pg_catalog.col_description(r.oid, a.attnum) FROM icecat_relation AS r
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.schema = 'icecat' AND (a.attname ~ '_ms$' AND pg_catalog.col_description(r.oid, a.attnum) !~* 'milliseconds'
		OR a.attname ~ '_bytes$' AND pg_catalog.col_description(r.oid, a.attnum) !~* 'bytes')
$$, 'which says the unit, where there is one');

SELECT is_empty($$
	SELECT p.polname FROM pg_catalog.pg_policy AS p JOIN icecat_relation AS r ON r.oid = p.polrelid
	WHERE pg_catalog.obj_description(p.oid, 'pg_policy') IS NULL
$$, 'every policy has a comment');

SELECT is_empty($$
	SELECT name FROM icecat_relation
	WHERE schema = 'icecat_data' AND relkind <> 'v' AND relname ~ '[^su]s$' AND relname !~ '(statistics|status)$'
$$, 'tables are named in the singular');

SELECT is_empty($$
	SELECT c.conname, r.name FROM pg_catalog.pg_constraint AS c
	JOIN icecat_relation AS r ON r.oid = c.conrelid
	WHERE c.contype = 'p' AND c.conname <> r.relname || '_pkey'
		OR c.contype = 'u' AND c.conname NOT LIKE r.relname || '\_%\_key'
$$, 'keys are named after their table');

SELECT is_empty($$
	SELECT c.conname, r.name FROM pg_catalog.pg_constraint AS c
	JOIN icecat_relation AS r ON r.oid = c.conrelid
	WHERE c.contype = 'c' AND c.conname ~ '_check\d*$'
$$, 'checks are named by hand, for their rule');

SELECT is_empty($$
	SELECT c.relname FROM pg_catalog.pg_class AS c
	JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
	JOIN icecat_relation AS r ON r.oid = i.indrelid
	WHERE c.relname !~ ('^' || r.relname || '_([a-z0-9_]+_)?' || CASE
		WHEN i.indisprimary THEN 'pkey' WHEN i.indisunique THEN 'key' ELSE 'idx' END || '$')
$$, 'indexes are named after their table: _pkey, _key, _idx');

SELECT * FROM finish();
ROLLBACK;
