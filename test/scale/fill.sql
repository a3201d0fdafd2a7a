-- Fills a warehouse of its own by copying the rows of one table made through the API: far faster than 100,000 calls, and
-- the rows are those that the calls would make.
--
--   :warehouse :tables :snapshots   tables t0 … in namespace "all", with that many snapshots each, appended one by one
--   :siblings                       further namespaces s0 … at the top
--
-- SPDX-License-Identifier: PostgreSQL
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SELECT icecat.create_warehouse(:'warehouse', 's3://scale/' || :'warehouse', '{"icecat.metadata-write-mode": "none"}');
SELECT icecat.create_namespace(:'warehouse', '{all}');
SELECT count(icecat.create_namespace(:'warehouse', ARRAY['s' || i]) IS NOT NULL) FROM generate_series(0, :siblings - 1) AS i;
SELECT icecat.create_table(:'warehouse', '{all}', 't0', (SELECT json_build_object('type', 'struct', 'schema-id', 0, 'fields',
	json_agg(json_build_object('id', i, 'name', 'column_' || i, 'required', false, 'type', (ARRAY['long', 'string', 'timestamptz', 'double'])[1 + i % 4])))
	FROM generate_series(1, 12) AS i), p_properties => '{"write.metadata.previous-versions-max": "1"}') IS NOT NULL;
SELECT count(icecat.commit_table(:'warehouse', '{all}', 't0', '[]', json_build_array(
	json_build_object('action', 'add-snapshot', 'snapshot', json_build_object(
		'snapshot-id', 1000 + n, 'parent-snapshot-id', CASE WHEN n > 1 THEN 999 + n END, 'sequence-number', n,
		'timestamp-ms', (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000 + n,
		'manifest-list', format('s3://scale/all/t0/metadata/snap-%s-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro', n),
		'summary', json_build_object('operation', 'append', 'added-data-files', '4', 'added-records', '4000',
			'added-files-size', '123456', 'total-data-files', (4 * n)::text, 'total-records', (4000 * n)::text), 'schema-id', 0)),
	json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch', 'snapshot-id', 1000 + n))) IS NOT NULL)
FROM generate_series(1, :snapshots) AS n;

CREATE TEMPORARY TABLE model AS
SELECT r.warehouse_id, r.relation_id AS table_id, r.namespace_id
FROM icecat_data.relation AS r
JOIN icecat_data.warehouse AS w ON w.warehouse_id = r.warehouse_id
WHERE w.name = :'warehouse' AND r.name = 't0';
CREATE TEMPORARY TABLE copy AS
SELECT i, gen_random_uuid() AS table_id FROM generate_series(1, :tables - 1) AS i;
ANALYZE model, copy;

-- A row of a copy is the model's row with its own ids in it.
INSERT INTO icecat_data.relation
SELECT (json_populate_record(r, json_build_object('relation_id', c.table_id, 'name', 't' || c.i))).*
FROM copy AS c, model AS m
JOIN icecat_data.relation AS r ON r.warehouse_id = m.warehouse_id AND r.relation_id = m.table_id;
INSERT INTO icecat_data.table_head
SELECT (json_populate_record(h, json_build_object('table_id', c.table_id, 'table_uuid', c.table_id))).*
FROM copy AS c, model AS m
JOIN icecat_data.table_head AS h ON h.warehouse_id = m.warehouse_id AND h.table_id = m.table_id;
INSERT INTO icecat_data.table_part (warehouse_id, table_id, kind, ordinal, id, key, target, removed_version, body, at_ms, operation)
SELECT p.warehouse_id, c.table_id, p.kind, p.ordinal, p.id, p.key, p.target, p.removed_version, p.body, p.at_ms, p.operation
FROM copy AS c, model AS m
JOIN icecat_data.table_part AS p ON p.warehouse_id = m.warehouse_id AND p.table_id = m.table_id
WHERE p.removed_version IS NULL;
DROP TABLE model, copy;
