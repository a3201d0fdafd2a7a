-- Events: what happened in a warehouse. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.read_events(
	p_warehouse text,
	p_after bigint DEFAULT 0,
	p_limit integer DEFAULT 1000,
	OUT number bigint,
	OUT event_id uuid,
	OUT occurred_at timestamptz,
	OUT event_type text,
	OUT object_kind text,
	OUT object_id uuid,
	OUT namespace text[],
	OUT name text,
	OUT version bigint,
	OUT actor text,
	OUT request_id text,
	OUT details json
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_read_events';
COMMENT ON FUNCTION icecat.read_events(text, bigint, integer) IS
'Returns the numbered events of a warehouse after number p_after, in order, at most p_limit (1 to 100000). Call again with the last number seen: no event is missed or seen twice, and none appears later with a lower number.
Gives numbers to committed events first, where the transaction may write and is READ COMMITTED; elsewhere (a standby, a read-only or REPEATABLE READ transaction) it returns what is numbered. In a transaction block (BEGIN), whose locks would stop all others until it ends, it has the background worker give the numbers and waits for it, at most a second; where no worker can be started, it returns what is numbered. Columns: as view icecat.events, from number to details.
Errors: IC101 no such warehouse (404), IC401 no select on the warehouse (403), IC301 p_after or p_limit out of range (400).';

CREATE OR REPLACE FUNCTION icecat.trim_events(
	p_older_than interval
) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_trim_events';
COMMENT ON FUNCTION icecat.trim_events(interval) IS
'Drops whole months (UTC) of numbered events, of all warehouses, that ended longer ago than p_older_than; returns how many months. Events without a number stay. Numbers are never given again. Safe to run twice; made for pg_cron.
Waits for readers of the events: it takes an exclusive lock for a moment. Errors: IC301 p_older_than is null or negative (400).';

CREATE OR REPLACE VIEW icecat_data.every_event AS
SELECT e.warehouse_id, e.number, e.event_id, e.occurred_at, e.event_type, e.object_kind, e.object_id, e.namespace, e.name,
	e.version, e.actor, e.request_id, e.details, e.principal
FROM icecat_data.event AS e
UNION ALL
SELECT r.warehouse_id, r.number, r.event_id, r.occurred_at, r.event_type, r.object_kind, r.object_id, r.namespace, r.name,
	r.version, r.actor, r.request_id, r.details, r.principal
FROM icecat_data.event_restored AS r;
COMMENT ON VIEW icecat_data.every_event IS 'Numbered events, those that came with a dump too';

CREATE OR REPLACE VIEW icecat.events WITH (security_barrier) AS
SELECT w.name AS warehouse, e.number, e.event_id, e.occurred_at, e.event_type, e.object_kind,
	e.object_id, e.namespace, e.name, e.version, e.actor, e.request_id, e.details, w.warehouse_id, e.principal
FROM icecat_data.warehouse AS w
JOIN (
	SELECT n.warehouse_id, n.number, n.event_id, n.occurred_at, n.event_type, n.object_kind,
		n.object_id, n.namespace, n.name, n.version, n.actor, n.request_id, n.details, n.principal
	FROM icecat_data.every_event AS n
	UNION ALL
	SELECT p.warehouse_id, NULL, p.event_id, p.occurred_at, p.event_type, p.object_kind,
		p.object_id, p.namespace, p.name, p.version, p.actor, p.request_id, p.details, p.principal
	FROM icecat_data.event_pending AS p
) AS e ON e.warehouse_id = w.warehouse_id
WHERE (SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'));
COMMENT ON VIEW icecat.events IS 'What happened in each warehouse that the role may select as a whole: every committed change, in the transaction that made it';
COMMENT ON COLUMN icecat.events.warehouse_id IS 'Id of the warehouse';
COMMENT ON COLUMN icecat.events.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.events.number IS 'Order of the warehouse''s events, without gaps; NULL: committed just now, the number follows';
COMMENT ON COLUMN icecat.events.event_id IS 'Identity of the event, also before it has a number';
COMMENT ON COLUMN icecat.events.occurred_at IS 'Clock inside the transaction; the number, not this, is the order';
COMMENT ON COLUMN icecat.events.event_type IS 'create-table, commit-table, drop-table, rename-table, create-view, replace-view, create-namespace and so on; purge-table when all files of a dropped table are gone';
COMMENT ON COLUMN icecat.events.object_kind IS 'warehouse, namespace, table or view';
COMMENT ON COLUMN icecat.events.object_id IS 'Id of the object in this catalog; survives renames';
COMMENT ON COLUMN icecat.events.namespace IS 'Levels of the namespace that holds the object, or of the namespace itself';
COMMENT ON COLUMN icecat.events.name IS 'Name of the table or view; NULL for a namespace';
COMMENT ON COLUMN icecat.events.version IS 'Commit counter of the table or view after the change; 0 for other objects';
COMMENT ON COLUMN icecat.events.actor IS 'Database role that called';
COMMENT ON COLUMN icecat.events.request_id IS 'Request of the gateway; NULL for calls in SQL';
COMMENT ON COLUMN icecat.events.principal IS 'Who the gateway made the call for: the issuer''s alias, ~ and the token''s subject; NULL for calls in SQL';
COMMENT ON COLUMN icecat.events.details IS 'JSON object; its content depends on event_type';
