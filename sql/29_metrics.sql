-- UPGRADE: changes here need an upgrade script.
-- Reports that clients send after scans and commits.

CREATE TABLE icecat_data.metrics_report (
	warehouse_id uuid NOT NULL,
	report_id uuid NOT NULL,
	table_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	report_type text NOT NULL,
	report json NOT NULL,
	CONSTRAINT metrics_report_pkey PRIMARY KEY (warehouse_id, report_id)
);
CREATE INDEX metrics_report_table_idx ON icecat_data.metrics_report (warehouse_id, table_id, received_at);
COMMENT ON TABLE icecat_data.metrics_report IS 'Scan and commit reports of clients, as they came (REST reportMetrics)';
COMMENT ON COLUMN icecat_data.metrics_report.report_id IS 'Time-ordered uuid (version 7)';
COMMENT ON COLUMN icecat_data.metrics_report.report_type IS 'scan-report, commit-report or what the client calls it';
