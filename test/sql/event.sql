-- Events: one for every committed change, none for what was rolled back; numbered without gaps, in order.
\set VERBOSITY terse
SELECT icecat.create_warehouse('event_test', 's3://lake', '{"icecat.metadata-write-mode": "none"}') IS NOT NULL AS made;
SELECT icecat.create_namespace('event_test', '{a}') IS NOT NULL AS made;
BEGIN;
SELECT icecat.create_table('event_test', '{a}', 't', '{"type": "struct", "fields": []}') IS NOT NULL AS made;
SAVEPOINT s;
SELECT icecat.commit_table('event_test', '{a}', 't', NULL, '[{"action": "set-properties", "updates": {"k": "undone"}}]') IS NOT NULL AS done;
ROLLBACK TO SAVEPOINT s;
-- Not numbered before the commit, even for the transaction itself when it may not give numbers.
SELECT event_type, number IS NULL AS unnumbered FROM icecat.events WHERE warehouse = 'event_test' AND name = 't';
COMMIT;
SET icecat.request_id = 'request-1';
SELECT icecat.commit_table('event_test', '{a}', 't', NULL, '[{"action": "set-properties", "updates": {"k": "v"}}]') IS NOT NULL AS done;
RESET icecat.request_id;
SELECT icecat.rename_table('event_test', '{a}', 't', '{a}', 'u');
SELECT icecat.drop_table('event_test', '{a}', 'u');
BEGIN;
SELECT icecat.create_namespace('event_test', '{b}') IS NOT NULL AS made;
ROLLBACK;

SELECT number, event_type, object_kind, namespace, name, version, actor = current_user AS me, request_id
FROM icecat.read_events('event_test') ORDER BY number;
-- On from where a reader stopped, and not more than asked for.
SELECT number, event_type FROM icecat.read_events('event_test', 3);
SELECT number FROM icecat.read_events('event_test', p_limit => 2);
SELECT count(*) FROM icecat.read_events('event_test', 1000);
SELECT count(DISTINCT object_id) AS objects FROM icecat.events WHERE warehouse = 'event_test' AND object_kind = 'table';
-- A transaction that may not write, or has an old snapshot, reads what is numbered.
SELECT icecat.create_namespace('event_test', '{c}') IS NOT NULL AS made;
BEGIN READ ONLY;
SELECT count(*) BETWEEN 6 AND 7 AS reads FROM icecat.read_events('event_test');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) BETWEEN 6 AND 7 AS reads FROM icecat.read_events('event_test');
COMMIT;
SELECT max(number), count(*) FROM icecat.read_events('event_test');

SELECT icecat.read_events('nowhere');
SELECT icecat.read_events('event_test', -1);
SELECT icecat.read_events('event_test', 0, 0);
SELECT icecat.trim_events('-1 day');
SELECT icecat.trim_events(NULL);
-- The current month is never old enough.
SELECT icecat.trim_events('0');
SELECT max(number) FROM icecat.events WHERE warehouse = 'event_test';

SELECT icecat.drop_namespace('event_test', '{a}');
SELECT icecat.drop_namespace('event_test', '{c}');
