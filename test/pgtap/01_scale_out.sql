-- The scale-out rules of day one: what lets one database become many without a change of the tables.
BEGIN;
SELECT plan(15);

CREATE TEMP VIEW data_table AS
	SELECT c.oid, c.relname, c.relkind, c.relispartition
	FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace = 'icecat_data'::regnamespace AND c.relkind IN ('r', 'p');

-- Functions that no warehouse comes first in, and why.
CREATE TEMP TABLE without_warehouse (name text, why text);
INSERT INTO without_warehouse VALUES
	('create_warehouse', 'its first argument is the name of the warehouse to make'),
	('alter_warehouse', 'p_name is the warehouse'),
	('drop_warehouse', 'p_name is the warehouse'),
	('load_warehouse', 'p_name is the warehouse'),
	('list_warehouses', 'reads the directory of warehouses'),
	('sign_any_request', 'its client does not know the warehouse: the file says it'),
	('start_worker', 'one worker serves a database'),
	('run_worker_once', 'one worker serves a database'),
	('trim_idempotency', 'keys of all warehouses expire alike'),
	('worker_status', 'one worker serves a database'), ('storage_status', 'as worker_status'), ('health', 'as worker_status'),
	('adopt_tasks', 'one worker serves a database'),
	('adopt_storage', 'one worker serves a database'),
	('trim_events', 'drops whole months, of all warehouses'),
	('trim_metrics_reports', 'drops whole months, of all warehouses'), ('trim_audit', 'as trim_events'),
	('version', 'of the library'),
	('grant_reader', 'rights on the whole catalog'), ('grant_writer', 'as grant_reader'), ('grant_admin', 'as grant_reader'),
	('revoke_reader', 'as grant_reader'), ('revoke_writer', 'as grant_reader'), ('revoke_admin', 'as grant_reader'),
	('grant_gateway', 'as grant_reader'), ('revoke_gateway', 'as grant_reader'), ('regrant', 'as grant_reader'),
	('map_principal', 'a principal is the same in all warehouses'), ('unmap_principal', 'as map_principal'),
	('explain_principal', 'as map_principal'),
	('create_client', 'a client is the same in all warehouses'), ('rotate_client_secret', 'as create_client'), ('alter_client', 'as create_client'),
	('drop_client', 'as create_client'), ('create_api_key', 'as create_client'), ('rotate_api_key', 'as create_client'),
	('revoke_api_key', 'as create_client'), ('rotate_signing_key', 'all gateways of a database sign with the same keys'),
	('grant_user', 'as grant_reader'), ('revoke_user', 'as grant_reader'),
	('_give', 'a part of grant_reader and its like'), ('_take', 'as _give'),
	('grant', 'the role first; without a warehouse it is the whole catalog'), ('revoke', 'as grant'), ('apply_grants', 'as grant, many times'),
	('grants_of', 'rows of a role, in all warehouses'), ('explain_access', 'as grant'),
	('set_read_restriction', 'the role first, as grant'), ('drop_read_restriction', 'as set_read_restriction'),
	('set_labels', 'the labels first, for the object may be a namespace, table, view or column'),
	('trust_engine', 'a role is the same in all warehouses'), ('distrust_engine', 'as trust_engine'),
	('export_metadata', 'one of the two is a loop over the tables of a warehouse'),
	('import_sql_catalog', 'an administrator''s own loop over calls, with his rights'),
	('create_tenant', 'tenants are above warehouses'), ('alter_tenant', 'as create_tenant'), ('drop_tenant', 'as create_tenant'),
	('set_tenant_quota', 'as create_tenant'), ('set_tenant_maintenance', 'as create_tenant'), ('set_tenant_naming_rule', 'as create_tenant'), ('assign_role', 'as create_tenant'), ('unassign_role', 'as create_tenant'), ('grant_tenant', 'as grant'), ('revoke_tenant', 'as grant'),
	('create_storage_profile', 'storage profiles are above warehouses'), ('alter_storage_profile', 'as create_storage_profile'),
	('drop_storage_profile', 'as create_storage_profile'), ('rotate_storage_secrets', 'of all profiles'),
	('validate_storage_profile', 'as create_storage_profile'),
	('case_key', 'a pure function of a name'), ('name_matches', 'as case_key');

SELECT isnt_empty('SELECT 1 FROM data_table', 'icecat_data holds tables');

SELECT is_empty($$
	SELECT relname FROM data_table AS t
	WHERE t.relkind = 'r'
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = t.oid AND contype = 'p')
$$, 'every table that holds rows has a primary key');

SELECT is_empty($$
	SELECT relname FROM data_table AS t
	WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.oid
		AND a.attname = 'warehouse_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull)
$$, 'every table has a warehouse_id uuid NOT NULL');

SELECT is_empty($$
	SELECT t.relname, i.indexrelid::regclass
	FROM data_table AS t
	JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid AND i.indisunique
	LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
	WHERE a.attname IS DISTINCT FROM 'warehouse_id' AND t.relname <> 'warehouse'
$$, 'every primary key and unique index starts with warehouse_id');

SELECT is((
	SELECT string_agg(a.attname, ',') FROM pg_catalog.pg_constraint AS c
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
	WHERE c.conrelid = 'icecat_data.warehouse'::regclass AND c.contype = 'p'),
	'warehouse_id', 'the directory of warehouses is keyed by warehouse_id');

SELECT is_empty($$
	SELECT i.indexrelid::regclass
	FROM pg_catalog.pg_index AS i
	LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
	WHERE i.indrelid = 'icecat_data.warehouse'::regclass AND i.indisunique
		AND a.attname NOT IN ('warehouse_id', 'name')
$$, 'the directory of warehouses is unique by id and by name only');

SELECT is_empty($$
	SELECT c.conname
	FROM pg_catalog.pg_constraint AS c
	JOIN data_table AS t ON t.oid = c.conrelid
	WHERE c.contype = 'f'
$$, 'no foreign keys: row locks hold what belongs together, and dumps are restored in any order');

SELECT is_empty($$
	SELECT c.oid::regclass FROM pg_catalog.pg_class AS c
	WHERE c.relkind = 'S' AND c.relnamespace IN ('icecat'::regnamespace, 'icecat_data'::regnamespace)
$$, 'no sequences');

SELECT is_empty($$
	SELECT t.relname, a.attname FROM data_table AS t
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attidentity <> ''
$$, 'no identity columns');

SELECT is_empty($$
	SELECT t.relname, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
	FROM data_table AS t JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = t.oid
	WHERE pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ '[(]|CURRENT_'
$$, 'no column default calls a function: times and ids go in as parameters');

SELECT is_empty($$
	SELECT t.relname, g.tgname FROM data_table AS t
	JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
	WHERE NOT g.tgisinternal
$$, 'no triggers');

SELECT is_empty($$
	SELECT t.relname, r.rulename FROM data_table AS t JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = t.oid
$$, 'no rules on tables');

SELECT is_empty($$
	SELECT p.oid::regprocedure
	FROM pg_catalog.pg_proc AS p
	WHERE p.pronamespace = 'icecat'::regnamespace AND p.proname NOT LIKE '\_%'
		AND (coalesce(p.proargnames[1], '') <> 'p_warehouse' OR p.proargtypes[0] <> 'text'::regtype)
		AND p.proname NOT IN (SELECT name FROM without_warehouse)
$$, 'API functions take the warehouse first');

SELECT is_empty($$
	SELECT p.oid::regprocedure
	FROM pg_catalog.pg_proc AS p
	JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
	JOIN pg_catalog.pg_proc AS q ON q.pronamespace = 'icecat'::regnamespace AND q.oid <> p.oid
		AND q.proname NOT LIKE '\_%' AND q.proname <> 'case_key'
	WHERE p.pronamespace = 'icecat'::regnamespace AND p.proname NOT IN (SELECT name FROM without_warehouse)
		AND coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) ~ ('\micecat\.' || q.proname || '\M\s*\(')
$$, 'API functions do not call each other in SQL');

SELECT is_empty($$
	SELECT t.relname, a.attname, a.atttypid::regtype
	FROM data_table AS t
	JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE a.atttypid IN ('jsonb'::regtype, 'timestamp'::regtype, 'varchar'::regtype, 'bpchar'::regtype,
			'float8'::regtype, 'float4'::regtype, 'numeric'::regtype)
		OR (a.attname LIKE '%\_at' AND a.atttypid <> 'timestamptz'::regtype)
		OR (a.attname LIKE '%\_ms' AND a.atttypid <> 'bigint'::regtype)
$$, 'exact types: json text (never jsonb), no floating point, *_at timestamptz, *_ms bigint');

SELECT * FROM finish();
ROLLBACK;
