-- Many commits of one table in one call: each is answered as a call alone would be, and a refused one takes nothing from the others.
\set VERBOSITY terse
\set S '{"type": "struct", "fields": [{"id": 1, "name": "a", "required": false, "type": "long"}]}'
SELECT icecat.create_warehouse(w, 's3://lake/' || w, '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made,
	icecat.create_namespace(w, '{n}') IS NOT NULL AS made, icecat.create_table(w, '{n}', 't', :'S') IS NOT NULL AS made
FROM unnest('{alone,group}'::text[]) AS w;

CREATE FUNCTION pg_temp.set(p_key text, p_value text, p_requirements text DEFAULT '[]') RETURNS text LANGUAGE sql AS $$
	SELECT format('{"requirements": %s, "updates": [{"action": "set-properties", "updates": {"%s": "%s"}}]}', p_requirements, p_key, p_value) $$;
CREATE FUNCTION pg_temp.append(p_id bigint, p_sequence bigint, p_parent bigint, p_ref text DEFAULT 'main') RETURNS text LANGUAGE sql AS $$
	SELECT format('{"requirements": [{"type": "assert-ref-snapshot-id", "ref": "%s", "snapshot-id": %s}], "updates": [
		{"action": "add-snapshot", "snapshot": {"snapshot-id": %s, %s "sequence-number": %s, "timestamp-ms": %s, "manifest-list": "s3://lake/m%s.avro", "summary": {"operation": "append"}, "schema-id": 0}},
		{"action": "set-snapshot-ref", "ref-name": "%s", "type": "branch", "snapshot-id": %s}]}',
		p_ref, coalesce(p_parent::text, 'null'), p_id, '"parent-snapshot-id": ' || p_parent || ',', p_sequence, (extract(epoch FROM now()) * 1000)::bigint, p_id, p_ref, p_id) $$;

CREATE TEMP TABLE request (n serial, what text, body text, key text, deduplicate text);
INSERT INTO request (what, body, key, deduplicate) VALUES
	('a property', pg_temp.set('a', '1'), NULL, NULL),
	('an append', pg_temp.append(1, 1, NULL), NULL, NULL),
	('a stale append', pg_temp.append(2, 2, NULL), NULL, NULL),
	('an append to that', pg_temp.append(3, 2, 1), NULL, NULL),
	('another branch', pg_temp.append(5, 3, NULL, 'side'), NULL, NULL),
	('a tag', '{"requirements": [], "updates": [{"action": "set-snapshot-ref", "ref-name": "v1", "type": "tag", "snapshot-id": 3}]}', NULL, NULL),
	('no JSON', '{"requirements": [', NULL, NULL),
	('no request', NULL, NULL, NULL),
	('an unknown update', '{"requirements": [], "updates": [{"action": "make-coffee"}]}', NULL, NULL),
	('half of it wrong', '{"requirements": [], "updates": [{"action": "set-properties", "updates": {"half": "1"}}, {"action": "remove-schemas", "schema-ids": [0]}]}', NULL, NULL),
	('nothing', '{"requirements": [], "updates": []}', NULL, NULL),
	('with a key', pg_temp.set('k', '1'), '017F22E2-79B0-7CC3-98C4-000000000001', NULL),
	('the same key and request', pg_temp.set('k', '1'), '017F22E2-79B0-7CC3-98C4-000000000001', NULL),
	('the same key, another request', pg_temp.set('k', '2'), '017F22E2-79B0-7CC3-98C4-000000000001', NULL),
	('a refused one with a key', pg_temp.set('k', '3', '[{"type": "assert-table-uuid", "uuid": "017f22e2-79b0-7cc3-98c4-000000000000"}]'), '017F22E2-79B0-7CC3-98C4-000000000002', NULL),
	('that key again', pg_temp.set('k', '4'), '017F22E2-79B0-7CC3-98C4-000000000002', NULL),
	('no key', pg_temp.set('k', '5'), 'once', NULL),
	('deduplicated', pg_temp.set('d', '1'), NULL, 'on'),
	('the same', pg_temp.set('d', '1'), NULL, 'on'),
	('the same, not deduplicated', pg_temp.set('d', '1'), NULL, 'off'),
	('no value of the setting', pg_temp.set('d', '2'), NULL, 'perhaps'),
	('the last', pg_temp.set('a', '2'), NULL, NULL);

CREATE TYPE pg_temp.answer AS (body json, etag text, large boolean, pending text, secret boolean, sqlstate text, message text, detail text, hint text, again boolean);
CREATE FUNCTION pg_temp.alone(p request) RETURNS pg_temp.answer LANGUAGE plpgsql AS $$
DECLARE
	v pg_temp.answer;
	r record;
BEGIN
	v.again := false;
	BEGIN
		PERFORM set_config('icecat.request_id', 'request ' || p.n, true), set_config('icecat.client_address', '192.0.2.' || p.n, true),
			set_config('application_name', 'client ' || p.n, true), set_config('icecat.idempotency_key', coalesce(p.key, ''), true);
		PERFORM set_config('icecat.deduplicate', coalesce(p.deduplicate, 'off'), true);
		SELECT * INTO r FROM icecat.rest_commit_table('alone', '{n}', 't', icecat._rest_body(p.body));
		v.body := r.body; v.etag := r.etag; v.large := r.large; v.pending := icecat._pending_files(); v.secret := icecat._answer_is_secret();
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS v.sqlstate := RETURNED_SQLSTATE, v.message := MESSAGE_TEXT, v.detail := PG_EXCEPTION_DETAIL, v.hint := PG_EXCEPTION_HINT;
		v.detail := nullif(v.detail, ''); v.hint := nullif(v.hint, '');
	END;
	RETURN v;
END $$;
-- What differs in any case: names of files, ids, times, tags.
CREATE FUNCTION pg_temp.masked(p text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(regexp_replace(p, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', 'g'), '\m1[0-9]{12}\M', 'TIME', 'g'), 'lake/(alone|group)', 'lake/W', 'g') $$;

SET client_min_messages = warning;
-- A value that its setting cannot have concerns the call, not the request.
SELECT * FROM icecat.rest_commit_table_group('group', '{n}', 't', ARRAY[pg_temp.set('a', '1'), pg_temp.set('a', '2')], NULL, NULL, NULL, '{on,perhaps}');
SELECT version FROM icecat.tables WHERE warehouse = 'group';
DELETE FROM request WHERE what = 'no value of the setting';

CREATE TEMP TABLE alone AS SELECT n, a.* FROM (SELECT n, pg_temp.alone(request) AS r FROM request ORDER BY n) AS s, LATERAL (SELECT (s.r).*) AS a;
CREATE TEMP TABLE grouped AS
SELECT r.n, g.* FROM (SELECT array_agg(body ORDER BY n) AS bodies, array_agg('request ' || n ORDER BY n) AS ids, array_agg('192.0.2.' || n ORDER BY n) AS addresses,
		array_agg(key ORDER BY n) AS keys, array_agg(deduplicate ORDER BY n) AS flags, array_agg('client ' || n ORDER BY n) AS names FROM request) AS a,
	LATERAL icecat.rest_commit_table_group('group', '{n}', 't', a.bodies, a.ids, a.addresses, a.keys, a.flags, a.names) WITH ORDINALITY AS g
JOIN (SELECT n, row_number() OVER (ORDER BY n) AS ordinality FROM request) AS r USING (ordinality);
RESET client_min_messages;

-- The same answers, and the same errors.
SELECT n, r.what, g.sqlstate, pg_temp.masked(g.message) AS message, g.detail, g.body IS NOT NULL AS body
FROM request AS r JOIN grouped AS g USING (n) ORDER BY n;
SELECT n, pg_temp.masked(a.body::text) = pg_temp.masked(g.body::text) AS body, a.etag, g.etag
FROM alone AS a JOIN grouped AS g USING (n)
WHERE pg_temp.masked(a.body::text) IS DISTINCT FROM pg_temp.masked(g.body::text)
	OR (a.sqlstate, pg_temp.masked(a.message), a.detail, a.hint, a.large, a.secret, a.again) IS DISTINCT FROM (g.sqlstate, pg_temp.masked(g.message), g.detail, g.hint, g.large, g.secret, g.again)
	OR substring(a.etag FROM 'all-[0-9]+') IS DISTINCT FROM substring(g.etag FROM 'all-[0-9]+');

-- The same versions, events and rows of the audit log, each with its request.
SELECT warehouse, version FROM icecat.tables WHERE warehouse IN ('alone', 'group') ORDER BY warehouse;
SELECT (a.metadata ->> 'properties') AS properties, pg_temp.masked(a.metadata ->> 'refs') = pg_temp.masked(g.metadata ->> 'refs') AS refs
FROM (SELECT icecat.load_table('alone', '{n}', 't') -> 'metadata' AS metadata) AS a, (SELECT icecat.load_table('group', '{n}', 't') -> 'metadata' AS metadata) AS g;
SELECT warehouse, string_agg(request_id, ', ' ORDER BY version) AS requests FROM icecat.audit_log WHERE warehouse IN ('alone', 'group') AND request_id <> '' GROUP BY warehouse ORDER BY warehouse;
SELECT count(*) FROM icecat.audit_log AS a WHERE warehouse = 'group' AND request_id <> '' AND client_address IS DISTINCT FROM '192.0.2.' || substring(request_id FROM 9);
-- The settings are as before.
SELECT current_setting('icecat.request_id') AS request, current_setting('application_name') LIKE 'client%' AS application, current_setting('icecat.idempotency_key') AS key;

-- All bodies together are bounded; commits whose bodies have no room are left for another call. One that has no room even alone is read in pieces.
SET icecat.answer_bytes_max = '10kB';
SELECT body IS NULL AS left_out, large, etag IS NOT NULL AS tagged, again FROM icecat.rest_commit_table_group('group', '{n}', 't', array_fill(pg_temp.set('b', repeat('x', 3000)), '{4}'));
SET icecat.answer_bytes_max = '2kB';
SELECT body IS NULL AS left_out, large, etag IS NOT NULL AS tagged, again FROM icecat.rest_commit_table_group('group', '{n}', 't', array_fill(pg_temp.set('b', 'x'), '{2}'));
RESET icecat.answer_bytes_max;

-- A table that is made by the first.
SELECT sqlstate, message, body -> 'metadata' ->> 'properties' AS properties
FROM icecat.rest_commit_table_group('group', '{n}', 'made', ARRAY[pg_temp.set('a', '1'), format('{"requirements": [{"type": "assert-create"}], "updates": [{"action": "add-schema", "schema": %s}, {"action": "set-current-schema", "schema-id": -1},
	{"action": "add-spec", "spec": {"fields": []}}, {"action": "set-default-spec", "spec-id": -1}, {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1}]}', :'S'),
	pg_temp.set('a', '2')]);

-- Arguments.
SELECT count(*) FROM icecat.rest_commit_table_group('group', '{n}', 't', '{}');
SELECT * FROM icecat.rest_commit_table_group('group', '{n}', 't', NULL);
SELECT * FROM icecat.rest_commit_table_group('group', '{n}', 't', '{{a},{b}}');
SELECT * FROM icecat.rest_commit_table_group('group', '{n}', 't', '{a,b}', '{one}');
SET icecat.commit_group_max = 2;
SELECT count(*) FROM icecat.rest_commit_table_group('group', '{n}', 't', '{a,b}');
SELECT * FROM icecat.rest_commit_table_group('group', '{n}', 't', '{a,b,c}');
RESET icecat.commit_group_max;
SELECT sqlstate, message FROM icecat.rest_commit_table_group('none', '{n}', 't', '{a}');

-- Who may call it may not do more with it than with calls alone.
CREATE ROLE regress_group;
SELECT icecat.grant_user('regress_group');
SET ROLE regress_group;
SELECT sqlstate, message FROM icecat.rest_commit_table_group('group', '{n}', 't', ARRAY[pg_temp.set('a', '3')]);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION icecat.rest_commit_table(text, text[], text, json) FROM regress_group;
SET ROLE regress_group;
SELECT sqlstate, message FROM icecat.rest_commit_table_group('group', '{n}', 't', ARRAY[pg_temp.set('a', '3')]);
RESET ROLE;
SELECT icecat.revoke_user('regress_group');
DROP ROLE regress_group;

-- What concerns the transaction ends all of it.
BEGIN READ ONLY;
SELECT sqlstate, message FROM icecat.rest_commit_table_group('group', '{n}', 't', ARRAY[pg_temp.set('a', '3')]);
ROLLBACK;

SELECT * FROM icecat.check_integrity();
SELECT icecat.drop_table(warehouse, namespace, table_name) FROM icecat.tables WHERE warehouse IN ('alone', 'group');
SELECT icecat.drop_namespace(w, '{n}'), icecat.drop_warehouse(w) FROM unnest('{alone,group}'::text[]) AS w;
