-- UPGRADE: changes here need an upgrade script.
-- Subscriptions: how far a consumer has come in the events of a warehouse. A row changes in the transaction of the consumer, with its own rows.

CREATE TABLE icecat_data.subscription (
	warehouse_id uuid NOT NULL,
	name text COLLATE "C" NOT NULL,
	role regrole NOT NULL,
	namespace text[],
	object_kinds text[],
	event_types text[],
	object_id uuid,
	acked bigint NOT NULL,
	created_at timestamptz NOT NULL,
	acked_at timestamptz,
	CONSTRAINT subscription_pkey PRIMARY KEY (warehouse_id, name)
) WITH (fillfactor = 50);
COMMENT ON TABLE icecat_data.subscription IS 'How far consumers have come in the events of a warehouse; changed by icecat.create_subscription(), ack(), next_events() and drop_subscription()';
COMMENT ON COLUMN icecat_data.subscription.role IS 'Who owns it: it, its members and the administrators of the warehouse use it';
COMMENT ON COLUMN icecat_data.subscription.namespace IS 'Only events in it and below; NULL: all';
COMMENT ON COLUMN icecat_data.subscription.object_kinds IS 'Only events of such objects; NULL: all';
COMMENT ON COLUMN icecat_data.subscription.event_types IS 'Only such events; NULL: all';
COMMENT ON COLUMN icecat_data.subscription.object_id IS 'Only events of this object; NULL: all';
COMMENT ON COLUMN icecat_data.subscription.acked IS 'The last number that is done with; reading goes on after it';
COMMENT ON COLUMN icecat_data.subscription.created_at IS 'When it was made';
COMMENT ON COLUMN icecat_data.subscription.acked_at IS 'When acked was last moved on by icecat.ack(); NULL: never';
