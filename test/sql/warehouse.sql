-- Warehouses: made, changed, listed, dropped.
SELECT icecat.create_warehouse('rw_a', 's3://bucket/a//');
SELECT icecat.create_warehouse('rw_b', NULL, '{"icecat.metadata-write-mode": "sync", "k": "v"}');
SELECT icecat.create_warehouse(p_name => 'rw_ü / "c"', p_location => '/srv/lake/', p_properties => NULL);
SELECT icecat.create_warehouse('rw_a', 's3://other');
\echo :SQLSTATE
SELECT * FROM icecat.list_warehouses() AS name WHERE name LIKE 'rw\_%';
SELECT warehouse, location, properties FROM icecat.warehouses WHERE warehouse LIKE 'rw\_%' ORDER BY warehouse COLLATE "C";
SELECT icecat.load_warehouse('rw_b');
SELECT icecat.load_warehouse('rw_none');
\echo :SQLSTATE

-- What is refused.
SELECT icecat.create_warehouse(NULL, 's3://b/x');
SELECT icecat.create_warehouse('', 's3://b/x');
SELECT icecat.create_warehouse(repeat('x', 256), 's3://b/x');
\echo :SQLSTATE
SELECT icecat.create_warehouse(repeat('x', 255), 's3://b/x') ->> 'location' AS longest_name;
SELECT icecat.create_warehouse('rw_x', 'relative/path');
SELECT icecat.create_warehouse('rw_x', '');
SELECT icecat.create_warehouse('rw_x', '///');
SELECT icecat.create_warehouse('rw_x', 'file:///');
SELECT icecat.create_warehouse('rw_x', E's3://b/x\ny');
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '{"k": 1}');
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '["k"]');
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '{"k": "1", "k": "2"}');
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '{"icecat.metadata-write-mode": "never"}');
SET icecat.properties_max = 2;
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '{"a": "", "b": "", "c": ""}');
\echo :SQLSTATE
SELECT icecat.create_warehouse('rw_x', 's3://b/x', '{"a": "", "b": ""}');
RESET icecat.properties_max;
SELECT icecat.drop_warehouse('rw_x');
SELECT icecat.drop_warehouse(repeat('x', 255));

-- Changes: what is not given stays.
SELECT icecat.alter_warehouse('rw_b', p_location => 'file:///srv/b/');
SELECT icecat.alter_warehouse('rw_b', p_updates => '{"n": "1", "k": "w"}', p_removals => '{icecat.metadata-write-mode,absent}');
SELECT icecat.alter_warehouse('rw_b', p_updates => '{"icecat.metadata-write-mode": "later"}');
SELECT icecat.alter_warehouse('rw_b', p_updates => '{"k": "1"}', p_removals => '{k}');
\echo :SQLSTATE
SELECT icecat.alter_warehouse('rw_b', p_removals => '{k,NULL}');
SELECT icecat.alter_warehouse('rw_b', p_location => '');
SELECT icecat.alter_warehouse('rw_b', p_new_name => 'rw_a');
SELECT icecat.alter_warehouse('rw_b', p_new_name => 'rw_b2');
SELECT icecat.alter_warehouse('rw_b', p_location => '/x');
SELECT icecat.alter_warehouse('rw_b2', p_new_name => 'rw_b2');

-- A warehouse that holds a namespace stays.
SELECT icecat.create_namespace('rw_a', '{n}');
SELECT icecat.drop_warehouse('rw_a');
\echo :SQLSTATE
SELECT icecat.drop_namespace('rw_a', '{n}');
SELECT icecat.drop_warehouse('rw_a');
SELECT icecat.drop_warehouse('rw_a');
\echo :SQLSTATE
SELECT icecat.drop_warehouse('rw_b2'), icecat.drop_warehouse('rw_ü / "c"');
SELECT count(*) FROM icecat.list_warehouses() AS name WHERE name LIKE 'rw\_%';
