-- Tables in SQL: create, stage, load, list, exists, rename, drop, and what is refused.
\set VERBOSITY terse
SELECT icecat.create_warehouse('table_test', NULL, '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('table_test', '{sales}', '{"location": "s3://lake/sales"}') ->> 'namespace' AS namespace;
SELECT icecat.create_namespace('table_test', '{other}') ->> 'namespace' AS namespace;

-- Fresh ids: the client's are replaced, references follow.
CREATE TEMP TABLE answer AS SELECT icecat.create_table('table_test', '{sales}', 'orders',
	p_schema => '{"type": "struct", "fields": [
		{"id": 7, "name": "id", "required": true, "type": "long", "x-own": 1.10},
		{"id": 9, "name": "day", "required": false, "type": "date"},
		{"id": 3, "name": "items", "required": false, "type": {"type": "list", "element-id": 4, "element-required": true, "element": "string"}}]}',
	p_partition_spec => '{"spec-id": 0, "fields": [{"name": "day", "source-id": 9, "field-id": 1000, "transform": "identity"}]}',
	p_properties => '{"owner": "ann"}') AS doc;
SELECT jsonb_pretty((doc -> 'metadata')::jsonb #- '{table-uuid}' #- '{location}' #- '{last-updated-ms}') FROM answer;
SELECT doc ->> 'metadata-location' ~ '^s3://lake/sales/orders-[0-9a-f-]{36}/metadata/00000-[0-9a-f-]{36}\.metadata\.json$' AS derived,
	doc ->> 'config' AS config FROM answer;
-- What a field carried beyond the specification is still there, as it was spelled.
SELECT doc::text LIKE '%"x-own":1.10%' AS exact FROM answer;
-- A load answers what the creation answered.
SELECT (icecat.load_table('table_test', '{sales}', 'orders') -> 'metadata')::text = (doc -> 'metadata')::text AS same FROM answer;

-- The name is taken; other names are not there.
SELECT icecat.create_table('table_test', '{sales}', 'orders', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('table_test', '{nowhere}', 'orders', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('nowhere', '{sales}', 'orders', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('table_test', '{sales}', '', '{"type": "struct", "fields": []}');
SELECT icecat.create_table('table_test', '{sales}', NULL, '{"type": "struct", "fields": []}');
SELECT icecat.create_table('table_test', '{sales}', 'broken', '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": true, "type": "fluid"}]}');
SELECT icecat.load_table('table_test', '{sales}', 'nothing');
SELECT icecat.load_table('table_test', '{nowhere}', 'orders');

-- Without a location there is nothing to derive from.
SELECT icecat.create_table('table_test', '{other}', 't', '{"type": "struct", "fields": []}');
-- A location as asked, without its trailing slash.
SELECT icecat.create_table('table_test', '{other}', 'placed', '{"type": "struct", "fields": []}', p_location => 's3://lake/placed/') -> 'metadata' ->> 'location' AS location;
-- Names that a path could not hold give locations that it can.
SELECT icecat.create_namespace('table_test', ARRAY['other', '../ü %']) IS NOT NULL AS made;
SELECT icecat.update_namespace_properties('table_test', ARRAY['other', '../ü %'], '{"location": "s3://lake/x"}') ->> 'updated' AS updated;
SELECT regexp_replace(icecat.create_table('table_test', ARRAY['other', '../ü %'], '...', '{"type": "struct", "fields": []}') -> 'metadata' ->> 'location', '-[0-9a-f-]{36}$', '-UUID') AS location;

-- Staged: nothing is stored.
SELECT doc ->> 'metadata-location' AS metadata_location, doc -> 'metadata' ->> 'last-column-id' AS last_column_id
FROM icecat.create_table('table_test', '{sales}', 'staged', '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": true, "type": "int"}]}', p_stage_create => true) AS doc;
SELECT icecat.table_exists('table_test', '{sales}', 'staged'), icecat.table_exists('table_test', '{sales}', 'orders');
SELECT icecat.create_table('table_test', '{sales}', 'orders', '{"type": "struct", "fields": []}', p_stage_create => true);

SELECT icecat.list_tables('table_test', '{sales}');
SELECT icecat.list_tables('table_test', '{nowhere}');

-- Rename: within and across namespaces; never over another table.
SELECT icecat.rename_table('table_test', '{sales}', 'orders', '{other}', 'orders2');
SELECT icecat.rename_table('table_test', '{sales}', 'orders', '{other}', 'orders3');
SELECT icecat.rename_table('table_test', '{other}', 'orders2', '{other}', 'placed');
SELECT icecat.rename_table('table_test', '{other}', 'orders2', '{nowhere}', 'orders2');
-- To the name that it has: nothing happens, and no event tells of it. What is not there is not found all the same.
SELECT icecat.rename_table('table_test', '{other}', 'orders2', '{other}', 'orders2');
SELECT icecat.rename_table('table_test', '{other}', 'none', '{other}', 'none');
SELECT count(*) AS renames FROM icecat.read_events('table_test') WHERE event_type = 'rename-table';
SELECT icecat.list_tables('table_test', '{other}');

-- Drop frees the name and leaves no way to the old metadata.
SELECT icecat.drop_namespace('table_test', '{other}');
SELECT icecat.drop_table('table_test', '{other}', 'orders2');
SELECT icecat.drop_table('table_test', '{other}', 'orders2');
SELECT icecat.table_exists('table_test', '{other}', 'orders2');
SELECT icecat.create_table('table_test', '{other}', 'orders2', '{"type": "struct", "fields": []}', p_location => 's3://lake/again') -> 'metadata' ->> 'table-uuid' <> doc -> 'metadata' ->> 'table-uuid' AS new_table FROM answer;

-- All of it takes part in the caller's transaction.
BEGIN;
SELECT icecat.drop_table('table_test', '{other}', 'orders2');
SAVEPOINT s;
SELECT icecat.create_table('table_test', '{other}', 'orders2', '{"type": "struct", "fields": []}', p_location => 's3://lake/third') IS NOT NULL AS made;
ROLLBACK TO SAVEPOINT s;
SELECT icecat.table_exists('table_test', '{other}', 'orders2');
ROLLBACK;
SELECT icecat.table_exists('table_test', '{other}', 'orders2');
