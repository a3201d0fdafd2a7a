-- UPGRADE: changes here need an upgrade script.
-- The audit log: one row for each change, written in its transaction, and one for each refused call, written after it (decision 21).
-- A change of a table, view, namespace or warehouse is a row of event_pending anyway: the sequencer copies it to audit when it
-- moves it to event. All other rows begin in audit_pending. So no transaction of a user's needs the partition of a month.
--
-- audit has one partition for each month (UTC), made ahead by the worker, and dropped or put aside as a whole after
-- icecat.audit_retention_days. Keys and indexes stand on the partitions alone, as those of event do. Nobody has a right on these tables
-- but the owner; functions only add rows.

CREATE TABLE icecat_data.audit_pending (
	warehouse_id uuid NOT NULL,
	audit_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	action text NOT NULL,
	outcome text NOT NULL,
	status integer,
	object_kind text,
	object_id uuid,
	warehouse text,
	namespace text[],
	name text,
	version bigint,
	role text NOT NULL,
	login text NOT NULL,
	source text NOT NULL,
	principal text,
	tenant text,
	request_id text,
	client_address text,
	details json,
	CONSTRAINT audit_pending_pkey PRIMARY KEY (warehouse_id, audit_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE icecat_data.audit_pending IS 'Rows of the audit log that are not in the partition of their month yet; emptied by the sequencer. Columns as in audit';

CREATE TABLE icecat_data.audit (
	warehouse_id uuid NOT NULL,
	audit_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	action text NOT NULL,
	outcome text NOT NULL,
	status integer,
	object_kind text,
	object_id uuid,
	warehouse text,
	namespace text[],
	name text,
	version bigint,
	role text NOT NULL,
	login text NOT NULL,
	source text NOT NULL,
	principal text,
	tenant text,
	request_id text,
	client_address text,
	details json
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE icecat_data.audit IS 'Who changed what, and who was refused';
COMMENT ON COLUMN icecat_data.audit.audit_id IS 'Identity of the row; that of the event where the change left one';
COMMENT ON COLUMN icecat_data.audit.occurred_at IS 'Clock of the server inside the transaction, of a refused call when it was refused; decides the partition';
COMMENT ON COLUMN icecat_data.audit.action IS 'What was done, or tried: the event_type of an event, else the name of the function: commit-table, grant, map-principal';
COMMENT ON COLUMN icecat_data.audit.outcome IS 'SQLSTATE: 00000 for a change that was made, of a refused call that of its error';
COMMENT ON COLUMN icecat_data.audit.status IS 'HTTP status of a refused call; NULL for a change';
COMMENT ON COLUMN icecat_data.audit.object_kind IS 'catalog, warehouse, namespace, table, view or what else it was; NULL: not known';
COMMENT ON COLUMN icecat_data.audit.object_id IS 'Id of the object; survives renames. NULL: not known';
COMMENT ON COLUMN icecat_data.audit.warehouse IS 'Name of the warehouse at that time';
COMMENT ON COLUMN icecat_data.audit.namespace IS 'Levels of the namespace that the object is in, or of the namespace itself';
COMMENT ON COLUMN icecat_data.audit.name IS 'Name of the object';
COMMENT ON COLUMN icecat_data.audit.version IS 'Commit counter of a table or view after the change';
COMMENT ON COLUMN icecat_data.audit.role IS 'Role whose privileges counted; empty where the gateway refused a call before there was one';
COMMENT ON COLUMN icecat_data.audit.login IS 'Role that the session had logged in as: a session cannot say another';
COMMENT ON COLUMN icecat_data.audit.source IS 'gateway: the login was a gateway''s (icecat.grant_gateway()), so that principal, request_id and client_address are what it found out; sql: they are what the session says; worker';
COMMENT ON COLUMN icecat_data.audit.principal IS 'Who the call was made for';
COMMENT ON COLUMN icecat_data.audit.tenant IS 'Tenant of the object, else of the role';
COMMENT ON COLUMN icecat_data.audit.request_id IS 'Request of the gateway';
COMMENT ON COLUMN icecat_data.audit.client_address IS 'Where the client was';
COMMENT ON COLUMN icecat_data.audit.details IS 'What changed, bounded; what it holds depends on the action';
COMMENT ON COLUMN icecat_data.audit.warehouse_id IS 'Warehouse of the object; the nil uuid where there is none, or where it is not known';

CREATE TABLE icecat_data.audit_restored (
	warehouse_id uuid NOT NULL,
	audit_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	action text NOT NULL,
	outcome text NOT NULL,
	status integer,
	object_kind text,
	object_id uuid,
	warehouse text,
	namespace text[],
	name text,
	version bigint,
	role text NOT NULL,
	login text NOT NULL,
	source text NOT NULL,
	principal text,
	tenant text,
	request_id text,
	client_address text,
	details json,
	CONSTRAINT audit_restored_pkey PRIMARY KEY (warehouse_id, audit_id)
);
COMMENT ON TABLE icecat_data.audit_restored IS 'Rows that came with a dump, until the worker moves them to audit; columns as there';
