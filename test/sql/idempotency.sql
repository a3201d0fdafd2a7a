-- Idempotency keys in SQL: the setting icecat.idempotency_key. A repeat of the same call does not run again and shows the present state;
-- another call with the key is IC307; a final error is kept when it is recorded.
\set VERBOSITY terse
SELECT icecat.create_warehouse('idem', 's3://lake', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
\set S '{"type": "struct", "fields": []}'
CREATE FUNCTION pg_temp.key(n integer) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('icecat.idempotency_key', CASE WHEN n = 0 THEN '' ELSE '017F22E2-79B0-7CC3-98C4-' || lpad(n::text, 12, '0') END, false) $$;
CREATE FUNCTION pg_temp.effects() RETURNS TABLE (event_type text, count bigint) LANGUAGE sql AS $$
	SELECT e.event_type, count(*) FROM icecat.events AS e WHERE e.warehouse = 'idem' GROUP BY e.event_type ORDER BY e.event_type COLLATE "C" $$;

-- The lifetime is announced, as ISO 8601 has it.
SELECT icecat.get_config('idem') ->> 'idempotency-key-lifetime' AS lifetime;

-- A namespace: the repeat shows what it is now.
SELECT pg_temp.key(1) \gset
SELECT icecat.create_namespace('idem', '{n}', '{"a": "1"}');
SELECT pg_temp.key(2) \gset
SELECT icecat.update_namespace_properties('idem', '{n}', '{"b": "2"}', '{a,zz}');
SELECT icecat.update_namespace_properties('idem', '{n}', '{"b": "2"}', '{a,zz}');
SELECT pg_temp.key(1) \gset
SELECT icecat.create_namespace('idem', '{n}', '{"a": "1"}');

-- The same key with other content, with another operation, and twice in one transaction.
SELECT icecat.create_namespace('idem', '{n}', '{"a": "2"}');
SELECT icecat.drop_namespace('idem', '{n}');
BEGIN;
SELECT pg_temp.key(3) \gset
SELECT icecat.create_namespace('idem', '{m}');
SELECT icecat.create_namespace('idem', '{m}');
SELECT icecat.create_namespace('idem', '{o}');
ROLLBACK;

-- What was rolled back did not use the key.
SELECT pg_temp.key(3) \gset
SELECT icecat.drop_namespace('idem', '{m}');
SELECT icecat.create_namespace('idem', '{m}');
SELECT pg_temp.key(4) \gset
SELECT icecat.drop_namespace('idem', '{m}');
SELECT icecat.drop_namespace('idem', '{m}');
SELECT pg_temp.key(3) \gset
SELECT icecat.create_namespace('idem', '{m}');

-- A table: created, committed to, renamed. Repeats show the table as it is by then, whatever its name.
SELECT pg_temp.key(5) \gset
SELECT icecat.create_table('idem', '{n}', 't', :'S') -> 'metadata' ->> 'table-uuid' AS uuid \gset
SELECT icecat.create_table('idem', '{n}', 't', :'S') -> 'metadata' ->> 'table-uuid' = :'uuid' AS same;
SELECT pg_temp.key(6) \gset
SELECT icecat.commit_table('idem', '{n}', 't', '[]', '[{"action": "set-properties", "updates": {"n": "1"}}]') -> 'metadata' -> 'properties' ->> 'n' AS n;
SELECT pg_temp.key(7) \gset
SELECT icecat.commit_transaction('idem', '[{"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": [{"action": "set-properties", "updates": {"n": "2"}}]}]');
SELECT icecat.commit_transaction('idem', '[{"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": [{"action": "set-properties", "updates": {"n": "2"}}]}]');
SELECT pg_temp.key(8) \gset
SELECT icecat.rename_table('idem', '{n}', 't', '{n}', 'u');
SELECT icecat.rename_table('idem', '{n}', 't', '{n}', 'u');
SELECT pg_temp.key(6) \gset
SELECT icecat.commit_table('idem', '{n}', 't', '[]', '[{"action": "set-properties", "updates": {"n": "1"}}]') -> 'metadata' -> 'properties' ->> 'n' AS n;
SELECT version FROM icecat.tables WHERE warehouse = 'idem';

-- A commit that creates the table, and a staged creation, which stores nothing and may be repeated.
SELECT pg_temp.key(9) \gset
SELECT icecat.commit_table('idem', '{n}', 'v', '[{"type": "assert-create"}]', '[{"action": "add-schema", "schema": {"type": "struct", "fields": []}}, {"action": "set-current-schema", "schema-id": -1}, {"action": "add-spec", "spec": {"fields": []}}, {"action": "set-default-spec", "spec-id": -1}, {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1}]') -> 'metadata' ->> 'table-uuid' AS uuid_v \gset
SELECT icecat.commit_table('idem', '{n}', 'v', '[{"type": "assert-create"}]', '[{"action": "add-schema", "schema": {"type": "struct", "fields": []}}, {"action": "set-current-schema", "schema-id": -1}, {"action": "add-spec", "spec": {"fields": []}}, {"action": "set-default-spec", "spec-id": -1}, {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1}]') -> 'metadata' ->> 'table-uuid' = :'uuid_v' AS same;
SELECT pg_temp.key(10) \gset
SELECT icecat.create_table('idem', '{n}', 's', :'S', NULL, NULL, NULL, NULL, true) ->> 'metadata-location' IS NULL AS staged;
SELECT icecat.create_table('idem', '{n}', 's', :'S', NULL, NULL, NULL, NULL, true) ->> 'metadata-location' IS NULL AS staged;

-- Dropped since: its rows are shown while they are kept.
SELECT pg_temp.key(11) \gset
SELECT icecat.drop_table('idem', '{n}', 'u');
SELECT icecat.drop_table('idem', '{n}', 'u');
SELECT pg_temp.key(5) \gset
SELECT icecat.create_table('idem', '{n}', 't', :'S') -> 'metadata' -> 'properties' ->> 'n' AS n;
SELECT pg_temp.key(12) \gset
SELECT icecat.drop_table('idem', '{n}', 'v');
SELECT icecat.drop_table('idem', '{n}', 'v');

-- A final error, recorded as the gateway does it: the repeat gets it although the call would now succeed.
SELECT pg_temp.key(13) \gset
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_error = 'IC103 Table does not exist: n.w';
SELECT icecat.drop_table('idem', '{n}', 'w') IS NULL AS recorded;
RESET icecat.idempotency_error;
SELECT pg_temp.key(0) \gset
SELECT icecat.create_table('idem', '{n}', 'w', :'S') IS NOT NULL AS made;
SELECT pg_temp.key(13) \gset
SELECT icecat.drop_table('idem', '{n}', 'w');
SELECT icecat.drop_table('idem', '{n}', 'x');

-- What succeeded meanwhile is not overwritten by an error: the success is shown. Passing errors, and what is no error, are not stored.
SELECT pg_temp.key(2) \gset
SET icecat.idempotency_error = 'IC203 too late';
SELECT icecat.update_namespace_properties('idem', '{n}', '{"b": "2"}', '{a,zz}');
SELECT pg_temp.key(14) \gset
SET icecat.idempotency_error = '55P03 canceling statement';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_error = 'IC501 storage';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_error = 'IC307 mismatch';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_error = 'IC';
SELECT icecat.drop_table('idem', '{n}', 'w');
SELECT set_config('icecat.idempotency_error', 'IC103 ' || repeat('ä', 100000), false) IS NOT NULL AS set;
SELECT pg_temp.key(15) \gset
SELECT icecat.drop_table('idem', '{n}', 'x') IS NULL AS recorded;
SELECT max(octet_length(message)) AS message_bytes FROM icecat_data.idempotency;
RESET icecat.idempotency_error;

-- Keys that are none.
SET icecat.idempotency_key = 'x';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_key = '017F22E2-79B0-4CC3-98C4-DC0C0C07398F';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_key = '017F22E2-79B0-7CC3-18C4-DC0C0C07398F';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_key = '017F22E279B07CC398C4DC0C0C07398F';
SELECT icecat.drop_table('idem', '{n}', 'w');
SET icecat.idempotency_key = '017F22E2-79B0-7CC3-98C4-DC0C0C07398F ';
SELECT icecat.drop_table('idem', '{n}', 'w');

-- Each change happened once.
RESET icecat.idempotency_key;
SELECT * FROM pg_temp.effects();
SELECT operation, sqlstate, object_id IS NOT NULL AS has_object, answer FROM icecat_data.idempotency ORDER BY key;

-- Expiry.
SELECT icecat.trim_idempotency();
UPDATE icecat_data.idempotency SET expires_at = now() - interval '1 second' WHERE operation LIKE 'create%';
SELECT icecat.trim_idempotency(1);
SELECT icecat.trim_idempotency();
SELECT icecat.trim_idempotency(0);
SELECT pg_temp.key(1) \gset
SELECT icecat.create_namespace('idem', '{n}', '{"a": "1"}');
SELECT pg_temp.key(0) \gset

-- Content deduplication: the same commit a second time changes nothing and gets the answer of the present state, although its requirement
-- no longer holds; other content, another table, another order of the same is another commit.
SELECT set_config('test.base', (extract(epoch FROM now()) * 1000)::bigint::text, false) IS NOT NULL AS set;
CREATE FUNCTION pg_temp.append(p_table text, p_snapshot bigint, p_parent bigint) RETURNS text LANGUAGE sql AS $$
	SELECT icecat.commit_table('idem', '{n}', p_table, json_build_array(json_build_object('type', 'assert-ref-snapshot-id', 'ref', 'main', 'snapshot-id', p_parent)),
		json_build_array(json_build_object('action', 'add-snapshot', 'snapshot', json_build_object('snapshot-id', p_snapshot, 'sequence-number', p_snapshot,
			'timestamp-ms', current_setting('test.base')::bigint + p_snapshot, 'summary', json_build_object('operation', 'append'), 'manifest-list', 's3://x', 'schema-id', 0)),
			json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch', 'snapshot-id', p_snapshot)))
		-> 'metadata' ->> 'current-snapshot-id' $$;
SELECT pg_temp.append('w', 1, NULL);
SELECT pg_temp.append('w', 1, NULL);
SET icecat.deduplicate = on;
SELECT pg_temp.append('w', 2, 1);
SELECT pg_temp.append('w', 3, 2);
SELECT pg_temp.append('w', 2, 1);
SELECT pg_temp.append('w', 1, NULL);
SELECT icecat.create_table('idem', '{n}', 'w2', :'S') IS NOT NULL AS made;
SELECT pg_temp.append('w2', 1, NULL);
SELECT pg_temp.append('w2', 1, NULL);
SELECT icecat.commit_transaction('idem', '[{"identifier": {"namespace": ["n"], "name": "w"}, "updates": [{"action": "set-properties", "updates": {"a": "1"}}]}, {"identifier": {"namespace": ["n"], "name": "w2"}, "updates": [{"action": "set-properties", "updates": {"a": "1"}}]}]');
SELECT icecat.commit_transaction('idem', '[{"identifier": {"namespace": ["n"], "name": "w2"}, "updates": [{"action": "set-properties", "updates": {"a": "1"}}]}, {"identifier": {"namespace": ["n"], "name": "w"}, "updates": [{"action": "set-properties", "updates": {"a": "1"}}]}]');
-- A refused commit leaves no trace: the same lands once it may.
SELECT pg_temp.append('w', 5, 4);
SELECT pg_temp.append('w', 4, 3);
SELECT pg_temp.append('w', 5, 4);
SELECT table_name, version FROM icecat.tables WHERE warehouse = 'idem' AND table_name LIKE 'w%' ORDER BY table_name;
-- Over renames: it is the table that counts. A new table of the old name is another one.
SELECT icecat.rename_table('idem', '{n}', 'w2', '{n}', 'w3');
SELECT pg_temp.append('w3', 1, NULL);
SELECT icecat.create_table('idem', '{n}', 'w2', :'S') IS NOT NULL AS made;
SELECT pg_temp.append('w2', 1, NULL);
-- After the window the same commit is a new one: here it fails, for its requirement is old.
UPDATE icecat_data.idempotency SET expires_at = now() - interval '1 second' WHERE operation = 'deduplicate';
SELECT pg_temp.append('w', 5, 4);
RESET icecat.deduplicate;
-- The same by a table property, and beside a key.
SELECT icecat.commit_table('idem', '{n}', 'w', NULL, '[{"action": "set-properties", "updates": {"icecat.deduplicate-commits": "true"}}]') IS NOT NULL AS made;
SELECT pg_temp.append('w', 6, 5);
SELECT pg_temp.append('w', 6, 5);
SELECT pg_temp.key(20) \gset
SELECT pg_temp.append('w', 6, 5);
SELECT pg_temp.append('w', 6, 5);
SELECT pg_temp.key(21) \gset
SELECT pg_temp.append('w', 7, 6);
SELECT pg_temp.key(0) \gset
SELECT pg_temp.append('w', 7, 6);
SELECT table_name, version FROM icecat.tables WHERE warehouse = 'idem' AND table_name LIKE 'w%' ORDER BY table_name;
SELECT icecat.drop_table('idem', '{n}', t) FROM unnest(ARRAY['w2', 'w3']) AS t;

SELECT icecat.drop_table('idem', '{n}', 'w');
SELECT icecat.drop_namespace('idem', '{n}');
SELECT icecat.drop_warehouse('idem');
SELECT count(*) FROM icecat_data.idempotency;
