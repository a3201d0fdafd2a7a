-- What clients report of their scans and commits, with types. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.trim_metrics_reports(
	p_older_than interval
) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_trim_metrics_reports';
COMMENT ON FUNCTION icecat.trim_metrics_reports(interval) IS
'Drops whole months (UTC) of metrics reports, of all warehouses, that ended longer ago than p_older_than; returns how many months. The worker does the same after icecat.report_retention_s. Safe to run twice.
Waits for readers and writers of the reports: it takes an exclusive lock for a moment. Errors: IC301 p_older_than is null or negative (400).';

CREATE OR REPLACE VIEW icecat_data.every_report AS
SELECT m.warehouse_id, m.report_id, m.table_id, m.received_at, m.report_type, m.report
FROM icecat_data.metrics_report AS m
UNION ALL
SELECT r.warehouse_id, r.report_id, r.table_id, r.received_at, r.report_type, r.report
FROM icecat_data.metrics_report_restored AS r;
COMMENT ON VIEW icecat_data.every_report IS 'Metrics reports, those that came with a dump too';

CREATE OR REPLACE VIEW icecat.scan_reports WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, t.name AS table_name, r.table_id, r.report_id, r.received_at,
	(r.report ->> 'snapshot-id')::bigint AS snapshot_id,
	(r.report ->> 'schema-id')::integer AS schema_id,
	r.report -> 'filter' AS filter,
	ARRAY(SELECT f::integer FROM pg_catalog.json_array_elements_text(r.report -> 'projected-field-ids') AS f) AS projected_field_ids,
	ARRAY(SELECT f FROM pg_catalog.json_array_elements_text(r.report -> 'projected-field-names') AS f) AS projected_field_names,
	(r.report #>> '{metrics,total-planning-duration,total-duration}')::bigint * u.ms AS total_planning_ms,
	(r.report #>> '{metrics,result-data-files,value}')::bigint AS result_data_files,
	(r.report #>> '{metrics,result-delete-files,value}')::bigint AS result_delete_files,
	(r.report #>> '{metrics,total-data-manifests,value}')::bigint AS total_data_manifests,
	(r.report #>> '{metrics,total-delete-manifests,value}')::bigint AS total_delete_manifests,
	(r.report #>> '{metrics,scanned-data-manifests,value}')::bigint AS scanned_data_manifests,
	(r.report #>> '{metrics,skipped-data-manifests,value}')::bigint AS skipped_data_manifests,
	(r.report #>> '{metrics,scanned-delete-manifests,value}')::bigint AS scanned_delete_manifests,
	(r.report #>> '{metrics,skipped-delete-manifests,value}')::bigint AS skipped_delete_manifests,
	(r.report #>> '{metrics,skipped-data-files,value}')::bigint AS skipped_data_files,
	(r.report #>> '{metrics,skipped-delete-files,value}')::bigint AS skipped_delete_files,
	(r.report #>> '{metrics,indexed-delete-files,value}')::bigint AS indexed_delete_files,
	(r.report #>> '{metrics,equality-delete-files,value}')::bigint AS equality_delete_files,
	(r.report #>> '{metrics,positional-delete-files,value}')::bigint AS positional_delete_files,
	(r.report #>> '{metrics,dvs,value}')::bigint AS dvs,
	(r.report #>> '{metrics,total-file-size-in-bytes,value}')::bigint AS total_file_bytes,
	(r.report #>> '{metrics,total-delete-file-size-in-bytes,value}')::bigint AS total_delete_file_bytes,
	r.report -> 'metadata' AS metadata, r.report, r.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.every_report AS r ON r.warehouse_id = w.warehouse_id AND r.report_type = 'scan-report'
LEFT JOIN icecat_data.relation AS t ON t.warehouse_id = r.warehouse_id AND t.relation_id = r.table_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = t.warehouse_id AND n.namespace_id = t.namespace_id
LEFT JOIN LATERAL (VALUES ('nanoseconds', 1e-6::double precision), ('microseconds', 1e-3), ('milliseconds', 1), ('seconds', 1e3),
	('minutes', 6e4), ('hours', 3.6e6), ('days', 8.64e7)) AS u (unit, ms)
	ON u.unit = pg_catalog.lower(r.report #>> '{metrics,total-planning-duration,time-unit}')
WHERE ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.table_id IN (SELECT icecat._seen('select')))
	AND r.table_id NOT IN (SELECT icecat._restricted(true)); -- reports tell the filters of others
COMMENT ON VIEW icecat.scan_reports IS 'Scan reports of clients: what a query read of a table, and what it could leave out (REST reportMetrics). One row for each report; those of a dropped table stay until their month is dropped.';
COMMENT ON COLUMN icecat.scan_reports.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.scan_reports.namespace IS 'Levels of the table''s namespace now; NULL: the table was dropped, and forgotten';
COMMENT ON COLUMN icecat.scan_reports.report_id IS 'Identity of the report; in the order in which reports came';
COMMENT ON COLUMN icecat.scan_reports.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.scan_reports.table_name IS 'Name of the table now; NULL: it was dropped, and forgotten';
COMMENT ON COLUMN icecat.scan_reports.table_id IS 'Identity of the table in this catalog';
COMMENT ON COLUMN icecat.scan_reports.received_at IS 'When the report came';
COMMENT ON COLUMN icecat.scan_reports.snapshot_id IS 'Snapshot that was read';
COMMENT ON COLUMN icecat.scan_reports.schema_id IS 'Schema that was read with';
COMMENT ON COLUMN icecat.scan_reports.filter IS 'Expression of the scan, as JSON';
COMMENT ON COLUMN icecat.scan_reports.projected_field_ids IS 'Ids of the columns read';
COMMENT ON COLUMN icecat.scan_reports.projected_field_names IS 'Names of the columns read';
COMMENT ON COLUMN icecat.scan_reports.total_planning_ms IS 'Milliseconds; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.result_data_files IS 'Data files that the scan reads; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.result_delete_files IS 'Delete files that it reads; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.total_data_manifests IS 'Data manifests of the snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.total_delete_manifests IS 'Delete manifests of the snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.scanned_data_manifests IS 'Data manifests read; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.skipped_data_manifests IS 'Data manifests left out by their summaries; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.scanned_delete_manifests IS 'Delete manifests read; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.skipped_delete_manifests IS 'Delete manifests left out by their summaries; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.skipped_data_files IS 'Data files left out by their statistics; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.skipped_delete_files IS 'Delete files left out by their statistics; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.indexed_delete_files IS 'Delete files in the index; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.equality_delete_files IS 'Of these, equality deletes; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.positional_delete_files IS 'Of these, positional deletes; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.dvs IS 'Of these, deletion vectors; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.total_file_bytes IS 'Bytes of the data files that the scan reads; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.total_delete_file_bytes IS 'Bytes of the delete files that it reads; NULL: not reported';
COMMENT ON COLUMN icecat.scan_reports.metadata IS 'What the client said about itself: engine, version …';
COMMENT ON COLUMN icecat.scan_reports.report IS 'The whole report, as it came';

CREATE OR REPLACE VIEW icecat.commit_reports WITH (security_barrier) AS
SELECT w.name AS warehouse, n.levels AS namespace, t.name AS table_name, r.table_id, r.report_id, r.received_at,
	(r.report ->> 'snapshot-id')::bigint AS snapshot_id,
	(r.report ->> 'sequence-number')::bigint AS sequence_number,
	r.report ->> 'operation' AS operation,
	(r.report #>> '{metrics,total-duration,total-duration}')::bigint * u.ms AS total_ms,
	(r.report #>> '{metrics,attempts,value}')::bigint AS attempts,
	(r.report #>> '{metrics,added-data-files,value}')::bigint AS added_data_files,
	(r.report #>> '{metrics,removed-data-files,value}')::bigint AS removed_data_files,
	(r.report #>> '{metrics,total-data-files,value}')::bigint AS total_data_files,
	(r.report #>> '{metrics,added-delete-files,value}')::bigint AS added_delete_files,
	(r.report #>> '{metrics,added-equality-delete-files,value}')::bigint AS added_equality_delete_files,
	(r.report #>> '{metrics,added-positional-delete-files,value}')::bigint AS added_positional_delete_files,
	(r.report #>> '{metrics,added-dvs,value}')::bigint AS added_dvs,
	(r.report #>> '{metrics,removed-delete-files,value}')::bigint AS removed_delete_files,
	(r.report #>> '{metrics,removed-equality-delete-files,value}')::bigint AS removed_equality_delete_files,
	(r.report #>> '{metrics,removed-positional-delete-files,value}')::bigint AS removed_positional_delete_files,
	(r.report #>> '{metrics,removed-dvs,value}')::bigint AS removed_dvs,
	(r.report #>> '{metrics,total-delete-files,value}')::bigint AS total_delete_files,
	(r.report #>> '{metrics,added-records,value}')::bigint AS added_records,
	(r.report #>> '{metrics,removed-records,value}')::bigint AS removed_records,
	(r.report #>> '{metrics,total-records,value}')::bigint AS total_records,
	(r.report #>> '{metrics,added-files-size-bytes,value}')::bigint AS added_files_bytes,
	(r.report #>> '{metrics,removed-files-size-bytes,value}')::bigint AS removed_files_bytes,
	(r.report #>> '{metrics,total-files-size-bytes,value}')::bigint AS total_files_bytes,
	(r.report #>> '{metrics,added-positional-deletes,value}')::bigint AS added_positional_deletes,
	(r.report #>> '{metrics,removed-positional-deletes,value}')::bigint AS removed_positional_deletes,
	(r.report #>> '{metrics,total-positional-deletes,value}')::bigint AS total_positional_deletes,
	(r.report #>> '{metrics,added-equality-deletes,value}')::bigint AS added_equality_deletes,
	(r.report #>> '{metrics,removed-equality-deletes,value}')::bigint AS removed_equality_deletes,
	(r.report #>> '{metrics,total-equality-deletes,value}')::bigint AS total_equality_deletes,
	(r.report #>> '{metrics,manifests-created,value}')::bigint AS manifests_created,
	(r.report #>> '{metrics,manifests-replaced,value}')::bigint AS manifests_replaced,
	(r.report #>> '{metrics,manifests-kept,value}')::bigint AS manifests_kept,
	(r.report #>> '{metrics,manifest-entries-processed,value}')::bigint AS manifest_entries_processed,
	r.report -> 'metadata' AS metadata, r.report, r.warehouse_id
FROM icecat_data.warehouse AS w
JOIN icecat_data.every_report AS r ON r.warehouse_id = w.warehouse_id AND r.report_type = 'commit-report'
LEFT JOIN icecat_data.relation AS t ON t.warehouse_id = r.warehouse_id AND t.relation_id = r.table_id
LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = t.warehouse_id AND n.namespace_id = t.namespace_id
LEFT JOIN LATERAL (VALUES ('nanoseconds', 1e-6::double precision), ('microseconds', 1e-3), ('milliseconds', 1), ('seconds', 1e3),
	('minutes', 6e4), ('hours', 3.6e6), ('days', 8.64e7)) AS u (unit, ms)
	ON u.unit = pg_catalog.lower(r.report #>> '{metrics,total-duration,time-unit}')
WHERE ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
	OR n.namespace_id IN (SELECT icecat._seen('select')) OR r.table_id IN (SELECT icecat._seen('select')))
	AND r.table_id NOT IN (SELECT icecat._restricted(true)); -- reports tell the filters of others
COMMENT ON VIEW icecat.commit_reports IS 'Commit reports of clients: what a commit changed, and how long it took (REST reportMetrics). One row for each report; those of a dropped table stay until their month is dropped.';
COMMENT ON COLUMN icecat.commit_reports.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.commit_reports.namespace IS 'Levels of the table''s namespace now; NULL: the table was dropped, and forgotten';
COMMENT ON COLUMN icecat.commit_reports.report_id IS 'Identity of the report; in the order in which reports came';
COMMENT ON COLUMN icecat.commit_reports.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.commit_reports.table_name IS 'Name of the table now; NULL: it was dropped, and forgotten';
COMMENT ON COLUMN icecat.commit_reports.table_id IS 'Identity of the table in this catalog';
COMMENT ON COLUMN icecat.commit_reports.received_at IS 'When the report came';
COMMENT ON COLUMN icecat.commit_reports.snapshot_id IS 'Snapshot that was committed';
COMMENT ON COLUMN icecat.commit_reports.sequence_number IS 'Its sequence number';
COMMENT ON COLUMN icecat.commit_reports.operation IS 'append, replace, overwrite or delete';
COMMENT ON COLUMN icecat.commit_reports.total_ms IS 'Milliseconds; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.attempts IS 'Tries until it landed; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_data_files IS 'Data files added; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_data_files IS 'Data files removed; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_data_files IS 'Data files of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_delete_files IS 'Delete files added; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_equality_delete_files IS 'Of these, equality deletes; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_positional_delete_files IS 'Of these, positional deletes; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_dvs IS 'Of these, deletion vectors; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_delete_files IS 'Delete files removed; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_equality_delete_files IS 'Of these, equality deletes; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_positional_delete_files IS 'Of these, positional deletes; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_dvs IS 'Of these, deletion vectors; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_delete_files IS 'Delete files of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_records IS 'Rows added; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_records IS 'Rows removed; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_records IS 'Rows of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_files_bytes IS 'Bytes added; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_files_bytes IS 'Bytes removed; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_files_bytes IS 'Bytes of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_positional_deletes IS 'Rows that added positional deletes delete; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_positional_deletes IS 'The same of removed ones; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_positional_deletes IS 'The same of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.added_equality_deletes IS 'Rows of added equality deletes; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.removed_equality_deletes IS 'The same of removed ones; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.total_equality_deletes IS 'The same of the new snapshot; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.manifests_created IS 'Manifests written; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.manifests_replaced IS 'Manifests replaced; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.manifests_kept IS 'Manifests kept; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.manifest_entries_processed IS 'Manifest entries read; NULL: not reported';
COMMENT ON COLUMN icecat.commit_reports.metadata IS 'What the client said about itself: engine, version …';
COMMENT ON COLUMN icecat.commit_reports.report IS 'The whole report, as it came';
