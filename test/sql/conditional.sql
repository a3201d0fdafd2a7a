-- Entity tags, If-None-Match and snapshots=refs.
\set VERBOSITY terse
SELECT icecat.create_warehouse('conditional_test', 's3://lake', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('conditional_test', '{n}') IS NOT NULL AS made;

CREATE FUNCTION pg_temp.tag(p_table text, p_snapshots text DEFAULT 'all') RETURNS text LANGUAGE sql AS
	$$ SELECT etag FROM icecat.rest_load_table('conditional_test', '{n}', p_table, NULL, p_snapshots) $$;
CREATE FUNCTION pg_temp.sent(p_if_none_match text, p_snapshots text DEFAULT 'all') RETURNS boolean LANGUAGE sql AS
	$$ SELECT body IS NOT NULL FROM icecat.rest_load_table('conditional_test', '{n}', 't', p_if_none_match, p_snapshots) $$;
CREATE FUNCTION pg_temp.snapshot(p_id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('{"action": "add-snapshot", "snapshot": {"snapshot-id": %s, "sequence-number": %s, "timestamp-ms": %s,
		"manifest-list": "s3://lake/%s.avro", "summary": {"operation": "append"}}}', p_id, p_id,
		(extract(epoch FROM now()) * 1000)::bigint + p_id, p_id) $$;
CREATE FUNCTION pg_temp.ref(p_name text, p_type text, p_id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('{"action": "set-snapshot-ref", "ref-name": "%s", "type": "%s", "snapshot-id": %s}', p_name, p_type, p_id) $$;

-- Creation, load and commit of a state give one tag.
CREATE TEMP TABLE made AS SELECT * FROM icecat.rest_create_table('conditional_test', '{n}',
	'{"name": "t", "schema": {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "long", "required": true}]}}');
SELECT etag ~ '^W/"[!#-~]+"$' AS weak, large, body ->> 'metadata-location' IS NOT NULL AS sent FROM made;
SELECT etag = pg_temp.tag('t') AS same FROM made;
SELECT (s.r).etag = pg_temp.tag('t') AS same_after_commit, (s.r).etag <> made.etag AS changed, (s.r).body::jsonb ? 'config' AS config
FROM made, (SELECT icecat.rest_commit_table('conditional_test', '{n}', 't', '{"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]}') AS r OFFSET 0) AS s;
-- A commit that changes nothing changes no tag. A staged table has none.
SELECT (icecat.rest_commit_table('conditional_test', '{n}', 't', '{"requirements": [], "updates": []}')).etag = pg_temp.tag('t') AS same;
SELECT etag, body -> 'metadata' IS NOT NULL AS sent FROM icecat.rest_create_table('conditional_test', '{n}',
	'{"name": "staged", "stage-create": true, "schema": {"type": "struct", "fields": []}}');

-- If-None-Match: lists, weak comparison, *, and what is no list.
SELECT pg_temp.tag('t') AS tag \gset
SELECT substr(:'tag', 3) AS strong \gset
SELECT if_none_match_is, pg_temp.sent(value) AS sent FROM (VALUES
	('the tag', :'tag'), ('its strong form', :'strong'), ('a list', '"x", W/"y,z" ,,' || :'tag' || ' '), ('*', ' * '), ('nothing', NULL), ('empty', ''),
	('another', '"x"'), ('unquoted', trim(BOTH '"' FROM :'strong')), ('w/', 'w' || substr(:'tag', 2)), ('with more', :'tag' || ' x'),
	('broken behind', :'tag' || ', "x'), ('* in a list', '*, ' || :'tag'), ('a part', substr(:'strong', 1, 12) || '"'), ('blank inside', '"a b", ' || :'tag'),
	('no comma', '"x"' || :'tag')) AS v (if_none_match_is, value);
SELECT body, etag = :'tag' AS same, large FROM icecat.rest_load_table('conditional_test', '{n}', 't', :'tag');
-- Over the limit: the tag, and no body.
SET icecat.answer_bytes_max = '100B';
SELECT body, etag = :'tag' AS same, large FROM icecat.rest_load_table('conditional_test', '{n}', 't');
SELECT icecat.load_table('conditional_test', '{n}', 't') IS NOT NULL AS sent;
SET icecat.answer_bytes_max = '100kB';
SELECT body IS NOT NULL AS sent, large FROM icecat.rest_load_table('conditional_test', '{n}', 't');
RESET icecat.answer_bytes_max;

-- Another representation is another tag. A rename changes nothing; drop and create anew does.
SELECT pg_temp.tag('t', 'refs') <> :'tag' AS other, pg_temp.sent(:'tag', 'refs') AS sent;
SELECT icecat.load_table('conditional_test', '{n}', 't', 'some');
SELECT icecat.rename_table('conditional_test', '{n}', 't', '{n}', 't2');
SELECT pg_temp.tag('t2') = :'tag' AS same;
SELECT icecat.rename_table('conditional_test', '{n}', 't2', '{n}', 't');
SELECT icecat.rest_load_table('conditional_test', '{n}', 'nothing', '*');

-- A thousand snapshots, of which refs point to three.
DO $$ BEGIN
	PERFORM icecat.commit_table('conditional_test', '{n}', 't', '[]', ('[' || pg_temp.snapshot(i) || ',' || pg_temp.ref('main', 'branch', i) || ']')::json)
	FROM generate_series(1, 100) AS i;
	PERFORM icecat.commit_table('conditional_test', '{n}', 't', '[]', ('[' || string_agg(pg_temp.snapshot(i), ',') || ']')::json)
	FROM generate_series(101, 1000) AS i;
	PERFORM icecat.commit_table('conditional_test', '{n}', 't', '[]', ('[' || pg_temp.ref('audit', 'branch', 500) || ',' || pg_temp.ref('v1', 'tag', 20)
		|| ',' || pg_temp.ref('v1b', 'tag', 20) || ']')::json);
END $$;
CREATE TEMP TABLE answer AS SELECT icecat.load_table('conditional_test', '{n}', 't') AS everything, icecat.load_table('conditional_test', '{n}', 't', 'refs') AS refs;
SELECT array_agg(s ->> 'snapshot-id') AS kept FROM answer, json_array_elements(refs -> 'metadata' -> 'snapshots') AS s;
SELECT json_array_length(everything -> 'metadata' -> 'snapshots') AS everything, json_array_length(refs -> 'metadata' -> 'snapshot-log') AS log,
	(everything::jsonb #- '{metadata,snapshots}') = (refs::jsonb #- '{metadata,snapshots}') AS rest_is_the_same FROM answer;

-- The rows of the others are not read; a 304 reads none at all.
CREATE TEMP VIEW now AS SELECT idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relid = 'icecat_data.table_part'::regclass;
BEGIN;
CREATE TEMP TABLE tags AS SELECT pg_temp.tag('t') AS tag;
CREATE TEMP TABLE seen AS SELECT rows FROM now;
SELECT body IS NULL AS not_modified FROM icecat.rest_load_table('conditional_test', '{n}', 't', (SELECT tag FROM tags));
SELECT now.rows - seen.rows AS parts_read_for_304 FROM seen, now;
UPDATE seen SET rows = now.rows FROM now;
SELECT icecat.load_table('conditional_test', '{n}', 't', 'refs') IS NOT NULL AS loaded;
SELECT now.rows - seen.rows < 250 AS few_parts_read_for_refs FROM seen, now;
UPDATE seen SET rows = now.rows FROM now;
SELECT icecat.load_table('conditional_test', '{n}', 't') IS NOT NULL AS loaded;
SELECT now.rows - seen.rows >= 1000 AS all_parts_read_for_all FROM seen, now;
COMMIT;

-- In pieces: the tag, then a document that says the same, of all kinds of parts and of every format version.
CREATE FUNCTION pg_temp.pieces(p_table text, p_snapshots text) RETURNS TABLE (etag text, body json, pieces bigint, longest integer) LANGUAGE sql AS $$
	SELECT max(piece) FILTER (WHERE n = 1), (string_agg(piece, '' ORDER BY n) FILTER (WHERE n > 1))::json, count(*), max(octet_length(piece))
	FROM (SELECT row_number() OVER () AS n, piece FROM (SELECT icecat.rest_load_table_pieces('conditional_test', '{n}', p_table, p_snapshots) AS piece OFFSET 0) AS p) AS p $$;
SELECT icecat.commit_table('conditional_test', '{n}', 't', '[]', json_build_array(
	json_build_object('action', 'set-properties', 'updates', json_build_object('long', repeat('ü€', 200000))),
	json_build_object('action', 'set-statistics', 'statistics', json_build_object('snapshot-id', 20, 'statistics-path', 's3://lake/a.puffin',
		'file-size-in-bytes', 1, 'file-footer-size-in-bytes', 1, 'blob-metadata', '[]'::json)))) IS NOT NULL AS done;
SELECT v.version, s.shown, p.body::jsonb = icecat.load_table('conditional_test', '{n}', 't', s.shown)::jsonb AS same, p.etag = pg_temp.tag('t', s.shown) AS tag,
	p.pieces > 3 AS several, p.longest <= 262144 AS short
FROM (VALUES (2)) AS v (version), (VALUES ('all'), ('refs')) AS s (shown), pg_temp.pieces('t', s.shown) AS p ORDER BY s.shown;
-- However the planner reads the parts: by bitmaps, from end to end. (This session's plans are none by key from then on.)
CREATE FUNCTION pg_temp.same_in_pieces() RETURNS TABLE (shown text, same boolean) LANGUAGE sql AS $$
	SELECT s.shown, p.body::jsonb = icecat.load_table('conditional_test', '{n}', 't', s.shown)::jsonb
	FROM (VALUES ('all'), ('refs')) AS s (shown), pg_temp.pieces('t', s.shown) AS p ORDER BY s.shown $$;
SET icecat.key_scans_required = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_sort = off; DISCARD PLANS;
SELECT * FROM pg_temp.same_in_pieces();
SET enable_bitmapscan = off; SET enable_hashagg = off; DISCARD PLANS;
SELECT * FROM pg_temp.same_in_pieces();
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan; RESET enable_sort; RESET enable_hashagg; DISCARD PLANS;
SELECT v, icecat.create_table('conditional_test', '{n}', 'v' || v, '{"type": "struct", "fields": [{"id": 1, "name": "a", "type": "long", "required": true}]}',
	p_partition_spec => '{"spec-id": 0, "fields": [{"name": "a", "source-id": 1, "field-id": 1000, "transform": "identity"}]}',
	p_properties => json_build_object('format-version', v::text)) IS NOT NULL AS made FROM generate_series(1, 3) AS v;
SELECT v, body::jsonb = icecat.load_table('conditional_test', '{n}', 'v' || v)::jsonb AS same, pieces
FROM generate_series(1, 3) AS v, pg_temp.pieces('v' || v, 'all') ORDER BY v;
SELECT icecat.drop_table('conditional_test', '{n}', 'v' || v) FROM generate_series(1, 3) AS v;
SELECT icecat.rest_load_table_pieces('conditional_test', '{n}', 'nothing');
SELECT icecat.rest_load_table_pieces('conditional_test', '{n}', 't', 'some');
-- A query that stops early leaves nothing behind.
SELECT length(piece) > 0 AS got FROM (SELECT icecat.rest_load_table_pieces('conditional_test', '{n}', 't') AS piece OFFSET 0) AS p LIMIT 1;
SELECT count(*) AS cursors FROM pg_cursors;

-- Made again under its name: another tag.
SELECT pg_temp.tag('t') AS tag \gset
SELECT icecat.drop_table('conditional_test', '{n}', 't');
SELECT icecat.rest_load_table('conditional_test', '{n}', 't', :'tag');
SELECT (icecat.rest_create_table('conditional_test', '{n}', '{"name": "t", "schema": {"type": "struct", "fields": []}}')).etag <> made.etag AS other FROM made;
SELECT pg_temp.sent(etag) AS sent FROM made;

SELECT icecat.drop_table('conditional_test', '{n}', 't');
SELECT icecat.drop_namespace('conditional_test', '{n}');
SELECT icecat.drop_warehouse('conditional_test');
