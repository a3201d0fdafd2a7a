-- UPGRADE: changes here need an upgrade script.
-- Idempotency keys. A change that comes with a key inserts its row first, in its own transaction: a second call with the
-- key waits at the primary key until the first is over, and then shows the first one's outcome instead of running. What
-- the answer shows is read when it is asked for, from the object that the row names; only answers that are no state of the
-- catalog are kept as text. A row whose sqlstate is set is the outcome of a call that failed for good.

CREATE TABLE icecat_data.idempotency (
	warehouse_id uuid NOT NULL,
	key uuid NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	object_id uuid,
	operation text NOT NULL,
	request_hash bytea NOT NULL,
	sqlstate text,
	message text,
	answer json,
	caller text NOT NULL DEFAULT '',
	CONSTRAINT idempotency_pkey PRIMARY KEY (warehouse_id, key, caller)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX idempotency_expires_idx ON icecat_data.idempotency (warehouse_id, expires_at);
COMMENT ON TABLE icecat_data.idempotency IS 'Idempotency keys that were used, and what their first use came to; rows go after expires_at';
COMMENT ON COLUMN icecat_data.idempotency.key IS 'Idempotency-Key as the client sent it; of a principal, a hash of it with role and principal';
COMMENT ON COLUMN icecat_data.idempotency.caller IS 'Role that used the key: the same key of another role is another key. Empty: a fingerprint of a commit, of any role';
COMMENT ON COLUMN icecat_data.idempotency.expires_at IS 'created_at and icecat.idempotency_lifetime_s; from then on the row may be deleted';
COMMENT ON COLUMN icecat_data.idempotency.object_id IS 'Table, view or namespace whose current state answers a repeat; NULL: the operation answers nothing';
COMMENT ON COLUMN icecat_data.idempotency.operation IS 'REST operation, by its operationId';
COMMENT ON COLUMN icecat_data.idempotency.request_hash IS 'SHA-256 of the operation and all its arguments as they came';
COMMENT ON COLUMN icecat_data.idempotency.sqlstate IS 'Error of a call that failed for good; NULL: it succeeded';
COMMENT ON COLUMN icecat_data.idempotency.message IS 'Message of that error';
COMMENT ON COLUMN icecat_data.idempotency.answer IS 'Answer of an operation whose answer is no state of the catalog';
