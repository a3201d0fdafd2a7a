-- The SQL surface: each function of the contract exists, is labelled honestly and documented.
BEGIN;
SELECT plan(19);

CREATE TEMP TABLE contract (signature text, reads boolean);
INSERT INTO contract VALUES
	('create_warehouse(text,text,json,text)', false),
	('alter_warehouse(text,text,text,json,text[],text)', false),
	('drop_warehouse(text,boolean)', false),
	('list_warehouses()', true),
	('load_warehouse(text)', true),
	('get_config(text,text)', true),
	('create_namespace(text,text[],json)', false),
	('list_namespaces(text,text[],text,integer)', true),
	('load_namespace(text,text[])', true),
	('namespace_exists(text,text[])', true),
	('update_namespace_properties(text,text[],json,text[])', false),
	('drop_namespace(text,text[],boolean)', false),
	('create_table(text,text[],text,json,json,json,text,json,boolean)', false),
	('list_tables(text,text[],text,integer,boolean)', true),
	('load_table(text,text[],text,text,json)', false),
	('load_credentials(text,text[],text,json)', false),
	('sign_request(text,text[],text,json,text)', false),
	('sign_any_request(json)', false),
	('table_exists(text,text[],text)', true),
	('commit_table(text,text[],text,json,json)', false),
	('commit_transaction(text,json)', false),
	('commit_metadata_file(text,text[],text,text,text)', false),
	('import_sql_catalog(text,regclass,regclass,text,text,boolean)', false),
	('drop_table(text,text[],text,boolean,boolean)', false),
	('set_protection(text,text[],text,boolean,text)', false),
	('undrop_table(text,text[],text,text,text)', false),
	('undrop_view(text,text[],text,text,text)', false),
	('expire_dropped(text,text)', false),
	('rename_table(text,text[],text,text[],text)', false),
	('register_table(text,text[],text,text,boolean)', false),
	('unregister_table(text,text[],text)', false),
	('report_metrics(text,text[],text,json)', false),
	('rest_create_namespace(text,json)', false),
	('rest_update_namespace_properties(text,text[],json)', false),
	('rest_create_table(text,text[],json)', false),
	('rest_register_table(text,text[],json)', false),
	('rest_commit_table(text,text[],text,json)', false),
	('rest_commit_table_group(text,text[],text,text[],text[],text[],text[],text[],text[])', false),
	('rest_load_table(text,text[],text,text,text,json)', false),
	('rest_load_table_pieces(text,text[],text,text,json)', false),
	('rest_rename_table(text,json)', false),
	('rest_commit_transaction(text,json)', false),
	('start_worker()', false),
	('run_worker_once()', false),
	('wait_for_metadata(text,text[],text,integer)', false),
	('export_metadata(text,text[],text)', false),
	('read_events(text,bigint,integer)', false),
	('rest_query_events(text,json)', false),
	('create_subscription(text,text,text[],text[],text[],uuid,bigint)', false),
	('drop_subscription(text,text)', false),
	('next_events(text,text,integer)', false),
	('ack(text,text,bigint)', false),
	('create_view(text,text[],text,json,json,text,json)', false),
	('register_view(text,text[],text,text)', false),
	('load_view(text,text[],text,json)', true),
	('list_views(text,text[],text,integer,boolean)', true),
	('view_exists(text,text[],text)', true),
	('replace_view(text,text[],text,json,json)', false),
	('drop_view(text,text[],text,boolean)', false),
	('rename_view(text,text[],text,text[],text)', false),
	('rest_create_view(text,text[],json)', false),
	('rest_register_view(text,text[],json)', false),
	('rest_replace_view(text,text[],text,json)', false),
	('rest_rename_view(text,json)', false),
	('grant(regrole,text,text,text[],text)', false),
	('revoke(regrole,text,text,text[],text)', false),
	('apply_grants(json)', false),
	('grants_of(regrole)', true),
	('explain_access(regrole,text,text,text[],text)', true),
	('create_client(text,regrole,interval)', false),
	('rotate_client_secret(text,interval,interval)', false),
	('alter_client(text,regrole,boolean,boolean)', false),
	('drop_client(text)', false),
	('create_api_key(text,regrole,interval)', false),
	('rotate_api_key(text,interval,interval)', false),
	('revoke_api_key(text)', false),
	('rotate_signing_key(interval,interval)', false),
	('set_read_restriction(regrole,text,text[],text,json,json)', false),
	('drop_read_restriction(regrole,text,text[],text)', false),
	('trust_engine(regrole,text)', false),
	('distrust_engine(regrole)', false),
	('set_labels(json,text,text[],text,text)', false),
	('case_key(text)', true),
	('version()', true);

CREATE TEMP VIEW api AS
	SELECT p.*, l.lanname FROM pg_catalog.pg_proc AS p
	JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
	WHERE p.pronamespace = 'icecat'::regnamespace;

SELECT is_empty($$
	SELECT signature FROM contract WHERE pg_catalog.to_regprocedure('icecat.' || signature) IS NULL
$$, 'every function of the contract exists');

SELECT bag_has(
	$$SELECT relname::text FROM pg_catalog.pg_class WHERE relnamespace = 'icecat'::regnamespace AND relkind = 'v'$$,
	$$SELECT unnest('{warehouses,namespaces,tables,columns,schemas,snapshots,refs,dropped_tables,partition_specs,sort_orders,
		table_properties,history,metadata_files,events,audit_log,privileges,read_restrictions,trusted_engines,labels,iceberg_tables,iceberg_namespace_properties,
		views,view_versions,view_representations,view_history}'::text[])$$,
	'every view of the contract exists');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE pg_catalog.obj_description(oid, 'pg_proc') IS NULL
$$, 'every function has a comment');

SELECT is_empty($$
	SELECT oid::regprocedure, pg_catalog.obj_description(oid, 'pg_proc') FROM api
	WHERE length(pg_catalog.obj_description(oid, 'pg_proc')) < 15
$$, 'comments say something');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE prosecdef
		AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c = 'search_path=pg_catalog, pg_temp')
$$, 'definer functions pin search_path to pg_catalog, pg_temp');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE lanname = 'plpgsql'
		AND NOT EXISTS (SELECT FROM unnest(coalesce(proconfig, '{}')) AS c WHERE c LIKE 'search_path=pg\_catalog%')
$$, 'PL/pgSQL functions pin search_path');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE lanname = 'c' AND provolatile <> 'i'
		AND proname NOT IN ('version', 'start_worker', '_pending_files', '_answer_is_secret', '_file_is_missing')
		AND NOT coalesce(proconfig, '{}') @> '{enable_seqscan=off,enable_bitmapscan=off}'
$$, 'C functions that run as their owner keep plans that read by an index');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE lanname = 'sql' AND NOT prosecdef AND provolatile <> 'v' AND proconfig IS NOT NULL
$$, 'SQL functions that only read can be inlined');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE lanname = 'sql' AND prosqlbody IS NULL
$$, 'SQL functions are BEGIN ATOMIC: names are bound at creation');

SELECT is_empty($$
	SELECT signature FROM contract JOIN api ON api.oid = pg_catalog.to_regprocedure('icecat.' || signature)
	WHERE NOT api.prosecdef AND api.lanname <> 'c' AND api.proname NOT IN ('import_sql_catalog', 'list_warehouses', 'grants_of', 'explain_access')
$$, 'functions of the contract run as the owner of the extension');

-- They change to the owner themselves (ice_caller_begin), because a definer function does not learn who calls.
SELECT is_empty($$
	SELECT signature FROM contract JOIN api ON api.oid = pg_catalog.to_regprocedure('icecat.' || signature)
	WHERE api.lanname = 'c' AND api.proname NOT IN ('version', 'start_worker', 'case_key')
		AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c = 'search_path=pg_catalog, pg_temp')
$$, 'and pin search_path to pg_catalog, pg_temp');

-- Their rights are checked by rows: a definer function would be the owner for all callers.
SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE prosecdef AND proname NOT IN ('start_worker', 'run_worker_once', 'worker_status', 'storage_status', 'health', 'trim_events',
		'trim_idempotency', 'trim_metrics_reports', 'adopt_tasks', 'adopt_storage', '_export_metadata', 'export_metadata',
		'missing_metadata_files', 'check_integrity', 'check_integrity_slice', '_check', '_queued_files', '_storage_problems', '_worker_state', '_store_counters',
		'explain_principal', '_principal_role', '_credential', '_signing_keys')
$$, 'definer functions are those of administrators and of the whole catalog');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE lanname = 'c' AND prosrc !~ '^sql_ice_[a-z0-9_]+$'
$$, 'C functions are named sql_ice_*');

SELECT is_empty($$
	SELECT signature FROM contract JOIN api ON api.oid = pg_catalog.to_regprocedure('icecat.' || signature)
	WHERE NOT reads AND api.provolatile <> 'v'
$$, 'what writes or touches storage is VOLATILE');

SELECT is_empty($$
	SELECT signature, provolatile
	FROM contract JOIN api ON api.oid = pg_catalog.to_regprocedure('icecat.' || signature)
	WHERE reads AND api.provolatile <> 's' AND api.proname NOT IN ('version', 'case_key')
$$, 'what only reads is STABLE');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api WHERE provolatile = 'i' AND proname NOT IN ('version', 'case_key', 'name_matches') AND proname NOT LIKE '\_%'
$$, 'nothing that reads tables is IMMUTABLE');

SELECT is_empty($$
	SELECT signature FROM contract JOIN api ON api.oid = pg_catalog.to_regprocedure('icecat.' || signature)
	WHERE NOT reads AND api.proparallel <> 'u'
$$, 'what writes is PARALLEL UNSAFE');

SELECT is_empty($$
	SELECT a.oid::regprocedure, n.name
	FROM api AS a, LATERAL unnest(a.proargnames) WITH ORDINALITY AS n (name, at)
	WHERE coalesce(a.proargmodes[n.at], 'i') IN ('i', 'b', 'v') AND n.name !~ '^p_[a-z_]+$'
	UNION ALL
	SELECT oid::regprocedure, 'unnamed' FROM api WHERE pronargs > 0 AND proargnames IS NULL
$$, 'every parameter is named p_*');

SELECT is_empty($$
	SELECT oid::regprocedure FROM api
	WHERE 'jsonb'::regtype = ANY (proargtypes::oid[] || prorettype || coalesce(proallargtypes, '{}'))
$$, 'JSON goes in and out as json: exact text');

SELECT * FROM finish();
ROLLBACK;
