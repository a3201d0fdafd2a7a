-- UPGRADE: changes here need an upgrade script.
-- Rows of the partitioned tables that come with a dump. Partitions are made at run time, when the first row of a month
-- comes: a dump has none of them, so that it can be restored wherever the extension is, whatever is there already. Their
-- rows are dumped as those of these tables (31_config_dump.sql), and restored into them. The worker moves them to the
-- partitions of their months; until then the views every_event and every_report show them where they are.

CREATE TABLE icecat_data.event_restored (
	warehouse_id uuid NOT NULL,
	number bigint NOT NULL,
	event_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	event_type text NOT NULL,
	object_kind text NOT NULL,
	object_id uuid NOT NULL,
	namespace text[],
	name text,
	version bigint NOT NULL,
	actor text NOT NULL,
	request_id text,
	details json,
	principal text,
	CONSTRAINT event_restored_pkey PRIMARY KEY (warehouse_id, number)
);
COMMENT ON TABLE icecat_data.event_restored IS 'Events that came with a dump, until the worker moves them to event; columns as there';

CREATE TABLE icecat_data.metrics_report_restored (
	warehouse_id uuid NOT NULL,
	report_id uuid NOT NULL,
	table_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	report_type text NOT NULL,
	report json NOT NULL,
	CONSTRAINT metrics_report_restored_pkey PRIMARY KEY (warehouse_id, report_id)
);
COMMENT ON TABLE icecat_data.metrics_report_restored IS 'Reports that came with a dump, until the worker moves them to metrics_report; columns as there';
