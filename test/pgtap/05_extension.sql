-- The extension as a package: what belongs to it, what pg_dump takes along.
BEGIN;
SELECT plan(8);

SELECT has_extension('icecat');

SELECT is((SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'icecat'),
	(SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'icecat'),
	'the newest version is installed');

SELECT ok((SELECT bool_and(trusted) FROM pg_catalog.pg_available_extension_versions WHERE name = 'icecat'),
	'a database owner may install it: trusted');

SELECT ok((SELECT bool_and(requires IS NULL) FROM pg_catalog.pg_available_extension_versions WHERE name = 'icecat'),
	'it requires no other extension');

SELECT is_empty($$
	SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace IN ('icecat'::regnamespace, 'icecat_data'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
		AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_depend AS d
			WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc AS p
	WHERE p.pronamespace = 'icecat'::regnamespace AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_depend AS d
			WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
$$, 'everything in its schemas belongs to the extension');

SELECT is_empty($$
	SELECT c.oid::regclass FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace = 'icecat_data'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
		AND c.relname <> 'signing_key' -- a copy signs with keys of its own
		AND NOT c.oid = ANY ((SELECT extconfig FROM pg_catalog.pg_extension WHERE extname = 'icecat')::oid[])
$$, 'pg_dump takes the rows of every table along');

SELECT is_empty($$
	SELECT x.cond FROM pg_catalog.pg_extension AS e, LATERAL unnest(e.extcondition) AS x (cond)
	WHERE e.extname = 'icecat' AND x.cond <> '' AND x.cond NOT LIKE 'UNION ALL%'
		AND x.cond NOT LIKE 'WHERE %pg_roles%' -- privileges and tenants of roles that are gone
		AND x.cond NOT LIKE 'WHERE EXISTS%pg_proc%' -- policies whose functions are gone
		AND x.cond NOT LIKE 'WHERE EXISTS (%pg_roles%' -- and who would log in as one
$$, 'and all of them');

SELECT is_empty($$
	SELECT name FROM pg_catalog.pg_settings
	WHERE name LIKE 'icecat.%' AND length(coalesce(short_desc, '')) < 15
$$, 'every setting has a description');

SELECT * FROM finish();
ROLLBACK;
