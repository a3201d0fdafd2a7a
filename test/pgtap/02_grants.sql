-- Who may do what by default: nobody but the owner of the extension.
BEGIN;
SELECT plan(12);

CREATE ROLE icecat_pgtap_stranger NOLOGIN;

CREATE TEMP VIEW icecat_relation AS
	SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relowner, c.relacl, c.relnamespace
	FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace IN ('icecat'::regnamespace, 'icecat_data'::regnamespace)
		AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S');
CREATE TEMP VIEW icecat_function AS
	SELECT p.* FROM pg_catalog.pg_proc AS p
	WHERE p.pronamespace IN ('icecat'::regnamespace, 'icecat_data'::regnamespace);

-- What all may execute who get into the schema, and why.
CREATE TEMP TABLE for_all (function regprocedure, why text);
INSERT INTO for_all VALUES
	('icecat._metadata_file(uuid,uuid)', 'called by the view iceberg_tables with its reader''s rights'),
	('icecat._ancestors(bigint,bigint[],bigint[])', 'called by the view history; sees its arguments only'),
	('icecat._is_among(bigint[],bigint)', 'called by the view history; sees its arguments only'),
	('icecat._schema_fields(json)', 'called by the view columns; sees its argument only'),
	('icecat._sees_all(text)', 'called by the views with their reader''s rights; tells a role about itself only'),
	('icecat._seen(text)', 'as _sees_all'),
	('icecat._seen_above()', 'as _sees_all'),
	('icecat._restricted(boolean)', 'as _sees_all'), ('icecat._sees_event(uuid,text,uuid,timestamp with time zone,text[])', 'as _sees_all'), ('icecat._own_roles()', 'as _sees_all'), ('icecat._own_tenant()', 'as _sees_all'),
	('icecat._guards_estimates()', 'sees nothing');

SELECT is_empty($$
	SELECT x.privilege_type FROM pg_catalog.pg_namespace AS n,
		LATERAL pg_catalog.aclexplode(n.nspacl) AS x
	WHERE n.nspname = 'icecat_data' AND x.grantee = 0
$$, 'PUBLIC has no right on schema icecat_data');

SELECT is_empty($$
	SELECT x.privilege_type FROM pg_catalog.pg_namespace AS n,
		LATERAL pg_catalog.aclexplode(n.nspacl) AS x
	WHERE n.nspname = 'icecat' AND x.grantee = 0 AND x.privilege_type <> 'USAGE'
$$, 'PUBLIC can make nothing in schema icecat');

SELECT is_empty($$
	SELECT r.name, x.privilege_type FROM icecat_relation AS r,
		LATERAL pg_catalog.aclexplode(r.relacl) AS x
	WHERE x.grantee = 0
$$, 'PUBLIC has no right on a table or view');

SELECT is_empty($$
	SELECT r.name, a.attname FROM icecat_relation AS r
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid,
		LATERAL pg_catalog.aclexplode(a.attacl) AS x
	WHERE x.grantee = 0
$$, 'PUBLIC has no right on a column');

SELECT is_empty($$
	SELECT p.oid::regprocedure FROM icecat_function AS p,
		LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS x
	WHERE x.grantee = 0 AND p.oid NOT IN (SELECT function FROM for_all)
$$, 'PUBLIC may execute no function');

SELECT is_empty($$
	SELECT name FROM icecat_relation
	WHERE relkind IN ('r', 'p') AND (has_table_privilege('icecat_pgtap_stranger', oid, 'SELECT')
		OR has_table_privilege('icecat_pgtap_stranger', oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
$$, 'a stranger reaches no table');

SELECT is_empty($$
	SELECT oid::regprocedure FROM icecat_function
	WHERE has_function_privilege('icecat_pgtap_stranger', oid, 'EXECUTE') AND oid NOT IN (SELECT function FROM for_all)
$$, 'a stranger may execute no function');

SELECT ok(NOT has_schema_privilege('icecat_pgtap_stranger', 'icecat_data', 'USAGE'),
	'a stranger cannot look into icecat_data');

-- What a trusted extension makes belongs to the bootstrap superuser unless the script hands it over. Definer
-- functions of a superuser would be the superuser's rights for whoever may execute them.
CREATE TEMP VIEW extension_owner AS SELECT extowner FROM pg_catalog.pg_extension WHERE extname = 'icecat';

SELECT is_empty($$
	SELECT name, relowner::regrole FROM icecat_relation WHERE relowner <> (SELECT extowner FROM extension_owner)
$$, 'tables and views belong to the owner of the extension');

SELECT is_empty($$
	SELECT oid::regprocedure, proowner::regrole FROM icecat_function
	WHERE proowner <> (SELECT extowner FROM extension_owner)
$$, 'functions belong to the owner of the extension');

SELECT is_empty($$
	SELECT nspname, nspowner::regrole FROM pg_catalog.pg_namespace
	WHERE nspname IN ('icecat', 'icecat_data') AND nspowner <> (SELECT extowner FROM extension_owner)
$$, 'the schemas belong to the owner of the extension');

SELECT is_empty($$
	SELECT p.oid::regprocedure FROM icecat_function AS p
	WHERE p.prosecdef AND p.pronamespace = 'icecat_data'::regnamespace
$$, 'definer functions stand in schema icecat only');

SELECT * FROM finish();
ROLLBACK;
