-- Views in SQL: create, load, list, exists, replace, rename, drop, register; names over tables and views; what is refused.
\set VERBOSITY terse
SELECT icecat.create_warehouse('view_test', NULL, '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('view_test', '{sales}', '{"location": "s3://lake/sales"}') ->> 'namespace' AS namespace;
SELECT icecat.create_namespace('view_test', '{other}') ->> 'namespace' AS namespace;
CREATE FUNCTION pg_temp.version(p_sql text, p_dialect text DEFAULT 'spark') RETURNS json LANGUAGE sql AS $$
	SELECT json_build_object('version-id', 1, 'timestamp-ms', 1573518431292, 'schema-id', 0, 'summary', json_build_object('engine-name', 'psql'),
		'default-catalog', 'demo', 'default-namespace', json_build_array('sales'), 'representations',
		json_build_array(json_build_object('type', 'sql', 'sql', p_sql, 'dialect', p_dialect)))
$$;
CREATE FUNCTION pg_temp.make(p_name text, p_sql text DEFAULT 'SELECT 1 AS a') RETURNS json LANGUAGE sql AS $$
	SELECT icecat.create_view('view_test', '{sales}', p_name, '{"type": "struct", "schema-id": 0, "fields": [{"id": 7, "name": "a", "required": false, "type": "int"}]}',
		pg_temp.version(p_sql))
$$;

-- A view, as REST answers it; a load answers the same.
CREATE TEMP TABLE answer AS SELECT icecat.create_view('view_test', '{sales}', 'daily',
	'{"type": "struct", "schema-id": 0, "fields": [{"id": 7, "name": "a", "required": false, "type": "int", "x-own": 1.10}]}',
	pg_temp.version('SELECT count(*) AS a FROM orders'), p_properties => '{"comment": "per day"}') AS doc;
SELECT jsonb_pretty((doc -> 'metadata')::jsonb #- '{view-uuid}' #- '{location}' #- '{version-log,0,timestamp-ms}' #- '{versions,0,timestamp-ms}') FROM answer;
SELECT doc ->> 'metadata-location' ~ '^s3://lake/sales/daily-[0-9a-f-]{36}/metadata/00000-[0-9a-f-]{36}\.metadata\.json$' AS derived,
	doc ->> 'config' AS config, doc::text LIKE '%"x-own":%1.10%' AS exact FROM answer;
SELECT icecat.load_view('view_test', '{sales}', 'daily')::text = doc::text AS same FROM answer;
SELECT icecat.view_exists('view_test', '{sales}', 'daily'), icecat.view_exists('view_test', '{sales}', 'nothing'), icecat.view_exists('view_test', '{nowhere}', 'daily');
SELECT icecat.list_views('view_test', '{sales}');
SELECT icecat.list_views('view_test', '{other}');
SELECT icecat.list_views('view_test', '{nowhere}');
-- By pages; a token of tables is not one of views.
SELECT pg_temp.make(n) IS NOT NULL AS made FROM unnest('{p1,p2,p3}'::text[]) AS n;
SELECT d -> 'identifiers' AS identifiers, icecat.list_views('view_test', '{sales}', d ->> 'next-page-token', 2) AS next FROM icecat.list_views('view_test', '{sales}', '', 3) AS d;
SELECT icecat.list_tables('view_test', '{sales}', icecat.list_views('view_test', '{sales}', '', 1) ->> 'next-page-token');
SELECT icecat.drop_view('view_test', '{sales}', n) FROM unnest('{p1,p2,p3}'::text[]) AS n;

-- A name is a table's or a view's: each is refused the other's name, and says whose it is.
SELECT icecat.create_table('view_test', '{sales}', 'orders', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT pg_temp.make('daily');
SELECT pg_temp.make('orders');
SELECT icecat.create_table('view_test', '{sales}', 'daily', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('view_test', '{sales}', 'daily', '{"type": "struct", "fields": []}', p_stage_create => true);
SELECT icecat.commit_table('view_test', '{sales}', 'daily', '[{"type": "assert-create"}]', '[
	{"action": "add-schema", "schema": {"type": "struct", "schema-id": 0, "fields": []}}, {"action": "set-current-schema", "schema-id": -1},
	{"action": "add-spec", "spec": {"spec-id": 0, "fields": []}}, {"action": "set-default-spec", "spec-id": -1},
	{"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1}]');
SELECT icecat.load_table('view_test', '{sales}', 'daily');
SELECT icecat.commit_table('view_test', '{sales}', 'daily', '[]', '[]');
SELECT icecat.drop_table('view_test', '{sales}', 'daily');
SELECT icecat.table_exists('view_test', '{sales}', 'daily');
SELECT icecat.load_view('view_test', '{sales}', 'orders');
SELECT icecat.replace_view('view_test', '{sales}', 'orders', '[]', '[]');
SELECT icecat.drop_view('view_test', '{sales}', 'orders');
SELECT icecat.view_exists('view_test', '{sales}', 'orders');
SELECT icecat.list_tables('view_test', '{sales}');
SELECT pg_temp.make('weekly') IS NOT NULL AS made;
SELECT icecat.rename_view('view_test', '{sales}', 'weekly', '{sales}', 'daily');
SELECT icecat.rename_view('view_test', '{sales}', 'weekly', '{sales}', 'orders');
SELECT icecat.rename_table('view_test', '{sales}', 'orders', '{sales}', 'weekly');
SELECT icecat.rename_view('view_test', '{sales}', 'orders', '{sales}', 'x');
SELECT icecat.rename_table('view_test', '{sales}', 'weekly', '{sales}', 'x');
SELECT icecat.rename_view('view_test', '{sales}', 'weekly', '{nowhere}', 'x');

-- What is malformed is refused.
SELECT icecat.create_view('view_test', '{nowhere}', 'v', '{"type": "struct", "fields": []}', pg_temp.version('SELECT 1'));
SELECT icecat.create_view('nowhere', '{sales}', 'v', '{"type": "struct", "fields": []}', pg_temp.version('SELECT 1'));
SELECT icecat.create_view('view_test', '{sales}', '', '{"type": "struct", "fields": []}', pg_temp.version('SELECT 1'));
SELECT icecat.create_view('view_test', '{sales}', 'v', NULL, pg_temp.version('SELECT 1'));
SELECT icecat.create_view('view_test', '{sales}', 'v', '{"type": "struct", "fields": []}', NULL);
SELECT icecat.create_view('view_test', '{other}', 'v', '{"type": "struct", "fields": []}', pg_temp.version('SELECT 1'));
SELECT icecat.load_view('view_test', '{sales}', 'nothing');
SELECT icecat.load_view('view_test', '{nowhere}', 'daily');
SELECT icecat.replace_view('view_test', '{sales}', 'nothing', '[]', '[]');
\set VERBOSITY sqlstate
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[{"type": "assert-view-uuid", "uuid": "00000000-0000-4000-8000-000000000000"}]', '[]');
SELECT icecat.load_view('view_test', '{sales}', 'nothing');
\set VERBOSITY terse
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[{"type": "assert-create"}]', '[]');
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[]', '[{"action": "remove-snapshots", "snapshot-ids": [1]}]');
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[]', NULL);
SELECT icecat.rest_replace_view('view_test', '{sales}', 'daily', '{"requirements": []}');
SELECT icecat.rest_replace_view('view_test', '{sales}', 'daily', '[]');
SELECT icecat.rest_create_view('view_test', '{sales}', '{"name": "v"}');
SELECT icecat.rest_register_view('view_test', '{sales}', '{"name": "v"}');

-- Replace: a new version, and back to an earlier one, which is that one again.
CREATE FUNCTION pg_temp.replace(p_sql text, p_dialect text DEFAULT 'spark') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', d -> 'metadata' ->> 'current-version-id', json_array_length(d -> 'metadata' -> 'versions'), json_array_length(d -> 'metadata' -> 'version-log'),
		substring(d ->> 'metadata-location' FROM '/(\d{5})-'))
	FROM icecat.replace_view('view_test', '{sales}', 'daily',
		json_build_array(json_build_object('type', 'assert-view-uuid', 'uuid', (SELECT view_uuid FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily'))),
		json_build_array(json_build_object('action', 'add-view-version', 'view-version', pg_temp.version(p_sql, p_dialect)),
			json_build_object('action', 'set-current-view-version', 'view-version-id', -1))) AS d
$$;
SELECT pg_temp.replace('SELECT 2 AS a');
SELECT pg_temp.replace('SELECT count(*) AS a FROM orders');
SELECT pg_temp.replace('SELECT 2 AS a');
-- A dialect is not lost by accident.
SELECT pg_temp.replace('SELECT 3 AS a', 'trino');
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[]', '[{"action": "set-properties", "updates": {"replace.drop-dialect.allowed": "true"}},
	{"action": "remove-properties", "removals": ["comment"]}]') -> 'metadata' ->> 'properties' AS properties;
SELECT pg_temp.replace('SELECT 3 AS a', 'trino');
-- Nothing to change: nothing changes.
SELECT version FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily';
SELECT icecat.replace_view('view_test', '{sales}', 'daily', NULL, '[]') ->> 'metadata-location' = metadata_location AS same
FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily';
SELECT version FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily';
-- Old versions go when there are too many.
SELECT icecat.replace_view('view_test', '{sales}', 'daily', '[]', '[{"action": "set-properties", "updates": {"version.history.num-entries": "2"}}]') IS NOT NULL AS done;
SELECT pg_temp.replace('SELECT 4 AS a', 'trino');
-- What is stored is what is answered.
SELECT jsonb_agg(v -> 'version-id') AS versions FROM icecat.load_view('view_test', '{sales}', 'daily') AS d, jsonb_array_elements((d -> 'metadata' -> 'versions')::jsonb) AS v;

-- The same in rows.
SELECT view_name, format_version, location ~ '^s3://lake/sales/' AS located, metadata_is_queued, version, current_version_id, current_schema_id,
	default_catalog, default_namespace, properties, last_updated_at >= created_at AS updated
FROM icecat.views WHERE warehouse = 'view_test' ORDER BY view_name;
SELECT version_id, is_current, timestamp_ms, made_at AT TIME ZONE 'UTC' AS made_at, schema_id, summary, default_catalog, default_namespace, dialects, schema ->> 'fields' AS fields, added_in_version
FROM icecat.view_versions WHERE warehouse = 'view_test' AND view_name = 'daily' ORDER BY version_id;
SELECT version_id, is_current, position, type, dialect, sql FROM icecat.view_representations WHERE warehouse = 'view_test' AND view_name = 'daily' ORDER BY version_id;
SELECT version_id, made_current_at IS NOT NULL AS timed, ordinal FROM icecat.view_history WHERE warehouse = 'view_test' AND view_name = 'daily' ORDER BY ordinal;

-- All of it takes part in the caller's transaction.
BEGIN;
SELECT pg_temp.replace('SELECT 5 AS a', 'trino');
SELECT (SELECT sql FROM icecat.view_representations WHERE warehouse = 'view_test' AND view_name = 'daily' AND is_current) AS sql;
SAVEPOINT s;
SELECT icecat.drop_view('view_test', '{sales}', 'daily');
SELECT pg_temp.make('daily', 'SELECT 6 AS a') -> 'metadata' ->> 'current-version-id' AS version;
ROLLBACK TO SAVEPOINT s;
SELECT pg_temp.replace('SELECT 7 AS a', 'trino');
ROLLBACK;
SELECT sql FROM icecat.view_representations WHERE warehouse = 'view_test' AND view_name = 'daily' AND is_current;

-- Rename, drop; a namespace with a view in it stays.
SELECT icecat.rest_rename_view('view_test', '{"source": {"namespace": ["sales"], "name": "weekly"}, "destination": {"namespace": ["other"], "name": "moved"}}');
SELECT icecat.list_views('view_test', '{other}');
SELECT icecat.drop_namespace('view_test', '{other}');
SELECT icecat.drop_view('view_test', '{other}', 'moved');
SELECT icecat.drop_view('view_test', '{other}', 'moved');
SELECT icecat.drop_namespace('view_test', '{other}');

-- Events.
SELECT number, event_type, object_kind, namespace, name, version, details ->> 'current-version-id' AS current_version, details ->> 'source-name' AS source
FROM icecat.read_events('view_test') WHERE object_kind = 'view' ORDER BY number;

-- Nothing is at odds with anything else; then, with rows spoilt by hand, it is said.
SELECT * FROM icecat.check_integrity('view_test');
BEGIN;
UPDATE icecat_data.view_part SET id = 55 WHERE kind = 0 AND view_id = (SELECT view_id FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily');
SELECT * FROM icecat.check_integrity('view_test') ORDER BY problem;
UPDATE icecat_data.view_head SET current_version_id = 99 WHERE view_id = (SELECT view_id FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily');
SELECT * FROM icecat.check_integrity('view_test') ORDER BY problem;
DELETE FROM icecat_data.view_head WHERE view_id = (SELECT view_id FROM icecat.views WHERE warehouse = 'view_test' AND view_name = 'daily');
SELECT object ~ '^[0-9a-f-]{36}$' AS id, problem FROM icecat.check_integrity('view_test') ORDER BY problem;
ROLLBACK;

-- Dropped views are forgotten in time, like tables.
SELECT icecat.drop_view('view_test', '{sales}', 'daily');
SELECT kind, count(*) FROM icecat_data.relation AS r JOIN icecat_data.warehouse AS w USING (warehouse_id) WHERE w.name = 'view_test' AND dropped_at IS NOT NULL GROUP BY kind;
SET icecat.dropped_retention_s = 0;
CREATE FUNCTION pg_temp.forgotten() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM icecat.run_worker_once();
		IF NOT EXISTS (SELECT FROM icecat_data.relation JOIN icecat_data.warehouse AS w USING (warehouse_id) WHERE w.name = 'view_test' AND kind = 'view') THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END $$;
SELECT pg_temp.forgotten();
RESET icecat.dropped_retention_s;
SELECT (SELECT count(*) FROM icecat_data.view_head JOIN icecat_data.warehouse AS w USING (warehouse_id) WHERE w.name = 'view_test') AS heads,
	(SELECT count(*) FROM icecat_data.view_part JOIN icecat_data.warehouse AS w USING (warehouse_id) WHERE w.name = 'view_test') AS parts;

-- With an idempotency key each change happens once; a repeat shows the view as it is now, whatever its name.
CREATE FUNCTION pg_temp.key(n integer) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('icecat.idempotency_key', CASE WHEN n = 0 THEN '' ELSE '017F22E2-79B0-7CC3-98C4-' || lpad(n::text, 12, '0') END, false) $$;
SELECT pg_temp.key(1) \gset
SELECT pg_temp.make('once') -> 'metadata' ->> 'view-uuid' AS uuid \gset
SELECT pg_temp.make('once') -> 'metadata' ->> 'view-uuid' = :'uuid' AS same;
SELECT pg_temp.make('once', 'SELECT 2 AS a');
SELECT pg_temp.key(2) \gset
SELECT icecat.replace_view('view_test', '{sales}', 'once', '[]', '[{"action": "set-properties", "updates": {"n": "1"}}]') -> 'metadata' ->> 'properties' AS properties;
SELECT icecat.replace_view('view_test', '{sales}', 'once', '[]', '[{"action": "set-properties", "updates": {"n": "1"}}]') -> 'metadata' ->> 'properties' AS properties;
SELECT pg_temp.key(3) \gset
SELECT icecat.rename_view('view_test', '{sales}', 'once', '{sales}', 'twice');
SELECT icecat.rename_view('view_test', '{sales}', 'once', '{sales}', 'twice');
SELECT pg_temp.key(1) \gset
SELECT pg_temp.make('once') -> 'metadata' ->> 'properties' AS properties;
SELECT pg_temp.key(4) \gset
SELECT icecat.drop_view('view_test', '{sales}', 'twice');
SELECT icecat.drop_view('view_test', '{sales}', 'twice');
SELECT pg_temp.key(0) \gset
SELECT event_type, name, version FROM icecat.read_events('view_test') WHERE name IN ('once', 'twice') ORDER BY number;
-- A rename to the name that it has does nothing.
SELECT pg_temp.make('same') IS NOT NULL AS made;
SELECT icecat.rename_view('view_test', '{sales}', 'same', '{sales}', 'same');
SELECT event_type FROM icecat.read_events('view_test') WHERE name = 'same' ORDER BY number;
