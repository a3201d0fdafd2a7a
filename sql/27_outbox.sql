-- UPGRADE: changes here need an upgrade script.
-- The outbox. A mutation inserts its event into event_pending in its own transaction, without a number:
-- a number taken there would lie, because a lower one can commit later. The sequencer (the worker, or
-- a reader) moves committed rows to event and numbers them, one at a time per warehouse under the lock
-- of the event_counter row: gapless, in version order per object, never out of order for a reader.
--
-- event has one partition for each month (UTC), made by the sequencer when the first event of a month comes,
-- and dropped as a whole by icecat.trim_events. The key stands on the partitions alone: they are saved by
-- pg_dump as tables of their own, and a key that they got from event could not be restored.

CREATE TABLE icecat_data.event_pending (
	warehouse_id uuid NOT NULL,
	event_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	position integer NOT NULL,
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
	role text,
	login text,
	source text,
	client_address text,
	CONSTRAINT event_pending_pkey PRIMARY KEY (warehouse_id, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE icecat_data.event_pending IS 'Events that have no number yet; emptied by the sequencer';
COMMENT ON COLUMN icecat_data.event_pending.position IS 'Order of the events of one transaction';
COMMENT ON COLUMN icecat_data.event_pending.role IS 'For the audit log, as the columns after it: role whose privileges counted';
COMMENT ON COLUMN icecat_data.event_pending.login IS 'Role that the session had logged in as';
COMMENT ON COLUMN icecat_data.event_pending.source IS 'gateway, sql or worker';
COMMENT ON COLUMN icecat_data.event_pending.client_address IS 'icecat.client_address of the transaction, as the gateway set it';

CREATE TABLE icecat_data.event_counter (
	warehouse_id uuid NOT NULL CONSTRAINT event_counter_pkey PRIMARY KEY,
	last_number bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE icecat_data.event_counter IS 'The last event number of a warehouse; its row lock makes the sequencer one per warehouse';
COMMENT ON COLUMN icecat_data.event_counter.last_number IS 'Numbers start at 1 and have no gap';

CREATE TABLE icecat_data.event (
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
	principal text
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE icecat_data.event IS 'Numbered events: what happened in a warehouse, in order';
COMMENT ON COLUMN icecat_data.event.number IS 'Gapless per warehouse; a reader goes on after the last number it has seen';
COMMENT ON COLUMN icecat_data.event.event_id IS 'Identity of the event, known before its number';
COMMENT ON COLUMN icecat_data.event.occurred_at IS 'Clock of the server inside the transaction; the number, not this, is the order';
COMMENT ON COLUMN icecat_data.event.event_type IS 'What was done, and to what kind of object: create-table, commit-table, drop-namespace …';
COMMENT ON COLUMN icecat_data.event.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat_data.event.object_id IS 'Id of the table, view or namespace; survives renames';
COMMENT ON COLUMN icecat_data.event.namespace IS 'Levels of the namespace the object is in, or of the namespace itself';
COMMENT ON COLUMN icecat_data.event.name IS 'Name of the table or view; NULL for a namespace';
COMMENT ON COLUMN icecat_data.event.version IS 'Commit counter of the object after the change; 0 where it has none';
COMMENT ON COLUMN icecat_data.event.actor IS 'Role that called';
COMMENT ON COLUMN icecat_data.event.request_id IS 'icecat.request_id of the transaction, as the gateway set it';
COMMENT ON COLUMN icecat_data.event.details IS 'JSON object; what it holds depends on event_type';
COMMENT ON COLUMN icecat_data.event.principal IS 'icecat.principal of the transaction: who the gateway''s call was made for';
