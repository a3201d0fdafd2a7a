-- UPGRADE: changes here need an upgrade script.
-- Reports that clients send after scans and commits. One partition for each month (UTC), made by the worker ahead, else by the
-- first report of the month, and dropped as a whole after icecat.report_retention_s or by
-- icecat.trim_metrics_reports. Keys and indexes stand on the partitions alone, as those of event do.

CREATE TABLE icecat_data.metrics_report (
	warehouse_id uuid NOT NULL,
	report_id uuid NOT NULL,
	table_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	report_type text NOT NULL,
	report json NOT NULL
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE icecat_data.metrics_report IS 'Scan and commit reports of clients, as they came (REST reportMetrics)';
COMMENT ON COLUMN icecat_data.metrics_report.report_id IS 'Time-ordered uuid (version 7)';
COMMENT ON COLUMN icecat_data.metrics_report.received_at IS 'Clock of the server; decides the partition';
COMMENT ON COLUMN icecat_data.metrics_report.report_type IS 'scan-report, commit-report or what the client calls it';
COMMENT ON COLUMN icecat_data.metrics_report.report IS 'The whole report, exactly as it came';
