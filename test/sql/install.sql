-- A database owner who is no superuser installs and owns the catalog; others get what they are granted and no more.
\set home :DBNAME
CREATE ROLE regress_icecat_owner;
CREATE ROLE regress_icecat_user;
\set SHOW_CONTEXT never
-- Only in UTF8.
CREATE DATABASE regress_icecat_install OWNER regress_icecat_owner TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c regress_icecat_install
CREATE EXTENSION icecat;
\c :home
DROP DATABASE regress_icecat_install;

CREATE DATABASE regress_icecat_install OWNER regress_icecat_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\c regress_icecat_install
SET client_min_messages = warning;

-- A schema that somebody planted is not taken over.
SET SESSION AUTHORIZATION regress_icecat_owner;
CREATE SCHEMA icecat;
CREATE EXTENSION icecat;
DROP SCHEMA icecat;

-- No schema public is needed.
DROP SCHEMA public;
CREATE EXTENSION icecat;
CREATE SCHEMA public;

-- Everything belongs to the owner of the extension, nothing to the superuser who ran the script.
SELECT classid::regclass AS of_another, count(*)
FROM pg_depend AS d
LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
LEFT JOIN pg_namespace AS n ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'icecat')
	AND coalesce(c.relowner, p.proowner, t.typowner, n.nspowner) IS DISTINCT FROM 'regress_icecat_owner'::regrole
GROUP BY 1;

-- The rows of every table are saved by pg_dump, except what tokens are signed with.
SELECT c.relname AS not_saved FROM pg_class AS c
WHERE c.relnamespace = 'icecat_data'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
	AND c.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'icecat');

SELECT icecat.create_warehouse('w', 's3://bucket/w');
SELECT icecat.create_namespace('w', '{a}');

-- Nothing for others, until it is granted.
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_user;
SELECT icecat.list_namespaces('w');
\echo :SQLSTATE
SELECT * FROM icecat.namespaces;
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_owner;
GRANT USAGE ON SCHEMA icecat TO regress_icecat_user;
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_user;
SELECT icecat.list_namespaces('w');
\echo :SQLSTATE
SELECT * FROM icecat.namespaces;
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO regress_icecat_user;
GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO regress_icecat_user;
GRANT USAGE, CREATE ON SCHEMA public TO regress_icecat_user;
SELECT icecat.grant('regress_icecat_user', 'manage');
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_user;
SELECT icecat.create_namespace('w', '{a,b}');
SELECT icecat.list_namespaces('w', '{a}');
SELECT namespace FROM icecat.namespaces ORDER BY depth;
SELECT count(*) FROM icecat.columns;
SELECT count(*) FROM icecat_data.namespace;
\echo :SQLSTATE

-- A caller's search_path and objects never come into what runs as the owner.
CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE FUNCTION public.cardinality(text[]) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
SET search_path = public, pg_catalog;
SELECT icecat.list_namespaces('w', '{a}');
SELECT icecat.load_namespace('w', '{a,b}');
SELECT icecat.drop_namespace('w', '{a,b}');
SELECT namespace FROM icecat.namespaces WHERE depth = 1;
RESET search_path;

-- All of it goes with the extension.
SET SESSION AUTHORIZATION DEFAULT;
SET SESSION AUTHORIZATION regress_icecat_owner;
DROP EXTENSION icecat;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'icecat%';
SET SESSION AUTHORIZATION DEFAULT;
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_icecat_install WITH (FORCE);
DROP ROLE regress_icecat_owner, regress_icecat_user;
