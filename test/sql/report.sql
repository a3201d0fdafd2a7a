-- Metrics reports: what is refused, the views, months.
SET client_min_messages = warning;
SELECT icecat.create_warehouse('rep', 's3://b/rep', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('rep', '{n}');
SELECT icecat.create_table('rep', '{n}', 't', '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}') IS NOT NULL AS made;

-- A scan report, a commit report, and one of a type of tomorrow.
SELECT icecat.report_metrics('rep', '{n}', 't', '{"report-type": "scan-report", "table-name": "n.t", "snapshot-id": 9223372036854775807,
	"filter": {"type": "eq", "term": "x", "value": 1}, "schema-id": 0, "projected-field-ids": [1], "projected-field-names": ["x"],
	"metrics": {"total-planning-duration": {"count": 1, "time-unit": "nanoseconds", "total-duration": 2500000},
		"result-data-files": {"unit": "count", "value": 3}, "total-file-size-in-bytes": {"unit": "bytes", "value": 1024},
		"skipped-data-files": {"unit": "count", "value": 40}}, "metadata": {"engine-name": "spark"}}');
SELECT icecat.report_metrics('rep', '{n}', 't', '{"report-type": "COMMIT-REPORT", "table-name": "n.t", "snapshot-id": 7,
	"sequence-number": 3, "operation": "append", "metrics": {"total-duration": {"count": 1, "time-unit": "seconds", "total-duration": 2},
		"attempts": {"unit": "count", "value": 1}, "added-records": {"unit": "count", "value": 100},
		"added-files-size-bytes": {"unit": "bytes", "value": 4096}}}');
SELECT icecat.report_metrics('rep', '{n}', 't', '{"report-type": "compaction-report", "anything": null}');

SELECT warehouse, namespace, table_name, snapshot_id, schema_id, filter, projected_field_ids, projected_field_names,
	total_planning_ms, result_data_files, skipped_data_files, total_file_bytes, dvs, metadata, received_at > now() - interval '1 hour' AS now
FROM icecat.scan_reports WHERE warehouse = 'rep';
SELECT warehouse, namespace, table_name, snapshot_id, sequence_number, operation, total_ms, attempts, added_records,
	added_files_bytes, removed_records, metadata FROM icecat.commit_reports WHERE warehouse = 'rep';
SELECT report_type, report ->> 'anything' AS anything FROM icecat_data.metrics_report AS r
JOIN icecat.warehouses AS w ON w.warehouse_id = r.warehouse_id WHERE w.warehouse = 'rep' ORDER BY report_id;

-- They follow a rename, and outlive the table.
SELECT icecat.rename_table('rep', '{n}', 't', '{n}', 'u');
SELECT table_name FROM icecat.scan_reports WHERE warehouse = 'rep';
SELECT icecat.report_metrics('rep', '{n}', 't', '{"report-type": "x"}');
SELECT icecat.drop_table('rep', '{n}', 'u');
SELECT count(*) FROM icecat.scan_reports WHERE warehouse = 'rep';
SELECT icecat.report_metrics('rep', '{n}', 'u', '{"report-type": "x"}');
SELECT icecat.report_metrics('rep', '{no}', 'u', '{"report-type": "x"}');
SELECT icecat.report_metrics('none', '{n}', 'u', '{"report-type": "x"}');

-- What a report must have, and of what type.
SELECT icecat.report_metrics('rep', '{n}', 't', '[]');
SELECT icecat.report_metrics('rep', '{n}', 't', '{"report-type": 1}');
DO $$
DECLARE
	v_scan jsonb := '{"report-type": "scan-report", "table-name": "t", "snapshot-id": 1, "filter": true, "schema-id": 0,
		"projected-field-ids": [1], "projected-field-names": ["x"], "metrics": {"m": {"unit": "count", "value": 1}}}';
	v_commit jsonb := '{"report-type": "commit-report", "table-name": "t", "snapshot-id": 1, "sequence-number": 1,
		"operation": "append", "metrics": {"m": {"time-unit": "seconds", "count": 1, "total-duration": 1}}}';
	v_whole jsonb;
	v_key text;
	v_value jsonb;
	v_detail text;
BEGIN
	PERFORM icecat.create_table('rep', '{n}', 't', '{"type":"struct","fields":[]}');
	FOREACH v_whole IN ARRAY ARRAY[v_scan, v_commit] LOOP
		PERFORM icecat.report_metrics('rep', '{n}', 't', v_whole::json);
		FOR v_key IN SELECT jsonb_object_keys(v_whole) ORDER BY 1 LOOP
			FOREACH v_value IN ARRAY ARRAY[NULL, '[{}]', '{"m": {}}']::jsonb[] LOOP
				CONTINUE WHEN v_key = 'report-type' OR v_key = 'filter' AND v_value ? 'm';
				BEGIN
					PERFORM icecat.report_metrics('rep', '{n}', 't',
						(CASE WHEN v_value IS NULL THEN v_whole - v_key ELSE jsonb_set(v_whole, ARRAY[v_key], v_value) END)::json);
					RAISE WARNING 'accepted: % %', v_key, v_value;
				EXCEPTION WHEN SQLSTATE 'IC301' THEN
					GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
					RAISE WARNING '% %', SQLERRM, substring(v_detail FROM '^At .*?(?=,? ?line)');
				END;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

-- Months: made when they come, dropped as a whole by hand and by the worker; the next one is there before it begins.
CREATE TABLE icecat_data.metrics_report_2001_02 (LIKE icecat_data.metrics_report INCLUDING ALL);
ALTER TABLE icecat_data.metrics_report ATTACH PARTITION icecat_data.metrics_report_2001_02
	FOR VALUES FROM ('2001-02-01 00:00:00+00') TO ('2001-03-01 00:00:00+00');
CREATE TABLE icecat_data.metrics_report_2001_03 (LIKE icecat_data.metrics_report INCLUDING ALL);
ALTER TABLE icecat_data.metrics_report ATTACH PARTITION icecat_data.metrics_report_2001_03
	FOR VALUES FROM ('2001-03-01 00:00:00+00') TO ('2001-04-01 00:00:00+00');
SELECT icecat.trim_metrics_reports(now() - '2001-02-28 23:59:59+00');
SELECT icecat.trim_metrics_reports(now() - '2001-03-01 00:00:00+00');
SELECT icecat.trim_metrics_reports('-1 day');
SELECT icecat.trim_metrics_reports(NULL);
SET icecat.report_retention_s = -1;
SELECT icecat.run_worker_once() >= 0 AS run;
SELECT to_regclass('icecat_data.metrics_report_2001_03') IS NOT NULL AS kept;
SET icecat.report_retention_s = '300d';
DO $$
BEGIN	-- the worker of this database may be at the queue just now
	FOR i IN 1 .. 100 LOOP
		PERFORM icecat.run_worker_once();
		EXIT WHEN to_regclass('icecat_data.metrics_report_2001_03') IS NULL;
		PERFORM pg_sleep(0.1);
	END LOOP;
END $$;
SELECT to_regclass('icecat_data.metrics_report_2001_03') IS NOT NULL AS kept,
	to_regclass(to_char(now() AT TIME ZONE 'UTC', '"icecat_data.metrics_report_"YYYY_MM')) IS NOT NULL AS this_month,
	to_regclass(to_char((now() AT TIME ZONE 'UTC') + interval '1 month', '"icecat_data.metrics_report_"YYYY_MM')) IS NOT NULL AS next_month;
SELECT count(*) FROM icecat.scan_reports WHERE warehouse = 'rep';
SELECT icecat.drop_table('rep', '{n}', 't');
SELECT icecat.drop_namespace('rep', '{n}');
SELECT icecat.drop_warehouse('rep');
SELECT count(*) FROM icecat_data.metrics_report AS r WHERE NOT EXISTS (SELECT FROM icecat.warehouses AS w WHERE w.warehouse_id = r.warehouse_id);
