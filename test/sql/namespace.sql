-- Namespaces by hand and by REST body.
SELECT icecat.create_warehouse('rn', 's3://bucket/rn') ->> 'name' AS made;
SELECT icecat.create_namespace('rn', '{a}');
SELECT icecat.create_namespace('rn', '{a,b}', '{"location" : "s3://bucket/x",  "caf\u00e9":"1", "empty":""}');
SELECT icecat.create_namespace('rn', '{a}');
\echo :SQLSTATE
SELECT icecat.create_namespace('rn', '{none,b}');
\echo :SQLSTATE
SELECT icecat.create_namespace('rn_none', '{a}');
\echo :SQLSTATE
SELECT icecat.load_namespace('rn', '{a,b}');
SELECT icecat.load_namespace('rn', '{b}');
SELECT icecat.namespace_exists('rn', '{a,b}') AS nested, icecat.namespace_exists('rn', '{b}') AS absent;
SELECT icecat.namespace_exists('rn_none', '{a}');

-- A level may hold anything but nothing; levels are levels, not text between dots.
SELECT icecat.create_namespace('rn', ARRAY[n]) FROM unnest(ARRAY['a.b', 'a/b', 'a b', '%2F', '"', E'\x1e', 'é', '...', E'\n']) AS n;
SELECT icecat.namespace_exists('rn', '{a.b}') AS one_level, icecat.load_namespace('rn', ARRAY[E'\x1e']);
SELECT icecat.create_namespace('rn', '[0:1]={a,z}'::text[]);
SELECT icecat.list_namespaces('rn');
SELECT icecat.list_namespaces('rn', '{a}') AS below_a, icecat.list_namespaces('rn', '{a,b}') AS below_a_b,
	icecat.list_namespaces('rn', '{}')::text = icecat.list_namespaces('rn')::text AS empty_is_top;
SELECT icecat.list_namespaces('rn', '{none}');

-- What is refused.
SELECT icecat.create_namespace('rn', NULL);
SELECT icecat.create_namespace(NULL, '{a}');
SELECT icecat.create_namespace('rn', '{}');
SELECT icecat.create_namespace('rn', '{a,""}');
SELECT icecat.create_namespace('rn', '{a,NULL}');
SELECT icecat.create_namespace('rn', '{{a,b},{c,d}}');
SELECT icecat.create_namespace('rn', ARRAY[repeat('x', 256)]);
\echo :SQLSTATE
SELECT length(icecat.create_namespace('rn', ARRAY[repeat('x', 255)]) ->> 'namespace') AS longest_level;
SET icecat.namespace_depth_max = 2;
SELECT icecat.create_namespace('rn', '{a,b,c}');
\echo :SQLSTATE
SELECT icecat.create_namespace('rn', '{a,c}');
RESET icecat.namespace_depth_max;
SELECT icecat.create_namespace('rn', '{p}', '{"k": null}');
SELECT icecat.create_namespace('rn', '{p}', '{"k": {"x": "y"}}');
SELECT icecat.create_namespace('rn', '{p}', '{"k": "1", "k": "1"}');
SELECT icecat.create_namespace('rn', '{p}', '"k"');
SET icecat.properties_max = 2;
SELECT icecat.create_namespace('rn', '{p}', '{"a": "1", "b": "2", "c": "3"}');
SELECT icecat.create_namespace('rn', '{p}', '{"a": "1", "b": "2"}');

-- Properties: set, removed, missing.
SELECT icecat.update_namespace_properties('rn', '{p}', '{"c": "3"}');
\echo :SQLSTATE
SELECT icecat.update_namespace_properties('rn', '{p}', '{"c": "3"}', '{a}');
RESET icecat.properties_max;
SELECT icecat.update_namespace_properties('rn', '{p}', '{"b": "two", "d": "4"}', '{c,c,nope}');
SELECT icecat.load_namespace('rn', '{p}');
SELECT icecat.update_namespace_properties('rn', '{p}');
SELECT icecat.update_namespace_properties('rn', '{p}', '{}', '{nope}');
SELECT icecat.update_namespace_properties('rn', '{p}', '{"x": "1", "y": "2", "z": "3"}', '{y,x,b}');
\echo :SQLSTATE
SELECT icecat.update_namespace_properties('rn', '{none}', '{"x": "1"}');
SELECT icecat.update_namespace_properties('rn', '{p}', '{"x": 1}');
SELECT icecat.load_namespace('rn', '{p}');

-- The REST bodies.
SELECT icecat.rest_create_namespace('rn', '{"namespace": ["r"], "properties": {"k": "v"}, "unknown": 1}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": ["r", "s"]}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": ["r", "t"], "properties": null}');
SELECT icecat.rest_create_namespace('rn', '{"properties": {}}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": "r"}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": [1]}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": []}');
SELECT icecat.rest_create_namespace('rn', '{"namespace": ["a\u0000b"]}');
SELECT icecat.rest_create_namespace('rn', '[]');
SELECT icecat.rest_create_namespace('rn', NULL);
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{"removals": ["k", "nope"], "updates": {"k2": "v2"}}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{"removals": ["k2"], "updates": {"k2": "v2"}}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{"removals": "k2"}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{"removals": [null]}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '{"updates": []}');
SELECT icecat.rest_update_namespace_properties('rn', '{r}', '7');
SELECT icecat.load_namespace('rn', '{r}');

-- Dropping.
SELECT icecat.drop_namespace('rn', '{r}');
\echo :SQLSTATE
SELECT icecat.drop_namespace('rn', '{r,s}'), icecat.drop_namespace('rn', '{r,t}'), icecat.drop_namespace('rn', '{r}');
SELECT icecat.drop_namespace('rn', '{r}');
\echo :SQLSTATE

-- It takes part in the caller's transaction, savepoints too.
BEGIN;
SELECT icecat.create_namespace('rn', '{tx}');
SAVEPOINT s;
SELECT icecat.create_namespace('rn', '{tx,one}');
SELECT icecat.update_namespace_properties('rn', '{tx}', '{"k": "1"}');
ROLLBACK TO SAVEPOINT s;
SELECT icecat.load_namespace('rn', '{tx}'), icecat.list_namespaces('rn', '{tx}');
ROLLBACK;
SELECT icecat.namespace_exists('rn', '{tx}');

-- An event for each change, none for what changed nothing or failed.
SELECT event_type, object_kind, namespace, name, details
FROM (
	SELECT warehouse_id, event_type, object_kind, namespace, name, details::text FROM icecat_data.event_pending
	UNION ALL
	SELECT warehouse_id, event_type, object_kind, namespace, name, details::text FROM icecat_data.event
) AS e JOIN icecat.warehouses AS w USING (warehouse_id)
WHERE w.warehouse = 'rn' AND (e.namespace IS NULL OR e.namespace[1] IN ('p', 'r', 'tx'))
ORDER BY event_type COLLATE "C", namespace COLLATE "C", details COLLATE "C";

SELECT warehouse, namespace, parent, depth, properties FROM icecat.namespaces
WHERE warehouse = 'rn' AND namespace[1] IN ('a', 'p') ORDER BY namespace COLLATE "C";
DO $$
BEGIN
	PERFORM icecat.drop_namespace('rn', namespace)
	FROM (SELECT namespace FROM icecat.namespaces WHERE warehouse = 'rn' ORDER BY depth DESC) AS n;
END
$$;
SELECT icecat.drop_warehouse('rn');
