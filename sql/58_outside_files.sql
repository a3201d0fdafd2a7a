-- Files of snapshots outside of the folders of their table: what was found, and what is still to be looked at.
-- Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE VIEW icecat.outside_files WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, r.name AS table_name, x.snapshot_id, x.path, x.found_at, x.table_id, w.warehouse_id
FROM icecat_data.outside_file AS x
JOIN icecat_data.warehouse AS w ON w.warehouse_id = x.warehouse_id
JOIN icecat_data.relation AS r ON r.warehouse_id = x.warehouse_id AND r.relation_id = x.table_id AND r.dropped_at IS NULL
JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id
WHERE (SELECT icecat._sees_all('manage')) OR w.warehouse_id IN (SELECT icecat._seen('manage'))
	OR n.namespace_id IN (SELECT icecat._seen('manage')) OR r.relation_id IN (SELECT icecat._seen('manage'));
COMMENT ON VIEW icecat.outside_files IS 'Files that snapshots name and that lie outside of the folders of their table, in warehouses whose icecat.outside-files is report, of tables that the role manages';
COMMENT ON COLUMN icecat.outside_files.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.outside_files.namespace IS 'Levels of the namespace, from the top';
COMMENT ON COLUMN icecat.outside_files.table_name IS 'Name of the table';
COMMENT ON COLUMN icecat.outside_files.snapshot_id IS 'Snapshot that added the manifest which names the file';
COMMENT ON COLUMN icecat.outside_files.path IS 'The file, as the manifest names it; or the manifest or manifest list itself, which is not read then';
COMMENT ON COLUMN icecat.outside_files.found_at IS 'When it was found';
COMMENT ON COLUMN icecat.outside_files.table_id IS 'Identity of the table in this catalog; survives renames';
COMMENT ON COLUMN icecat.outside_files.warehouse_id IS 'Id of the warehouse';

CREATE OR REPLACE VIEW icecat.inspections WITH (security_barrier) AS
SELECT w.name AS warehouse, i.waiting, i.oldest_s, i.failing, i.last_error,
	(SELECT pg_catalog.count(DISTINCT (f.table_id, f.snapshot_id)) FROM icecat_data.outside_file AS f WHERE f.warehouse_id = w.warehouse_id) AS snapshots_outside,
	w.warehouse_id
FROM icecat_data.warehouse AS w
CROSS JOIN LATERAL (
	SELECT pg_catalog.count(*) AS waiting,
		pg_catalog.max(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - x.created_at))::double precision AS oldest_s,
		pg_catalog.count(*) FILTER (WHERE x.attempts > 0) AS failing, pg_catalog.max(x.last_error) AS last_error
	FROM icecat_data.inspection AS x WHERE x.warehouse_id = w.warehouse_id OFFSET 0) AS i
WHERE (SELECT icecat._sees_all('manage')) OR w.warehouse_id IN (SELECT icecat._seen('manage'));
COMMENT ON VIEW icecat.inspections IS 'How far the worker has read the manifests of new snapshots (icecat.outside-files), one row for each warehouse that the role manages';
COMMENT ON COLUMN icecat.inspections.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.inspections.waiting IS 'Snapshots whose manifests are still to be read';
COMMENT ON COLUMN icecat.inspections.oldest_s IS 'Age in seconds of the oldest of them; NULL: there is none';
COMMENT ON COLUMN icecat.inspections.failing IS 'Those of them that could not be read';
COMMENT ON COLUMN icecat.inspections.last_error IS 'Why one of them could not; NULL: all could';
COMMENT ON COLUMN icecat.inspections.snapshots_outside IS 'Snapshots with files outside of the folders of their table';
COMMENT ON COLUMN icecat.inspections.warehouse_id IS 'Id of the warehouse';
