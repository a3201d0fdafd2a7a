-- bench.append: one attempt to append to table "one"; true if it landed.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.outcome (landed boolean);
CREATE FUNCTION bench.append(p_warehouse text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	v_head icecat_data.table_head;
	v_id bigint := (random() * 9e15)::bigint + 1;
BEGIN
	SELECT h.* INTO v_head
	FROM icecat_data.warehouse AS w
	JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id AND r.name = 'one' AND r.dropped_at IS NULL
	JOIN icecat_data.table_head AS h ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id
	WHERE w.name = p_warehouse;
	PERFORM icecat.commit_table(p_warehouse, '{bench}', 'one',
		format('[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":%s}]', v_head.current_snapshot_id)::json,
		format('[{"action":"add-snapshot","snapshot":{"snapshot-id":%s,"parent-snapshot-id":%s,"sequence-number":%s,"timestamp-ms":%s,"manifest-list":"file:///warehouse/bench/metadata/snap-%s-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro","summary":{"operation":"append","added-data-files":"4","added-records":"4000","added-files-size":"123456","total-data-files":"4","total-records":"4000"},"schema-id":0}},{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":%s}]',
			v_id, v_head.current_snapshot_id, v_head.last_sequence_number + 1,
			(extract(epoch FROM clock_timestamp()) * 1000)::bigint + 20000, v_id, v_id)::json);
	RETURN true;
EXCEPTION WHEN SQLSTATE 'IC203' THEN
	RETURN false;
END $$;
