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
'Returns the numbered events of a warehouse after number p_after that the role may see, in order, at most p_limit (1 to 100000). Call again with the last number seen: no event is missed or seen twice, and none appears later with a lower number.
A role with select on the warehouse sees all. Others see the events of tables and views that they may load, and what happened in namespaces on which they have select, also drops; a namespace that was made again under a name tells nothing of the one before it. Who sees only where a table or view was renamed away from gets the event under the name before, with {"moved-away": true} as details. Tables of which the role may not read all are left out (icecat.set_read_restriction()). Then events are looked at one by one, from p_after on.
Gives numbers to committed events first, where the transaction may write and is READ COMMITTED; elsewhere (a standby, a read-only or REPEATABLE READ transaction) it returns what is numbered. In a transaction block (BEGIN), whose locks would stop all others until it ends, it has the background worker give the numbers and waits for it, at most a second; where no worker can be started, it returns what is numbered. Columns: as view icecat.events, from number to details.
Errors: IC101 no such warehouse (404), IC301 p_after or p_limit out of range (400).';

CREATE OR REPLACE FUNCTION icecat.trim_events(
	p_older_than interval
) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_trim_events';
COMMENT ON FUNCTION icecat.trim_events(interval) IS
'Drops whole months (UTC) of numbered events, of all warehouses, that ended longer ago than p_older_than; returns how many months. Events without a number stay. Numbers are never given again. Safe to run twice; made for pg_cron.
Waits for readers of the events: it takes an exclusive lock for a moment. Errors: IC301 p_older_than is null or negative (400).';

CREATE OR REPLACE FUNCTION icecat._sees_event(
	p_warehouse_id uuid,
	p_object_kind text,
	p_object_id uuid,
	p_occurred_at timestamptz,
	p_namespace text[]
) RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE COST 100
AS 'MODULE_PATHNAME', 'sql_ice_sees_event';
COMMENT ON FUNCTION icecat._sees_event(uuid, text, uuid, timestamptz, text[]) IS 'May the current role see an event of an object, which was in a namespace at a time? For view icecat.events, of a role without select on the whole warehouse. NULL where an argument but the namespace is NULL.';

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
WHERE ((SELECT icecat._sees_all('select')) OR w.warehouse_id IN (SELECT icecat._seen('select'))
		OR icecat._sees_event(e.warehouse_id, e.object_kind, e.object_id, e.occurred_at, e.namespace))
	AND e.object_id NOT IN (SELECT icecat._restricted(false));
COMMENT ON VIEW icecat.events IS 'What happened to all that the role may load, and what was dropped of it: every committed change, in the transaction that made it. icecat.read_events() says who sees what';
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

-- -- streams of gateways

CREATE OR REPLACE FUNCTION icecat.open_event_stream(
	p_warehouse text,
	p_from bigint,
	p_last_event_id bigint,
	p_namespace text[],
	p_kinds text,
	p_types text,
	p_table text,
	p_uuid text
) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_open_event_stream';
COMMENT ON FUNCTION icecat.open_event_stream(text, bigint, bigint, text[], text, text, text, text) IS
'What a gateway asks when a client opens a stream of events: the warehouse''s id, after which number it begins, and the filter as icecat._event_feed() spells it, between tabs.
p_warehouse: NULL: the only one that the caller sees. p_from: the first number; p_last_event_id: the last one that the client has, which counts more; neither: from now on. p_namespace: it and below; p_table: of a table or view in it. p_kinds, p_types: words, separated by commas. p_uuid: of an object, by icecat.tables.table_id or table_uuid.
Errors: IC101 no such warehouse (404), IC110 the events are trimmed, and the oldest number (410), IC301 bad arguments (400).
REST: GET /v1/events; an operation of our own.';

CREATE OR REPLACE FUNCTION icecat._event_feed(p_warehouse_id uuid, p_after bigint, p_limit integer, p_roles text[]) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_event_feed';
COMMENT ON FUNCTION icecat._event_feed(uuid, bigint, integer, text[]) IS
'Gateways ask: the events of a warehouse after a number, at most p_limit (10000), for clients of these roles (an empty name: the caller). Only of roles that the session may take (SET ROLE). NULL: the warehouse is gone.
The first line: up to which number it looked, the last number, the oldest number, for each role 1, or 0 where it is not the session''s. Then for each event that some of them see: number, a digit for each role that sees it, kind, type, id of the object, namespace and name, those before a rename, the event (CloudEvents 1.0, JSON); between tabs.';

-- -- pages of events, as the coming standard has them

CREATE OR REPLACE FUNCTION icecat.rest_query_events(p_warehouse text, p_request json) RETURNS json
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_query_events';
COMMENT ON FUNCTION icecat.rest_query_events(text, json) IS
'A page of the numbered events of a warehouse that the role may see (icecat.read_events()), as operations of Iceberg''s proposal for the REST protocol (apache/iceberg #12584), in order, and the token of the next page.
p_request: {"continuation-token", "page-size", "after-timestamp-ms", "operation-types", "object-types", "catalog-objects-by-name", "catalog-objects-by-id"}, all optional; an event must pass each filter that is there. Lists have at most 1000 entries. Without a token: from the oldest event on.
A page ends with page-size events (at most icecat.page_size_max; default icecat.page_size_default), with the event that goes over 1 MB, or after 20,000 numbers of events were looked at; also one without events has a token. Gives numbers to committed events first, as icecat.read_events() does, but not in a transaction block, where it does not wait for the worker either.
Errors: IC101 no such warehouse (404), IC110 the events after the token are trimmed, with the token of the oldest (410), IC301 bad request (400), IC305 a list is too long (400).
REST: POST /v1/{prefix}/events, where the gateway''s setting event_queries is on.';

-- -- subscriptions

CREATE OR REPLACE FUNCTION icecat.create_subscription(
	p_warehouse text,
	p_name text,
	p_namespace text[] DEFAULT NULL,
	p_object_kinds text[] DEFAULT NULL,
	p_event_types text[] DEFAULT NULL,
	p_object_id uuid DEFAULT NULL,
	p_after bigint DEFAULT NULL
) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_create_subscription';
COMMENT ON FUNCTION icecat.create_subscription(text, text, text[], text[], text[], uuid, bigint) IS
'Makes a subscription to the events of a warehouse, which the database keeps the place of, and returns after which number it begins. The caller owns it: the caller, members of the caller''s role and administrators of the warehouse use it.
p_namespace: only what happens in it and below it, and what is renamed out of it. p_object_kinds: warehouse, namespace, table, view. p_event_types: as in icecat.events. p_object_id: of one table or view, also after renames (icecat.tables.table_id). NULL: all. p_after: begins after this number; NULL: after the last one.
Errors: IC101 no such warehouse (404), IC201 the name is taken (409), IC110 the events after p_after are trimmed (410), IC301 bad arguments (400).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.drop_subscription(p_warehouse text, p_name text) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_drop_subscription';
COMMENT ON FUNCTION icecat.drop_subscription(text, text) IS
'Drops a subscription. Waits for a consumer that holds it, at most icecat.commit_lock_timeout_ms.
Errors: IC101 no such warehouse, IC109 no such subscription (404), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.next_events(
	p_warehouse text,
	p_name text,
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
AS 'MODULE_PATHNAME', 'sql_ice_next_events';
COMMENT ON FUNCTION icecat.next_events(text, text, integer) IS
'Returns the next events of a subscription, in order, at most p_limit (1 to 100000): those after the last acknowledged one that it is for and that the caller may see, as icecat.read_events() shows them. Says nothing of how far the consumer has come: icecat.ack() does, in the same transaction or a later one; what is not acknowledged comes again.
Holds the subscription until the transaction ends: another consumer waits, at most icecat.commit_lock_timeout_ms, and goes on after what this one acknowledges. So commit soon.
Errors: IC101 no such warehouse, IC109 no such subscription (404), IC110 events that come next were trimmed, and the oldest number (410): acknowledge up to the one before it to go on; IC301 bad arguments (400), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE FUNCTION icecat.ack(p_warehouse text, p_name text, p_number bigint) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_ack';
COMMENT ON FUNCTION icecat.ack(text, text, bigint) IS
'Says that a consumer is done with all events up to a number, in the caller''s transaction: with what it made of them, or not at all. Returns false, and changes nothing, where that was said before.
Errors: IC101 no such warehouse, IC109 no such subscription (404), IC301 there is no such number yet (400), 55P03 lock timeout (503).
REST: none.';

CREATE OR REPLACE VIEW icecat.subscriptions WITH (security_barrier) AS
SELECT w.name AS warehouse, s.name, s.role, s.namespace, s.object_kinds, s.event_types, s.object_id, s.acked,
	coalesce(c.last_number, 0) AS last_number, coalesce(c.last_number, 0) - s.acked AS behind, s.created_at, s.acked_at, w.warehouse_id
FROM icecat_data.subscription AS s
JOIN icecat_data.warehouse AS w ON w.warehouse_id = s.warehouse_id
LEFT JOIN icecat_data.event_counter AS c ON c.warehouse_id = s.warehouse_id
WHERE s.role::oid = ANY ((SELECT icecat._own_roles())::oid[]) OR (SELECT icecat._sees_all('manage'))
	OR w.warehouse_id IN (SELECT icecat._seen('manage'));
COMMENT ON VIEW icecat.subscriptions IS 'One''s own subscriptions, and all of the warehouses that one may manage, with how far each consumer is behind';
COMMENT ON COLUMN icecat.subscriptions.warehouse IS 'Name of the warehouse';
COMMENT ON COLUMN icecat.subscriptions.name IS 'Name of the subscription, unique in the warehouse';
COMMENT ON COLUMN icecat.subscriptions.role IS 'Who owns it';
COMMENT ON COLUMN icecat.subscriptions.namespace IS 'Only events in it and below; NULL: all';
COMMENT ON COLUMN icecat.subscriptions.object_kinds IS 'Only events of such objects; NULL: all';
COMMENT ON COLUMN icecat.subscriptions.event_types IS 'Only such events; NULL: all';
COMMENT ON COLUMN icecat.subscriptions.object_id IS 'Only events of this object; NULL: all';
COMMENT ON COLUMN icecat.subscriptions.acked IS 'The last number that is done with';
COMMENT ON COLUMN icecat.subscriptions.last_number IS 'The last number of the warehouse';
COMMENT ON COLUMN icecat.subscriptions.behind IS 'How many events come after acked, wanted or not; those without a number yet are not counted';
COMMENT ON COLUMN icecat.subscriptions.created_at IS 'When it was made';
COMMENT ON COLUMN icecat.subscriptions.acked_at IS 'When acked was last moved on by icecat.ack(); NULL: never';
COMMENT ON COLUMN icecat.subscriptions.warehouse_id IS 'Id of the warehouse';
