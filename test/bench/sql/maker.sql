-- pg_temp.make_table: table p_name of namespace bench with p_snapshots snapshots, at p_place (NULL: where the catalog puts it, and its
-- manifest lists nowhere near). The one that is there goes. Old metadata files are deleted, so that a run does not fill the disk.
SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION pg_temp.make_table(p_warehouse text, p_name text, p_snapshots integer, p_place text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_properties json := '{"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "5"}';
	v_schema json := (SELECT json_build_object('type', 'struct', 'schema-id', 0, 'fields', json_agg(json_build_object(
		'id', i, 'name', 'column_' || i, 'required', false, 'type', (ARRAY['long', 'string', 'timestamptz', 'double'])[1 + i % 4])))
		FROM generate_series(1, 12) AS i);
	v_updates json;
BEGIN
	IF icecat.table_exists(p_warehouse, '{bench}', p_name) THEN
		PERFORM icecat.drop_table(p_warehouse, '{bench}', p_name);
	END IF;
	PERFORM icecat.create_table(p_warehouse, '{bench}', p_name, v_schema, p_location => p_place, p_properties => v_properties);
	SELECT json_agg(u.body ORDER BY n, u.at) INTO v_updates
	FROM generate_series(1, p_snapshots) AS n, LATERAL (VALUES
		(1, json_build_object('action', 'add-snapshot', 'snapshot', json_build_object(
			'snapshot-id', n, 'parent-snapshot-id', nullif(n - 1, 0), 'sequence-number', n,
			'timestamp-ms', (extract(epoch FROM clock_timestamp()) * 1000)::bigint + n,
			'manifest-list', format('%s/metadata/snap-%s-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro',
				coalesce(p_place, 'file:///warehouse/bench/' || p_name), n),
			'summary', json_build_object('operation', 'append', 'added-data-files', '4', 'added-records', '4000',
				'added-files-size', '123456', 'total-data-files', (4 * n)::text, 'total-records', (4000 * n)::text),
			'schema-id', 0))),
		(2, json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch', 'snapshot-id', n))
	) AS u (at, body)
	WHERE u.at = 1 OR n = p_snapshots;
	PERFORM icecat.commit_table(p_warehouse, '{bench}', p_name, '[]', v_updates);
END $$;
