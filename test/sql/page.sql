-- Pages of lists: 10,000 names without a token, exact pages with one, stable while names come and go, by index alone.
\set VERBOSITY terse
SELECT icecat.create_warehouse('page_test', 's3://lake/page') IS NOT NULL AS made;
SELECT icecat.create_warehouse('page_other', 's3://lake/other') IS NOT NULL AS made;
SELECT icecat.create_namespace('page_test', '{many}') IS NOT NULL AS made;
SELECT icecat.create_namespace('page_test', '{few}') IS NOT NULL AS made;
SELECT icecat.create_namespace('page_other', '{many}') IS NOT NULL AS made;

-- Names alone are enough for lists. In byte order Z comes before a, whatever the database's locale says.
CREATE FUNCTION pg_temp.add(p_warehouse text, p_namespace text, p_names text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, created_at)
	SELECT n.warehouse_id, gen_random_uuid(), n.namespace_id, u.name, 'table', now()
	FROM icecat_data.namespace AS n JOIN icecat_data.warehouse AS w USING (warehouse_id), unnest(p_names) AS u (name)
	WHERE w.name = p_warehouse AND n.levels = ARRAY[p_namespace] $$;
CREATE FUNCTION pg_temp.remove(p_name text) RETURNS void LANGUAGE sql AS $$
	UPDATE icecat_data.relation SET dropped_at = now() WHERE name = p_name AND dropped_at IS NULL $$;

BEGIN;
SELECT pg_temp.add('page_test', 'few', '{b,a,Z,é,aa,_,"x y",日本}');
SELECT pg_temp.add('page_test', 'many', (SELECT array_agg('t' || i) FROM generate_series(1, 10250) AS i));
SELECT pg_temp.add('page_other', 'many', '{t1,t2,t3}');

-- Without a token: everything, a page size or not.
SELECT json_array_length(a -> 'identifiers') AS tables, a ->> 'next-page-token' AS token, a::text LIKE '%"next-page-token":null}' AS is_null
FROM icecat.list_tables('page_test', '{many}') AS a;
SELECT json_array_length(icecat.list_tables('page_test', '{many}', NULL, 3) -> 'identifiers') AS tables;
SELECT icecat.list_tables('page_test', '{few}');

-- With one: pages.
CREATE FUNCTION pg_temp.pages(p_size integer, OUT pages integer, OUT shortest integer, OUT longest integer, OUT names text[])
LANGUAGE plpgsql AS $$
DECLARE
	v_token text := '';
	v_page json;
BEGIN
	pages := 0;
	WHILE v_token IS NOT NULL LOOP
		v_page := icecat.list_tables('page_test', '{many}', v_token, p_size);
		v_token := v_page ->> 'next-page-token';
		pages := pages + 1;
		shortest := least(shortest, json_array_length(v_page -> 'identifiers'));
		longest := greatest(longest, json_array_length(v_page -> 'identifiers'));
		names := names || ARRAY(SELECT i ->> 'name' FROM json_array_elements(v_page -> 'identifiers') AS i);
	END LOOP;
END $$;
SET LOCAL icecat.page_size_max = 20000;
SELECT pages, shortest, longest, cardinality(names) AS names,
	names = ARRAY(SELECT i ->> 'name' FROM json_array_elements(icecat.list_tables('page_test', '{many}') -> 'identifiers') AS i) AS same
FROM unnest('{1000,5125,10249,10250,10251,NULL}'::integer[]) AS size, pg_temp.pages(size);
RESET icecat.page_size_max;
SELECT json_array_length(icecat.list_tables('page_test', '{many}', '', 20000) -> 'identifiers') AS at_most;
SET LOCAL icecat.page_size_default = 7;
SET LOCAL icecat.page_size_max = 20;
SELECT json_array_length(icecat.list_tables('page_test', '{many}', '') -> 'identifiers') AS by_default,
	json_array_length(icecat.list_tables('page_test', '{many}', '', 21) -> 'identifiers') AS at_most;
RESET icecat.page_size_default;
RESET icecat.page_size_max;

-- What comes and goes between two pages disturbs nothing that stays. The page size may change.
SELECT icecat.list_tables('page_test', '{few}', '', 2) ->> 'next-page-token' AS token \gset
SELECT pg_temp.remove('_'), pg_temp.add('page_test', 'few', '{A,"a a"}');
SELECT icecat.list_tables('page_test', '{few}', :'token', 3) -> 'identifiers' AS identifiers;
SELECT icecat.list_tables('page_test', '{few}', :'token', 100);
-- A token is good again and again, also when the name in it is gone; nothing behind it is an empty page.
SELECT pg_temp.remove('日本'), pg_temp.remove('é');
SELECT icecat.list_tables('page_test', '{few}', icecat.list_tables('page_test', '{few}', '', 6) ->> 'next-page-token');
SELECT icecat.list_tables('page_test', '{few}', '', 6) ->> 'next-page-token' AS token \gset
SELECT pg_temp.remove('x y');
SELECT icecat.list_tables('page_test', '{few}', :'token', 6);

-- Namespaces, at the top and below one.
SELECT count(icecat.create_namespace('page_test', ARRAY['few', 'n' || i])) AS made FROM generate_series(1, 25) AS i;
SELECT icecat.list_namespaces('page_test', NULL, '', 1) ->> 'next-page-token' AS top \gset
SELECT icecat.list_namespaces('page_test', '{}', :'top', 1);
SELECT icecat.list_namespaces('page_test', '{few}', '', 24) ->> 'next-page-token' AS below \gset
SELECT icecat.list_namespaces('page_test', '{few}', :'below');
SELECT icecat.list_namespaces('page_test', '{few}', '', 25) ->> 'next-page-token' AS at_the_end;

-- A token is good only where it was made, and only whole.
SAVEPOINT s;
SELECT icecat.list_tables('page_test', '{many}', '', 10) ->> 'next-page-token' AS token \gset
SELECT icecat.list_tables('page_test', '{few}', :'token');
ROLLBACK TO s;
SELECT icecat.list_tables('page_other', '{many}', :'token');
ROLLBACK TO s;
SELECT icecat.list_namespaces('page_test', '{many}', :'token');
ROLLBACK TO s;
SELECT icecat.list_namespaces('page_test', '{few}', :'top');
ROLLBACK TO s;
CREATE FUNCTION pg_temp.refused(p_token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM icecat.list_tables('page_test', '{many}', p_token);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT DISTINCT pg_temp.refused(t) AS changed, count(*) > 20 AS many FROM (
	SELECT overlay(:'token' PLACING CASE substr(:'token', i, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM i FOR 1)
	FROM generate_series(1, length(:'token')) AS i
	UNION ALL SELECT left(:'token', i) FROM generate_series(1, length(:'token') - 1) AS i
	UNION ALL SELECT :'token' || tail FROM unnest('{A,=,AA,AAAA," ","%"}'::text[]) AS tail
	UNION ALL SELECT unnest('{x,0,1000,é,"null",AAAA}'::text[])) AS tampered (t) GROUP BY 1;
SELECT pg_temp.refused(:'token') AS whole;

-- Page sizes that are none.
SELECT icecat.list_tables('page_test', '{few}', '', 0);
ROLLBACK TO s;
SELECT icecat.list_tables('page_test', '{few}', NULL, -1);
ROLLBACK TO s;
SELECT icecat.list_namespaces('page_test', NULL, '', 0);
ROLLBACK;
-- The secret is the warehouse's, and goes with it.
SELECT count(*), count(DISTINCT secret), min(length(secret)) FROM icecat_data.warehouse_secret JOIN icecat_data.warehouse USING (warehouse_id)
WHERE name LIKE 'page_%';
SELECT icecat.drop_namespace('page_other', '{many}');
SELECT icecat.drop_warehouse('page_other');
SELECT count(*) FROM icecat_data.warehouse_secret LEFT JOIN icecat_data.warehouse USING (warehouse_id) WHERE name IS NULL AND purpose <> 'catalog';
