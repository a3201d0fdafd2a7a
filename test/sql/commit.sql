-- Commits in SQL: an append, stale writers, creation by commit, transactions over many tables.
\set VERBOSITY terse
SELECT icecat.create_warehouse('commit_test', 's3://lake', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('commit_test', '{n}') IS NOT NULL AS made;

CREATE FUNCTION pg_temp.new_table(p_name text, p_properties json DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
	SELECT icecat.create_table('commit_test', '{n}', p_name, '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": false, "type": "long"}]}', p_properties => p_properties) IS NOT NULL
$$;
CREATE FUNCTION pg_temp.add_snapshot(p_id bigint, p_sequence bigint, p_parent bigint DEFAULT NULL) RETURNS json LANGUAGE sql AS $$
	SELECT format('{"action": "add-snapshot", "snapshot": {"snapshot-id": %s, %s "sequence-number": %s, "timestamp-ms": %s, "manifest-list": "s3://lake/m%s.avro", "summary": {"operation": "append", "total-records": "10"}, "schema-id": 0}}',
		p_id, '"parent-snapshot-id": ' || p_parent || ',', p_sequence, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, p_id)::json
$$;
CREATE FUNCTION pg_temp.set_main(p_id bigint, p_ref text DEFAULT 'main') RETURNS json LANGUAGE sql AS $$
	SELECT format('{"action": "set-snapshot-ref", "ref-name": %s, "type": "branch", "snapshot-id": %s}', to_json(p_ref), p_id)::json
$$;
CREATE FUNCTION pg_temp.main_is(p_id bigint, p_ref text DEFAULT 'main') RETURNS json LANGUAGE sql AS $$
	SELECT format('{"type": "assert-ref-snapshot-id", "ref": %s, "snapshot-id": %s}', to_json(p_ref), coalesce(p_id::text, 'null'))::json
$$;
CREATE FUNCTION pg_temp.append(p_table text, p_id bigint, p_sequence bigint, p_parent bigint DEFAULT NULL) RETURNS json LANGUAGE sql AS $$
	SELECT icecat.commit_table('commit_test', '{n}', p_table, json_build_array(pg_temp.main_is(p_parent)),
		json_build_array(pg_temp.add_snapshot(p_id, p_sequence, p_parent), pg_temp.set_main(p_id)))
$$;

SELECT pg_temp.new_table('t');
-- The largest id is exact everywhere; one more is refused.
SELECT doc -> 'metadata' ->> 'current-snapshot-id' AS current, doc -> 'metadata' ->> 'last-sequence-number' AS sequence,
	doc -> 'metadata' ->> 'refs' AS refs, doc ->> 'metadata-location' LIKE '%/metadata/00001-%' AS next_file
FROM pg_temp.append('t', 9223372036854775807, 1) AS doc;
SELECT icecat.commit_table('commit_test', '{n}', 't', '[]', '[{"action": "remove-snapshots", "snapshot-ids": [9223372036854775808]}]');
-- A first-snapshot writer that comes second: null means that the ref must not exist.
SELECT pg_temp.append('t', 2, 2);
-- A stale parent.
SELECT pg_temp.append('t', 3, 2, 1);
SELECT doc -> 'metadata' ->> 'current-snapshot-id' AS current FROM pg_temp.append('t', 2, 2, 9223372036854775807) AS doc;
-- A stale sequence number, on another branch: can be retried.
SELECT icecat.commit_table('commit_test', '{n}', 't', json_build_array(pg_temp.main_is(NULL, 'side')),
	json_build_array(pg_temp.add_snapshot(4, 2, 2), pg_temp.set_main(4, 'side')));
-- The same id twice.
SELECT pg_temp.append('t', 2, 3, 2);
SELECT snapshot_id, parent_snapshot_id, sequence_number, operation FROM icecat.snapshots WHERE warehouse = 'commit_test' ORDER BY sequence_number;

-- Unknown kinds are refused, and nothing of the commit remains.
SELECT icecat.commit_table('commit_test', '{n}', 't', '[{"type": "assert-weather"}]', '[]');
SELECT icecat.commit_table('commit_test', '{n}', 't', '[]', '[{"action": "set-properties", "updates": {"a": "b"}}, {"action": "make-coffee"}]');
SELECT icecat.commit_table('commit_test', '{n}', 't', '[]', '[{"action": "set-properties", "updates": {"a": 1}}]');
SELECT icecat.commit_table('commit_test', '{n}', 'nothing', '[]', '[]');
SELECT icecat.rest_commit_table('commit_test', '{n}', 't', '[]');
SELECT icecat.load_table('commit_test', '{n}', 't') -> 'metadata' ->> 'properties' AS properties;

-- An empty commit changes nothing.
SELECT (icecat.commit_table('commit_test', '{n}', 't', NULL, NULL) ->> 'metadata-location') = (icecat.load_table('commit_test', '{n}', 't') ->> 'metadata-location') AS same;

-- Properties, and the metadata log with its limit.
SELECT pg_temp.new_table('logged', '{"write.metadata.previous-versions-max": "2"}');
SELECT json_array_length(icecat.commit_table('commit_test', '{n}', 'logged', '[]', format('[{"action": "set-properties", "updates": {"n": "%s"}}]', n)::json) -> 'metadata' -> 'metadata-log') AS entries
FROM generate_series(1, 4) AS n;
SELECT icecat.commit_table('commit_test', '{n}', 'logged', '[]', '[{"action": "remove-properties", "removals": ["n", "absent"]}]') -> 'metadata' ->> 'properties' AS properties;

-- Created by a commit, as after a staged create.
SELECT doc -> 'metadata' ->> 'format-version' AS format, doc -> 'metadata' ->> 'current-schema-id' AS schema, json_array_length(doc -> 'metadata' -> 'snapshots') AS snapshots
FROM icecat.commit_table('commit_test', '{n}', 'by_commit', '[{"type": "assert-create"}]', json_build_array(
	'{"action": "assign-uuid", "uuid": "5f2c9a52-2f2b-4a3c-9d0a-0c2d3f1d7a11"}'::json,
	'{"action": "upgrade-format-version", "format-version": 2}'::json,
	'{"action": "add-schema", "schema": {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "a", "required": true, "type": "int"}]}, "last-column-id": 1}'::json,
	'{"action": "set-current-schema", "schema-id": -1}'::json,
	'{"action": "add-spec", "spec": {"spec-id": 0, "fields": []}}'::json,
	'{"action": "set-default-spec", "spec-id": -1}'::json,
	'{"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}'::json,
	'{"action": "set-default-sort-order", "sort-order-id": -1}'::json,
	'{"action": "set-location", "location": "s3://lake/n/by_commit"}'::json,
	pg_temp.add_snapshot(11, 1), pg_temp.set_main(11))) AS doc;
SELECT icecat.commit_table('commit_test', '{n}', 'by_commit', '[{"type": "assert-create"}]', '[]');

-- Expiry: the snapshot, its refs and the history before it go.
SELECT doc -> 'metadata' ->> 'snapshot-log' IS NOT NULL AS has_log, json_array_length(doc -> 'metadata' -> 'snapshots') AS snapshots, json_array_length(doc -> 'metadata' -> 'snapshot-log') AS history
FROM icecat.commit_table('commit_test', '{n}', 't', '[]', '[{"action": "remove-snapshots", "snapshot-ids": [9223372036854775807]}]') AS doc;

-- A transaction is all or nothing.
SELECT bool_and(pg_temp.new_table('many' || n)) FROM generate_series(1, 100) AS n;
SELECT icecat.commit_transaction('commit_test', json_agg(json_build_object(
	'identifier', json_build_object('namespace', json_build_array('n'), 'name', 'many' || n),
	'requirements', json_build_array(pg_temp.main_is(CASE WHEN n = 99 THEN 5 END)),
	'updates', json_build_array(pg_temp.add_snapshot(n, 1), pg_temp.set_main(n))))) FROM generate_series(1, 100) AS n;
SELECT count(*) FROM icecat.snapshots WHERE warehouse = 'commit_test' AND table_name LIKE 'many%';
SELECT icecat.commit_transaction('commit_test', json_build_object('table-changes', json_agg(json_build_object(
	'identifier', json_build_object('namespace', json_build_array('n'), 'name', 'many' || n),
	'requirements', json_build_array(pg_temp.main_is(NULL)),
	'updates', json_build_array(pg_temp.add_snapshot(n, 1), pg_temp.set_main(n)))))) FROM generate_series(1, 100) AS n;
SELECT count(*) FROM icecat.snapshots WHERE warehouse = 'commit_test' AND table_name LIKE 'many%';
SELECT icecat.commit_transaction('commit_test', '[{"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": []}, {"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": []}]');
SELECT icecat.commit_transaction('commit_test', '[{"requirements": [], "updates": []}]');

-- A rolled back savepoint takes its commit with it; the rows around it stay.
CREATE TEMP TABLE offsets (position bigint);
BEGIN;
INSERT INTO offsets VALUES (1);
SELECT pg_temp.append('many1', 1001, 2, 1) IS NOT NULL AS done;
SAVEPOINT s;
INSERT INTO offsets VALUES (2);
SELECT pg_temp.append('many1', 1002, 3, 1001) IS NOT NULL AS done;
ROLLBACK TO SAVEPOINT s;
COMMIT;
SELECT (SELECT max(position) FROM offsets) AS position, current_snapshot_id FROM icecat.tables WHERE warehouse = 'commit_test' AND table_name = 'many1';

-- The limit on properties holds for tables, too.
SET icecat.properties_max = 4;
SELECT icecat.commit_table('commit_test', '{n}', 'many2', '[]', '[{"action": "set-properties", "updates": {"a": "1", "b": "2", "c": "3"}}]') IS NOT NULL AS done;
SELECT icecat.commit_table('commit_test', '{n}', 'many2', '[]', '[{"action": "set-properties", "updates": {"d": "4"}}]') IS NOT NULL AS done;
SELECT pg_temp.new_table('rich', '{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}');
RESET icecat.properties_max;

-- A clock that is ten minutes fast makes a snapshot on a branch; it comes to main, and appends go on. Then one of a clock
-- that is an hour behind: its log entry is no earlier than the one before.
CREATE FUNCTION pg_temp.snapshot_at(p_id bigint, p_parent bigint, p_seconds integer) RETURNS json LANGUAGE sql AS $$
	SELECT replace(pg_temp.add_snapshot(p_id, p_id, p_parent)::text, '"timestamp-ms": ', '"timestamp-ms": ' || p_seconds || '000, "was": ')::json
$$;
CREATE FUNCTION pg_temp.snapshot_now(p_id bigint, p_parent bigint, p_seconds integer) RETURNS json LANGUAGE sql AS $$
	SELECT pg_temp.snapshot_at(p_id, p_parent, p_seconds + extract(epoch FROM clock_timestamp())::integer)
$$;
SELECT pg_temp.new_table('clocks');
SELECT icecat.commit_table('commit_test', '{n}', 'clocks', '[]', json_build_array(pg_temp.snapshot_now(1, NULL, 600), pg_temp.set_main(1, 'side'))) IS NOT NULL AS on_branch;
SELECT icecat.commit_table('commit_test', '{n}', 'clocks', '[]', json_build_array(pg_temp.set_main(1))) IS NOT NULL AS on_main;
SELECT icecat.commit_table('commit_test', '{n}', 'clocks', '[]', json_build_array(pg_temp.snapshot_now(2, 1, 0), pg_temp.set_main(2))) IS NOT NULL AS appended;
SELECT icecat.commit_table('commit_test', '{n}', 'clocks', '[]', json_build_array(pg_temp.snapshot_now(3, 2, -3600), pg_temp.set_main(3))) IS NOT NULL AS appended;
SELECT icecat.commit_table('commit_test', '{n}', 'clocks', '[]', '[{"action": "set-properties", "updates": {"a": "b"}}]') IS NOT NULL AS changed;
SELECT json_array_length(log) AS entries, log -> 2 ->> 'timestamp-ms' = log -> 1 ->> 'timestamp-ms' AS not_backwards
FROM (SELECT icecat.load_table('commit_test', '{n}', 'clocks') -> 'metadata' -> 'snapshot-log') AS t (log);
