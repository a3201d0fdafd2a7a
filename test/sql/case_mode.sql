-- Case mode of a warehouse: names found whatever their case, kept as they were spelled, unique by their keys.
\set VERBOSITY terse
-- The key: a character for a character, by Unicode and no locale.
SELECT name, icecat.case_key(name) AS key FROM unnest(ARRAY['Orders', 'ÄÖÜß', 'ΣΊΣΥΦΟΣ', 'σίσυφος', 'ПРИВЕТ', 'ǅ', 'ẞ', 'Ⅻ', 'İI', 'K', 'Ⓐ', '𐐀', '日本', 'Ꭰ', 'ꭰ', '', NULL]) AS name;
SELECT count(*) AS folded, count(*) FILTER (WHERE icecat.case_key(icecat.case_key(c)) <> icecat.case_key(c)) AS not_stable
FROM (SELECT chr(i) AS c FROM generate_series(1, 131071) AS i WHERE i NOT BETWEEN 55296 AND 57343) AS all_characters
WHERE icecat.case_key(c) <> c;

SELECT icecat.create_warehouse('case_test', 's3://lake/case', '{"icecat.case-mode": "Insensitive"}');
SELECT icecat.create_warehouse('case_test', 's3://lake/case', '{"icecat.case-mode": "insensitive", "icecat.metadata-write-mode": "none"}') ->> 'name' AS made;
SELECT icecat.create_namespace('case_test', '{Sales}', '{"owner": "Ann"}');
SELECT icecat.create_namespace('case_test', '{SALES}');
-- Below a namespace in another spelling: the path is spelled as its parts are.
SELECT icecat.create_namespace('case_test', '{sALES,Größe}');
SELECT icecat.create_namespace('case_test', '{SALES,GRÖßE}');
SELECT icecat.load_namespace('case_test', '{sales,GRÖßE}'), icecat.namespace_exists('case_test', '{SALES}') AS "exists", icecat.namespace_exists('case_test', '{sale}') AS none;
SELECT icecat.list_namespaces('case_test'), icecat.list_namespaces('case_test', '{sales}');
SELECT icecat.update_namespace_properties('case_test', '{sALes}', '{"a": "b"}'), icecat.load_namespace('case_test', '{Sales}');

SELECT icecat.create_table('case_test', '{sales}', 'Orders', '{"type": "struct", "fields": [{"id": 1, "name": "Id", "type": "long", "required": false}]}') -> 'metadata' ->> 'location' ~ '^s3://lake/case/Sales/Orders-' AS spelled;
SELECT icecat.create_table('case_test', '{SALES}', 'ORDERS', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('case_test', '{SALES}', 'ORDERS', '{"type": "struct", "fields": []}', p_stage_create => true);
SELECT count(DISTINCT icecat.load_table('case_test', ARRAY[n], t)::text) AS tables
FROM unnest('{Sales,sales,SALES}'::text[]) AS n, unnest('{Orders,orders,ORDERS}'::text[]) AS t;
SELECT icecat.table_exists('case_test', '{SALES}', 'oRDERS'), icecat.table_exists('case_test', '{sales}', 'order');
SELECT icecat.list_tables('case_test', '{SALES}');
SELECT icecat.commit_table('case_test', '{sales}', 'ORDERS', '[]', '[{"action": "set-properties", "updates": {"a": "b"}}]') -> 'metadata' -> 'properties' ->> 'a' AS committed;
SELECT icecat.commit_table('case_test', '{sales}', 'ORDERS', '[{"type": "assert-create"}]', '[]');
SELECT icecat.commit_transaction('case_test', '[{"identifier": {"namespace": ["SALES"], "name": "orders"}, "requirements": [], "updates": [{"action": "set-properties", "updates": {"c": "d"}}]},
	{"identifier": {"namespace": ["sales"], "name": "ORDERS"}, "requirements": [], "updates": []}]');

-- A rename may change nothing but the case; it may not meet another name that differs by case.
SELECT icecat.rename_table('case_test', '{sales}', 'orders', '{SALES}', 'ORDERS');
SELECT icecat.list_tables('case_test', '{Sales}');
SELECT icecat.create_table('case_test', '{sales}', 'Other', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT icecat.rename_table('case_test', '{sales}', 'other', '{sales}', 'orders');
SELECT icecat.rename_table('case_test', '{SALES}', 'OTHER', '{SALES,größe}', 'Moved');
SELECT icecat.list_tables('case_test', '{sales,GRÖßE}');
-- Views of Iceberg likewise, in one space of names with tables.
SELECT icecat.create_view('case_test', '{sales}', 'Recent', '{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "x", "required": false, "type": "long"}]}',
	'{"version-id": 1, "timestamp-ms": 1700000000000, "schema-id": 0, "summary": {}, "default-namespace": ["sales"],
	"representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}') -> 'metadata' ->> 'location' ~ '^s3://lake/case/Sales/Recent-' AS spelled;
SELECT icecat.create_table('case_test', '{sales}', 'RECENT', '{"type": "struct", "fields": []}');
SELECT icecat.view_exists('case_test', '{SALES}', 'recent'), icecat.load_view('case_test', '{SALES}', 'RECENT') -> 'metadata' ->> 'format-version' AS loaded;
SELECT icecat.rename_view('case_test', '{SALES}', 'recent', '{sales}', 'RECENT');
SELECT icecat.list_views('case_test', '{sales}');
SELECT icecat.drop_view('case_test', '{SALES}', 'Recent');
-- The views show the spelling of names; events too, whoever wrote what.
SELECT namespace, table_name FROM icecat.tables WHERE warehouse = 'case_test' ORDER BY namespace, table_name;
SELECT event_type, namespace, name FROM icecat.read_events('case_test') WHERE event_type NOT LIKE '%warehouse' ORDER BY number;

-- A name that was dropped is free in every spelling.
SELECT icecat.drop_table('case_test', '{sales}', 'orders');
SELECT icecat.create_table('case_test', '{sales}', 'oRDErs', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT icecat.drop_namespace('case_test', '{SALES}');
SELECT icecat.drop_table('case_test', '{sales,größe}', 'MOVED');
SELECT icecat.drop_namespace('case_test', '{SALES,GRÖßE}');
SELECT * FROM icecat.check_integrity('case_test');

-- From one mode to the other, as far as the names allow it.
SELECT icecat.alter_warehouse('case_test', p_updates => '{"icecat.case-mode": "sensitive"}') -> 'properties' ->> 'icecat.case-mode' AS mode;
SELECT icecat.table_exists('case_test', '{sales}', 'oRDErs') AS other_case, icecat.table_exists('case_test', '{Sales}', 'oRDErs') AS same_case;
SELECT * FROM icecat.check_integrity('case_test');
SELECT icecat.create_table('case_test', '{Sales}', 'Orders', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SELECT icecat.alter_warehouse('case_test', p_updates => '{"icecat.case-mode": "insensitive"}');
SELECT icecat.create_namespace('case_test', '{SALES}') IS NOT NULL AS made;
SELECT icecat.alter_warehouse('case_test', p_updates => '{"icecat.case-mode": "insensitive"}');
SELECT icecat.drop_namespace('case_test', '{SALES}');
SELECT icecat.drop_table('case_test', '{Sales}', 'Orders');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT icecat.alter_warehouse('case_test', p_updates => '{"icecat.case-mode": "insensitive"}');
ROLLBACK;
SELECT icecat.alter_warehouse('case_test', p_updates => '{"icecat.case-mode": "insensitive"}') -> 'properties' ->> 'icecat.case-mode' AS mode;
SELECT icecat.table_exists('case_test', '{sales}', 'ORDERS');
SELECT * FROM icecat.check_integrity('case_test');
SELECT icecat.alter_warehouse('case_test', p_removals => '{icecat.case-mode}') -> 'properties' ->> 'icecat.case-mode' AS mode;
SELECT icecat.table_exists('case_test', '{sales}', 'ORDERS');
