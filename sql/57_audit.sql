-- The audit log: who changed what, and who was refused (decision 21). Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE VIEW icecat_data.audit_of_event AS
SELECT p.warehouse_id, p.event_id AS audit_id, p.occurred_at, p.event_type AS action, '00000'::text AS outcome, NULL::integer AS status,
	p.object_kind, p.object_id, w.name AS warehouse, p.namespace, p.name, p.version, coalesce(p.role, p.actor) AS role,
	coalesce(p.login, p.actor) AS login, coalesce(p.source, 'sql') AS source, p.principal, t.name AS tenant, p.request_id,
	p.client_address, p.details
FROM icecat_data.event_pending AS p
LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = p.warehouse_id
LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = '00000000-0000-0000-0000-000000000000' AND t.tenant_id = w.tenant_id;
COMMENT ON VIEW icecat_data.audit_of_event IS 'Events without a number, as rows of the audit log, which the sequencer makes of them';

CREATE OR REPLACE VIEW icecat_data.every_audit AS
SELECT warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, namespace, name, version, role, login,
	source, principal, tenant, request_id, client_address, details
FROM icecat_data.audit
UNION ALL
SELECT warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, namespace, name, version, role, login,
	source, principal, tenant, request_id, client_address, details
FROM icecat_data.audit_pending
UNION ALL
SELECT warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, namespace, name, version, role, login,
	source, principal, tenant, request_id, client_address, details
FROM icecat_data.audit_of_event
UNION ALL
SELECT warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, namespace, name, version, role, login,
	source, principal, tenant, request_id, client_address, details
FROM icecat_data.audit_restored;
COMMENT ON VIEW icecat_data.every_audit IS 'The audit log, wherever its rows are at the moment';

CREATE OR REPLACE VIEW icecat.audit_log WITH (security_barrier) AS
SELECT a.occurred_at, a.action, a.outcome, a.status, a.warehouse, a.object_kind, a.namespace, a.name, a.object_id, a.version,
	a.role AS role_name, a.login, a.source, a.principal, a.tenant, a.request_id, a.client_address, a.details, a.audit_id, a.warehouse_id
FROM icecat_data.every_audit AS a
WHERE (SELECT icecat._sees_all('manage')) OR a.warehouse_id IN (SELECT icecat._seen('manage'))
	OR a.object_id IN (SELECT icecat._seen('manage'))
	OR EXISTS (
		SELECT FROM icecat_data.relation AS r
		WHERE r.warehouse_id = a.warehouse_id AND r.relation_id = a.object_id AND r.namespace_id IN (SELECT icecat._seen('manage')));
COMMENT ON VIEW icecat.audit_log IS 'Who changed what, and who was refused: a row for each change of each object, written in its transaction, and one for each call that was refused. Shows what the role may manage; whose call has no object that is known, only those who may manage the whole catalog. Rows are kept for icecat.audit_retention_days';
COMMENT ON COLUMN icecat.audit_log.occurred_at IS 'Clock of the server inside the transaction; of a refused call, when it was refused. Each month (UTC) has an index on it';
COMMENT ON COLUMN icecat.audit_log.action IS 'What was done or tried: the event_type of the event where there is one, else the name of the function with hyphens. Each month has an index on it';
COMMENT ON COLUMN icecat.audit_log.outcome IS 'SQLSTATE: 00000 where the change was made; of a refused call that of its error, empty where the gateway refused it';
COMMENT ON COLUMN icecat.audit_log.status IS 'HTTP status of a refused call; NULL for a change';
COMMENT ON COLUMN icecat.audit_log.warehouse IS 'Name of the warehouse at that time; NULL: of none';
COMMENT ON COLUMN icecat.audit_log.object_kind IS 'catalog, warehouse, namespace, table, view; NULL: not known, as of a refused call';
COMMENT ON COLUMN icecat.audit_log.namespace IS 'Levels of the namespace that the object is in, or of the namespace itself';
COMMENT ON COLUMN icecat.audit_log.name IS 'Name of the object';
COMMENT ON COLUMN icecat.audit_log.object_id IS 'Id of the object; survives renames';
COMMENT ON COLUMN icecat.audit_log.version IS 'Commit counter of the table or view after the change';
COMMENT ON COLUMN icecat.audit_log.role_name IS 'Role whose privileges counted; empty where a call was refused before it had one';
COMMENT ON COLUMN icecat.audit_log.login IS 'Role that the session had logged in as. A session cannot say another';
COMMENT ON COLUMN icecat.audit_log.source IS 'gateway: the login is a gateway''s (icecat.grant_gateway()), and principal, request_id and client_address are what it found out; sql: they are what the session says; worker';
COMMENT ON COLUMN icecat.audit_log.principal IS 'Who the call was made for: the issuer''s alias, ~ and the token''s subject';
COMMENT ON COLUMN icecat.audit_log.tenant IS 'Tenant of the object, else of the role; NULL: of none';
COMMENT ON COLUMN icecat.audit_log.request_id IS 'Request of the gateway, as in its log';
COMMENT ON COLUMN icecat.audit_log.client_address IS 'Where the client was';
COMMENT ON COLUMN icecat.audit_log.details IS 'JSON object, bounded by icecat.audit_details_bytes_max; its content depends on the action';
COMMENT ON COLUMN icecat.audit_log.audit_id IS 'Identity of the row; that of the event where there is one';
COMMENT ON COLUMN icecat.audit_log.warehouse_id IS 'Id of the warehouse; the nil uuid: of none';

CREATE OR REPLACE FUNCTION icecat._audit(p_action text, p_object_kind text, p_name text, p_before json, p_after json) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_audit';
COMMENT ON FUNCTION icecat._audit(text, text, text, json, json) IS 'Adds a row to the audit log, for a change that a function in SQL makes: of which object, from what, to what (NULL: nothing). Only the owner may call it.';

CREATE OR REPLACE FUNCTION icecat._audit_refused(p_calls json) RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_audit_refused';
COMMENT ON FUNCTION icecat._audit_refused(json) IS
'Adds calls that a gateway has refused to the audit log; returns how many.
p_calls: array of at most 1000 objects {"action", "outcome": SQLSTATE, "status", "warehouse", "namespace": a text[] as text, "name", "role", "principal", "request-id", "client-address", "reason", "repeated": how often the same came again, "age-ms"}. Only of a session that has logged in as a gateway (icecat.grant_gateway()) the role is believed; of others it is the caller''s.
Errors: IC305 more than 1000 (400).';

CREATE OR REPLACE FUNCTION icecat.trim_audit() RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_trim_audit';
COMMENT ON FUNCTION icecat.trim_audit() IS
'Makes the partitions of this month and the next, and drops the months (UTC) of the audit log that ended more than icecat.audit_retention_days ago, or puts them aside (icecat.audit_archive); returns how many. The worker, and icecat.run_worker_once() under pg_cron, do the same. Nothing younger can be removed by it.
Only the owner of the extension, or a superuser, may call. Waits for readers of the log: it takes an exclusive lock for a moment.';
