-- Names that no path of REST can carry are refused for whatever is new; and long keys of an index by a limit.
\set VERBOSITY terse
SELECT icecat.create_warehouse('names', 's3://names', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('names', '{n}') IS NOT NULL AS made;
\set schema '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": false, "type": "long"}]}'
\set version '{"version-id": 1, "schema-id": 0, "timestamp-ms": 1, "summary": {}, "default-namespace": ["n"], "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}'
SELECT icecat.create_table('names', '{n}', 't', :'schema') IS NOT NULL AS made;
SELECT icecat.create_view('names', '{n}', 'v', :'schema', :'version') IS NOT NULL AS made;

SELECT icecat.create_warehouse('.', 's3://names');
SELECT icecat.create_warehouse('..', 's3://names');
SELECT icecat.alter_warehouse('names', '..');
SELECT icecat.create_namespace('names', '{.}');
SELECT icecat.create_namespace('names', '{..}');
SELECT icecat.create_namespace('names', '{n,..}');
SELECT icecat.create_namespace('names', ARRAY[E'a\x1fb']);
SELECT icecat.rest_create_namespace('names', '{"namespace": ["n", "."]}');
SELECT icecat.create_table('names', '{n}', '.', :'schema');
SELECT icecat.create_table('names', '{n}', '..', :'schema', p_stage_create => true);
SELECT icecat.rest_create_table('names', '{n}', json_build_object('name', '..', 'schema', :'schema'::json));
SELECT icecat.commit_table('names', '{n}', '..', '[{"type": "assert-create"}]', json_build_array(
	json_build_object('action', 'add-schema', 'schema', :'schema'::json), '{"action": "set-current-schema", "schema-id": -1}'::json,
	'{"action": "add-spec", "spec": {"fields": []}}'::json, '{"action": "set-default-spec", "spec-id": -1}'::json,
	'{"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}'::json, '{"action": "set-default-sort-order", "sort-order-id": -1}'::json));
SELECT icecat.create_view('names', '{n}', '..', :'schema', :'version');
SELECT icecat.rename_table('names', '{n}', 't', '{n}', '..');
SELECT icecat.rename_view('names', '{n}', 'v', '{n}', '.');
-- Such a name is looked for as any other; three dots are a name.
SELECT icecat.table_exists('names', '{n}', '..') AS found, icecat.namespace_exists('names', '{..}') AS space_found;
SELECT icecat.load_table('names', '{n}', '..');
SELECT icecat.create_table('names', '{n}', '...', :'schema') IS NOT NULL AS made;

-- Names of refs, and ids of encryption keys. (They are random, for an index would keep equal letters short.)
CREATE FUNCTION pg_temp.letters(p_count integer) RETURNS text LANGUAGE sql AS $$
	SELECT left(string_agg(md5(n::text), ''), p_count) FROM generate_series(1, 200) AS n
$$;
CREATE FUNCTION pg_temp.add_ref(p_name text) RETURNS boolean LANGUAGE sql AS $$
	SELECT icecat.commit_table('names', '{n}', 't', '[]', json_build_array(json_build_object('action', 'set-snapshot-ref', 'ref-name', p_name,
		'type', 'branch', 'snapshot-id', 1))) IS NOT NULL
$$;
CREATE FUNCTION pg_temp.add_key(p_id text) RETURNS boolean LANGUAGE sql AS $$
	SELECT icecat.commit_table('names', '{n}', 't', '[]', json_build_array(json_build_object('action', 'add-encryption-key', 'encryption-key',
		json_build_object('key-id', p_id, 'encrypted-key-metadata', 'a2V5')))) IS NOT NULL
$$;
SELECT icecat.commit_table('names', '{n}', 't', '[]', '[{"action": "add-snapshot", "snapshot": {"snapshot-id": 1, "sequence-number": 1,
	"timestamp-ms": 1, "manifest-list": "s3://m", "summary": {"operation": "append"}}}]') IS NOT NULL AS done;
SELECT pg_temp.add_ref(pg_temp.letters(1024)) AS done;
SELECT pg_temp.add_ref(pg_temp.letters(1025));
SELECT pg_temp.add_ref(pg_temp.letters(2800));
SELECT pg_temp.add_key(pg_temp.letters(1024)) AS done;
SELECT pg_temp.add_key(pg_temp.letters(1025));
SET icecat.key_bytes_max = 2500;
SELECT pg_temp.add_ref(pg_temp.letters(2500)) AS done, pg_temp.add_key(pg_temp.letters(2500)) AS done;
\set VERBOSITY sqlstate
SET icecat.key_bytes_max = 2501;
\set VERBOSITY terse
SET icecat.key_bytes_max = 1;
SELECT pg_temp.add_ref('b') AS done;
SELECT pg_temp.add_ref('bb');
RESET icecat.key_bytes_max;

-- Of long names of properties, columns and files there is no index.
SELECT icecat.commit_table('names', '{n}', 't', '[]', json_build_array(json_build_object('action', 'set-properties', 'updates',
	json_build_object(pg_temp.letters(6000), 'x')))) IS NOT NULL AS done;
SELECT icecat.update_namespace_properties('names', '{n}', json_build_object(pg_temp.letters(6000), 'x')) IS NOT NULL AS done;
SELECT icecat.commit_table('names', '{n}', 't', '[]', json_build_array(json_build_object('action', 'set-location', 'location',
	's3://names/' || pg_temp.letters(6000)))) IS NOT NULL AS done;
SELECT icecat.create_table('names', '{n}', 'long', replace(:'schema', '"a"', to_json(pg_temp.letters(6000))::text)::json) IS NOT NULL AS made;
SELECT icecat.create_namespace('names', array_fill(left(pg_temp.letters(255), 255), ARRAY[1]) ) IS NOT NULL AS made;

-- snapshots is read in any case, as Java writes it in either.
SELECT json_array_length(icecat.load_table('names', '{n}', 't', 'ALL') -> 'metadata' -> 'snapshots') AS all_of_them,
	json_array_length(icecat.load_table('names', '{n}', 't', 'Refs') -> 'metadata' -> 'snapshots') AS of_refs;
SELECT icecat.load_table('names', '{n}', 't', 'some');
