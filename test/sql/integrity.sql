-- What people filter snapshots and logs by stands in columns; rows without them (version 0.1.0) say it in their texts. And
-- check_integrity() finds what is wrong, whole and in slices.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SELECT icecat.create_warehouse('it', 's3://b/it', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS ok;
SELECT icecat.create_namespace('it', '{n}') IS NOT NULL AS ok;
SELECT count(icecat.create_table('it', '{n}', 't' || i, '{"type":"struct","fields":[]}') IS NOT NULL) AS tables FROM generate_series(1, 20) AS i;
CREATE FUNCTION pg_temp.add(p_table text, p_id bigint, p_parent bigint, p_sequence bigint, p_operation text) RETURNS boolean LANGUAGE sql AS $$
	SELECT icecat.commit_table('it', '{n}', p_table, '[]', json_build_array(
		json_build_object('action', 'add-snapshot', 'snapshot', json_strip_nulls(json_build_object(
			'snapshot-id', p_id, 'parent-snapshot-id', p_parent, 'sequence-number', p_sequence,
			'timestamp-ms', (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
			'manifest-list', 's3://b/it/m', 'summary', json_build_object('operation', p_operation), 'schema-id', 0))),
		json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch', 'snapshot-id', p_id))) IS NOT NULL
$$;
SELECT pg_temp.add('t1', 1, NULL, 1, 'append') AND pg_temp.add('t1', 2, 1, 2, 'overwrite') AND pg_temp.add('t1', 3, 2, 3, 'delete') AS ok;
-- Back to the second, and on from there: the third is no ancestor any more.
SELECT icecat.commit_table('it', '{n}', 't1', '[]',
	'[{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":2}]') IS NOT NULL AS ok;
SELECT pg_temp.add('t1', 4, 2, 4, 'append') AND pg_temp.add('t2', 7, NULL, 1, 'append') AS ok;
SELECT pg_temp.add('t9', 11, NULL, 1, 'append') AND pg_temp.add('t9', 12, 11, 2, 'append') AS ok;

CREATE TEMPORARY TABLE seen AS
SELECT table_name, snapshot_id, parent_snapshot_id, timestamp_ms, committed_at, operation FROM icecat.snapshots WHERE warehouse = 'it';
CREATE TEMPORARY TABLE log_seen AS SELECT * FROM icecat.history WHERE warehouse = 'it';
SELECT table_name, snapshot_id, parent_snapshot_id, operation, committed_at = to_timestamp(timestamp_ms / 1000.0) AS same_time FROM seen ORDER BY 1, 2;
SELECT table_name, ordinal, snapshot_id, parent_snapshot_id, is_current_ancestor FROM log_seen ORDER BY 1, 2;
SELECT kind, count(*) AS rows, count(at_ms) AS with_time, count(operation) AS with_operation, count(target) AS with_target
FROM icecat_data.table_part JOIN icecat.warehouses USING (warehouse_id) WHERE warehouse = 'it' AND kind IN (4, 6, 7) GROUP BY 1 ORDER BY 1;

-- As in rows of before: the views say the same.
BEGIN;
UPDATE icecat_data.table_part SET at_ms = NULL, operation = NULL, target = CASE WHEN kind = 6 THEN target END WHERE kind IN (4, 6, 7);
SELECT * FROM seen EXCEPT SELECT table_name, snapshot_id, parent_snapshot_id, timestamp_ms, committed_at, operation FROM icecat.snapshots WHERE warehouse = 'it';
SELECT * FROM log_seen EXCEPT SELECT * FROM icecat.history WHERE warehouse = 'it';
SELECT * FROM icecat.check_integrity('it');
ROLLBACK;

-- Nothing is wrong, and then much is.
SELECT * FROM icecat.check_integrity('it');
BEGIN;
CREATE FUNCTION pg_temp.id(p_table text) RETURNS uuid LANGUAGE sql AS $$ SELECT table_id FROM icecat.tables WHERE warehouse = 'it' AND table_name = p_table $$;
UPDATE icecat_data.table_part SET operation = 'delete' WHERE table_id = pg_temp.id('t1') AND kind = 4 AND id = 1;
UPDATE icecat_data.table_part SET target = 1 WHERE table_id = pg_temp.id('t1') AND kind = 4 AND id = 3;
UPDATE icecat_data.table_part SET at_ms = at_ms + 1 WHERE table_id = pg_temp.id('t1') AND kind = 4 AND id = 4;
UPDATE icecat_data.table_part SET at_ms = at_ms + 1 WHERE table_id = pg_temp.id('t2') AND kind = 6;
UPDATE icecat_data.table_part SET body = regexp_replace(body::text, '"sequence-number" *: *2', '"sequence-number":1')::json WHERE table_id = pg_temp.id('t9') AND kind = 4 AND id = 12;
UPDATE icecat_data.table_head SET current_schema_id = 9 WHERE table_id = pg_temp.id('t3');
UPDATE icecat_data.table_part SET ordinal = 100 << 20 WHERE table_id = pg_temp.id('t4') AND kind = 1;
UPDATE icecat_data.table_part SET removed_version = 50 WHERE table_id = pg_temp.id('t5') AND kind = 2;
DELETE FROM icecat_data.relation WHERE name = 't6';
DELETE FROM icecat_data.table_head WHERE table_id = pg_temp.id('t7');
UPDATE icecat_data.relation SET namespace_id = gen_random_uuid() WHERE name = 't8';
DELETE FROM icecat_data.warehouse_secret WHERE warehouse_id IN (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = 'it');
INSERT INTO icecat_data.namespace SELECT gen_random_uuid(), gen_random_uuid(), NULL, '{lost}', '\x00', '{}', now();
-- (Other tests' workers may still be at it in other warehouses.)
CREATE TEMPORARY TABLE found AS SELECT * FROM icecat.check_integrity() WHERE warehouse = 'it' OR object = 'namespace';
SELECT regexp_replace(problem, '[0-9a-f]{8}-[-0-9a-f]{27}', '(id)') AS problem, count(*) FROM found GROUP BY 1 ORDER BY min(problem) COLLATE "C";
-- In slices: the same, and a table is in one of them only.
SELECT count(*) AS slices, bool_or(n > 0) AS found FROM (
	SELECT s, (SELECT count(*) FROM icecat.check_integrity_slice(NULL, s, 7)) AS n FROM generate_series(1, 7) AS s) AS x;
SELECT * FROM found EXCEPT ALL SELECT c.* FROM generate_series(1, 7) AS s, icecat.check_integrity_slice(NULL, s, 7) AS c WHERE c.warehouse = 'it' OR c.object = 'namespace';
SELECT c.* FROM generate_series(1, 7) AS s, icecat.check_integrity_slice(NULL, s, 7) AS c WHERE c.warehouse = 'it' OR c.object = 'namespace' EXCEPT ALL SELECT * FROM found;
SELECT (SELECT count(*) FROM icecat.check_integrity_slice('it', 0, 7)) AS none, (SELECT count(*) FROM icecat.check_integrity_slice('it', 1, 0)) AS whole;
ROLLBACK;

-- What the history calls: chains that end, branch off and close a circle.
SELECT icecat._ancestors(3, '{1,2,3}', '{NULL,1,2}') AS chain, icecat._ancestors(3, '{3,2,9}', '{2,1,2}') AS ends_early,
	icecat._ancestors(1, '{1,2}', '{2,1}') AS circle, icecat._ancestors(-1, '{1,2}', '{2,1}') AS none, icecat._ancestors(1, '{}', '{}') AS empty;
SELECT icecat._ancestors(1, '{1,2}', '{1}');
SELECT icecat._is_among('{1,5,9}', i) AS among FROM generate_series(0, 10) AS i WHERE icecat._is_among('{1,5,9}', i) OR icecat._is_among('{}', i);
SELECT icecat._is_among(NULL, 1), icecat._is_among('{1}', NULL);
SELECT count(icecat.drop_table('it', '{n}', 't' || i)) AS dropped FROM generate_series(1, 20) AS i;
SELECT icecat.drop_namespace('it', '{n}');
SELECT icecat.drop_warehouse('it');
