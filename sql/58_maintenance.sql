-- The worker and metadata files. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.start_worker() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_start_worker';
COMMENT ON FUNCTION icecat.start_worker() IS
'Starts the background worker of this database unless it runs. False: not possible now (standby, or max_worker_processes is used up); icecat.run_worker_once() under pg_cron then does its work. Every change starts it by itself; this function is for the time after a restart of the server.';

CREATE OR REPLACE FUNCTION icecat.run_worker_once() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_run_worker_once';
COMMENT ON FUNCTION icecat.run_worker_once() IS
'Does what is due in the queue of metadata files, of all warehouses, in this transaction, numbers the events and forgets old dropped tables; returns the number of tasks done. Tasks that fail stay queued (view icecat.metadata_files, function icecat.worker_status) and raise nothing. Returns 0 at once while the worker or another session is doing the same. Works under any isolation level.
In a transaction block (BEGIN), whose locks would stop all others until it ends, it leaves the work to the background worker, which it wakes, and returns 0.
Errors: 25001 in a transaction block where no worker can be started.';

CREATE OR REPLACE FUNCTION icecat.wait_for_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_timeout_ms integer DEFAULT 30000
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_wait_for_metadata';
COMMENT ON FUNCTION icecat.wait_for_metadata(text, text[], text, integer) IS
'Waits until the metadata file of a table or view that is current now has been written; true when no write of it is queued, also where icecat.metadata-write-mode is none and there is no file to come. Writes the file itself where no worker can run.
p_table: a table or a view. p_timeout_ms: milliseconds; 0 only looks. False: not written in time, or the change was made by this very transaction, whose file is written after its commit.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table or view (404).';

CREATE OR REPLACE FUNCTION icecat.export_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_export_metadata';
COMMENT ON FUNCTION icecat.export_metadata(text, text[], text) IS
'Writes the current metadata file of a table now, whatever its icecat.metadata-write-mode, and returns its location. Writing it twice does no harm: the content of a location never changes. Not undone by a rollback.
Errors: IC101 no such warehouse (404), IC401 not allowed (403), IC103 no such table or view (404), IC306 unknown storage scheme, or location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat._pending_files() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_pending_files';
COMMENT ON FUNCTION icecat._pending_files() IS
'Keys of the metadata files that this transaction''s answers have named and that are still queued, since the last call; NULL: there are none, or no worker comes to write them. The gateway asks in the same statement as the answer, and sends the answer when the worker has announced the keys (icecat._listen_files()).';

CREATE OR REPLACE FUNCTION icecat._queued_files(p_keys text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_queued_files';
COMMENT ON FUNCTION icecat._queued_files(text) IS
'Which of these files are still queued? Empty: none. NULL: no worker comes to write them.
p_keys: keys of icecat._pending_files(), separated by blanks.
Errors: IC301 not a list of keys (400).';

CREATE OR REPLACE FUNCTION icecat._listen_files() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_listen_files';
COMMENT ON FUNCTION icecat._listen_files() IS
'Lets this session hear which metadata files were written: one notification a batch of the worker, with their keys, on a channel that nobody can guess; and that there are new events. Returns whether a worker runs or was started.';

CREATE OR REPLACE FUNCTION icecat._file_is_missing(p_location text) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_file_is_missing';
COMMENT ON FUNCTION icecat._file_is_missing(text) IS
'May the server look there, and is there nothing? Only in file storage: a network is not asked.';

CREATE OR REPLACE FUNCTION icecat.missing_metadata_files(
	p_warehouse text DEFAULT NULL,
	p_limit integer DEFAULT 10000
) RETURNS TABLE (warehouse text, namespace text[], kind text, name text, metadata_location text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
BEGIN ATOMIC
	-- A file that was still queued when the query began is not missing; one that was not had been written before, and is looked for now.
	SELECT w.name, n.levels, r.kind, r.name, h.metadata_location
	FROM icecat_data.warehouse AS w
	JOIN icecat_data.namespace AS n ON n.warehouse_id = w.warehouse_id
	JOIN icecat_data.relation AS r
		ON r.warehouse_id = n.warehouse_id AND r.namespace_id = n.namespace_id AND r.dropped_at IS NULL
	JOIN (
		SELECT t.warehouse_id, t.table_id AS id, t.metadata_location FROM icecat_data.table_head AS t WHERE t.file_expected
		UNION ALL
		SELECT v.warehouse_id, v.view_id, v.metadata_location FROM icecat_data.view_head AS v WHERE v.file_expected
	) AS h ON h.warehouse_id = r.warehouse_id AND h.id = r.relation_id
	WHERE (p_warehouse IS NULL OR w.name = p_warehouse)
		AND NOT EXISTS (
			SELECT FROM icecat_data.metadata_task AS q
			WHERE q.warehouse_id = h.warehouse_id AND q.table_id = h.id AND q.kind = 'write' AND q.location = h.metadata_location)
		AND icecat._file_is_missing(h.metadata_location)
	LIMIT p_limit;
END;
COMMENT ON FUNCTION icecat.missing_metadata_files(text, integer) IS
'The tables and views whose current metadata file is not in storage although it was written once: load_table() answers 404 for them, unless icecat.check_metadata_file is off. This happens after a point-in-time recovery, if files of that time were deleted later. icecat.export_metadata(warehouse) writes them again.
p_warehouse: NULL for all. p_limit: most rows. Looks for each file, in file storage only, and takes as long as that; can be cancelled. Files that are still queued, and those of icecat.metadata-write-mode none, are not missing.';

CREATE OR REPLACE FUNCTION icecat._export_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_export_metadata';
COMMENT ON FUNCTION icecat._export_metadata(text, text[], text) IS 'One table or view of icecat.export_metadata(warehouse).';

CREATE OR REPLACE FUNCTION icecat.export_metadata(
	p_warehouse text,
	p_only_missing boolean DEFAULT true
) RETURNS TABLE (namespace text[], name text, metadata_location text, error text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS $icecat$
BEGIN
	PERFORM icecat.load_warehouse(p_warehouse);
	FOR namespace, name, metadata_location IN
		SELECT m.namespace, m.name, m.metadata_location
		FROM icecat.missing_metadata_files(p_warehouse, NULL) AS m WHERE p_only_missing
		UNION ALL
		SELECT t.namespace, t.table_name, t.metadata_location FROM icecat.tables AS t
		WHERE t.warehouse = p_warehouse AND NOT p_only_missing
		UNION ALL
		SELECT v.namespace, v.view_name, v.metadata_location FROM icecat.views AS v
		WHERE v.warehouse = p_warehouse AND NOT p_only_missing
	LOOP
		BEGIN
			error := NULL;
			metadata_location := icecat._export_metadata(p_warehouse, namespace, name);
		EXCEPTION WHEN OTHERS THEN -- a cancelled query is no such error
			error := SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END
$icecat$;
COMMENT ON FUNCTION icecat.export_metadata(text, boolean) IS
'Writes the current metadata files of all tables and views of a warehouse whose file is missing (icecat.missing_metadata_files), or of all of them; a row for each, with the reason where one could not be written. Not undone by a rollback; can be cancelled, and called again.
p_only_missing: false for every table and view, whatever its icecat.metadata-write-mode. Errors: IC101 no such warehouse (404), IC401 not allowed (403).';

CREATE OR REPLACE FUNCTION icecat.adopt_tasks() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_adopt_tasks';
COMMENT ON FUNCTION icecat.adopt_tasks() IS
'The same as icecat.adopt_storage(), which see.';

CREATE OR REPLACE FUNCTION icecat.adopt_storage() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_adopt_storage';
COMMENT ON FUNCTION icecat.adopt_storage() IS
'Makes this database the one of all copies of its catalog that works on their files: it does the queued file tasks of the database that it is a copy of, and from now on it alone deletes files; starts the worker and returns whether it runs. A copy is what was restored from pg_dump or a base backup, made from a template, promoted beside its primary, or recovered to a point in time. Until then it deletes nothing, and leaves the tasks that it found, so that an original that still lives loses no file. Call it when the copy takes the place of the original; that one then deletes nothing any more. Each root of icecat.file_roots holds a mark, .icecat/<id>, of the database that adopted it last; the first is made with the first table.
Only for roles that have the rights of the owner of the extension.
Errors: 42501 another role (403), IC501 a mark cannot be written (500).';

CREATE OR REPLACE FUNCTION icecat._storage_problems() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_storage_problems';
COMMENT ON FUNCTION icecat._storage_problems() IS 'What is wrong with the roots of file storage, a sentence a line; NULL: nothing.';

CREATE OR REPLACE FUNCTION icecat._worker_state(
	OUT pid integer,
	OUT state text,
	OUT waiting_s double precision,
	OUT worker_error text
) RETURNS record
LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_worker_state';
COMMENT ON FUNCTION icecat._worker_state() IS 'What the shared memory of the server knows about this database''s worker; see icecat.worker_status().';

CREATE OR REPLACE FUNCTION icecat.worker_status(
	OUT pid integer,
	OUT pending_writes bigint,
	OUT pending_deletes bigint,
	OUT pending_purges bigint,
	OUT failing bigint,
	OUT not_adopted bigint,
	OUT oldest_write_s double precision,
	OUT last_error text,
	OUT unnumbered_events bigint,
	OUT storage_problems text,
	OUT state text,
	OUT waiting_s double precision,
	OUT worker_error text,
	OUT queued bigint
) RETURNS record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
BEGIN ATOMIC
	-- Looks at all warehouses: it reports on the worker of the database.
	SELECT w.pid,
		pg_catalog.count(*) FILTER (WHERE t.kind = 'write'),
		pg_catalog.count(*) FILTER (WHERE t.kind = 'delete'),
		pg_catalog.count(*) FILTER (WHERE t.kind = 'purge'),
		pg_catalog.count(*) FILTER (WHERE t.attempts > 0),
		pg_catalog.count(*) FILTER (WHERE t.database_id <> d.oid),
		pg_catalog.max(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - t.created_at))
			FILTER (WHERE t.kind = 'write')::double precision,
		(pg_catalog.array_agg(t.last_error ORDER BY t.next_attempt_at DESC)
			FILTER (WHERE t.last_error IS NOT NULL))[1],
		(SELECT pg_catalog.count(*) FROM icecat_data.event_pending AS e),
		icecat._storage_problems(), w.state, w.waiting_s, w.worker_error, pg_catalog.count(t.kind)
	FROM (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS d
	CROSS JOIN icecat._worker_state() AS w
	LEFT JOIN icecat_data.metadata_task AS t ON true
	GROUP BY w.pid, w.state, w.waiting_s, w.worker_error;
END;
COMMENT ON FUNCTION icecat.worker_status() IS
'One row on the worker of this database. pid: NULL when none runs (it starts with the next change). pending_*: queued metadata files to write, to delete, and dropped tables to purge. failing: tasks that failed at least once and will be tried again. not_adopted: tasks of the database that this one is a copy of, and deletions that were set aside because it is one; see icecat.adopt_storage(). oldest_write_s: age in seconds of the oldest file not yet written (alert at 30). last_error: of a failing task. unnumbered_events: committed events that have no number yet. storage_problems: what is wrong with the roots of file storage, such as the mark of another database, for which no file is deleted; NULL: nothing. state: of the worker: running, starting, none, or waiting for a background process, because other databases have all that there are (max_worker_processes; workers then take turns, icecat.worker_turn_s). waiting_s: for how many seconds it has waited; NULL: it does not. worker_error: why the worker''s last round failed as a whole, such as a trigger on the tables that is refused; NULL: it did not. queued: tasks in the queue.';

CREATE OR REPLACE FUNCTION icecat._store_counters(
	OUT profile_id uuid,
	OUT files_written bigint,
	OUT files_failed bigint,
	OUT bytes_written bigint,
	OUT lag_s double precision
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_store_counters';
COMMENT ON FUNCTION icecat._store_counters() IS 'What the shared memory of the server has counted of this database''s stores; see icecat.storage_status(). The nil uuid: file storage.';

CREATE OR REPLACE FUNCTION icecat.storage_status(
	OUT storage_profile text,
	OUT pending_writes bigint,
	OUT oldest_write_s double precision,
	OUT failing bigint,
	OUT last_error text,
	OUT files_written bigint,
	OUT files_failed bigint,
	OUT bytes_written bigint,
	OUT lag_s double precision,
	OUT inspections bigint,
	OUT outside_files bigint
) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
BEGIN ATOMIC
	-- Looks at all warehouses, as icecat.worker_status() does.
	WITH profile AS (
		SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id, ''::text AS name
		UNION ALL SELECT p.profile_id, coalesce(t.name || '/', '') || p.name
		FROM icecat_data.storage_profile AS p LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = p.warehouse_id AND t.tenant_id = p.tenant_id),
	queue AS (
		SELECT CASE WHEN t.location ~ '^(file:|/)' THEN '00000000-0000-0000-0000-000000000000'::uuid
				ELSE coalesce(w.storage_profile_id, '00000000-0000-0000-0000-000000000000'::uuid) END AS id,
			pg_catalog.count(*) FILTER (WHERE t.kind = 'write') AS pending,
			pg_catalog.max(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - t.created_at)) FILTER (WHERE t.kind = 'write')::double precision AS oldest_s,
			pg_catalog.count(*) FILTER (WHERE t.attempts > 0) AS failing, pg_catalog.max(t.last_error) AS last_error
		FROM icecat_data.metadata_task AS t LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = t.warehouse_id GROUP BY 1),
	look AS (
		SELECT coalesce(w.storage_profile_id, '00000000-0000-0000-0000-000000000000'::uuid) AS id, pg_catalog.sum(x.waiting)::bigint AS waiting, pg_catalog.sum(x.found)::bigint AS found
		FROM (SELECT i.warehouse_id, pg_catalog.count(*) AS waiting, 0::bigint AS found FROM icecat_data.inspection AS i GROUP BY 1
			UNION ALL SELECT o.warehouse_id, 0::bigint, pg_catalog.count(*) FROM icecat_data.outside_file AS o GROUP BY 1) AS x
		LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = x.warehouse_id GROUP BY 1)
	SELECT p.name, coalesce(q.pending, 0), q.oldest_s, coalesce(q.failing, 0), q.last_error, coalesce(c.files_written, 0), coalesce(c.files_failed, 0),
		coalesce(c.bytes_written, 0), coalesce(c.lag_s, 0), coalesce(l.waiting, 0), coalesce(l.found, 0)
	FROM profile AS p
	LEFT JOIN queue AS q ON q.id = p.id
	LEFT JOIN look AS l ON l.id = p.id
	LEFT JOIN icecat._store_counters() AS c ON c.profile_id = p.id
	ORDER BY p.name;
END;
COMMENT ON FUNCTION icecat.storage_status() IS
'One row for each storage profile of the database, and one for file storage. storage_profile: its name, with that of its tenant and a slash before it; empty: file storage, and what lies where the server reaches nothing. pending_writes: queued metadata files. oldest_write_s: age in seconds of the oldest of them; NULL: there is none (alert at 30). failing: queued tasks that failed at least once. last_error: of one of them. files_written, files_failed, bytes_written: metadata files that the worker has written, tries that failed, and bytes, since the server started. lag_s: how long after their commits these files were there, in seconds, all added up: the rate of this by that of files_written is how late a file is. inspections: snapshots whose manifests are still to be read. outside_files: files outside of the locations of their tables that were found (view icecat.outside_files). The last two count for the profile of the warehouse. Deletions and purges count in failing alone.';

CREATE OR REPLACE FUNCTION icecat.health(
	OUT name text,
	OUT ok boolean,
	OUT detail text
) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
BEGIN ATOMIC
	-- Looks at all warehouses, as icecat.worker_status() does.
	WITH worker AS (SELECT * FROM icecat.worker_status()),
	stores AS (
		SELECT pg_catalog.string_agg(pg_catalog.format('%s (%s tasks: %s)', coalesce(nullif(s.storage_profile, ''), 'files'), s.failing, s.last_error), ', ' ORDER BY s.storage_profile) AS failing
		FROM icecat.storage_status() AS s WHERE s.failing > 0),
	event AS (
		SELECT pg_catalog.count(*) AS waiting, coalesce(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(e.occurred_at)), 0)::double precision AS oldest_s
		FROM icecat_data.event_pending AS e),
	subscription AS (
		SELECT pg_catalog.string_agg(w.name || '.' || s.name, ', ' ORDER BY w.name, s.name) AS lost
		FROM icecat_data.subscription AS s
		JOIN icecat_data.warehouse AS w ON w.warehouse_id = s.warehouse_id
		JOIN icecat_data.event_counter AS c ON c.warehouse_id = s.warehouse_id
		WHERE s.acked < c.last_number AND s.acked + 1 < coalesce((
			SELECT e.number FROM icecat_data.every_event AS e WHERE e.warehouse_id = s.warehouse_id ORDER BY e.number LIMIT 1), c.last_number + 1)),
	age AS (
		SELECT pg_catalog.age(d.datfrozenxid) AS transactions, pg_catalog.mxid_age(d.datminmxid) AS row_locks
		FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()),
	version AS (
		SELECT x.extversion AS objects, icecat.version() AS library FROM pg_catalog.pg_extension AS x WHERE x.extname = 'icecat')
	SELECT c.name, c.ok, c.detail FROM (
		SELECT 1 AS place, 'extension' AS name, v.objects = v.library AS ok, CASE WHEN v.objects = v.library THEN v.library
			ELSE pg_catalog.format('the library is of version %s and the SQL objects of %s: ALTER EXTENSION icecat UPDATE', v.library, v.objects) END AS detail FROM version AS v
		UNION ALL
		SELECT 2, 'writes', NOT x.standby, CASE WHEN x.standby THEN 'this is a standby: nothing can be changed' ELSE 'changes can be made' END
		FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS x
		UNION ALL
		SELECT 3, 'worker', w.worker_error IS NULL AND (w.state IN ('running', 'starting') OR w.queued = 0 AND w.unnumbered_events = 0 OR pg_catalog.pg_is_in_recovery()),
			pg_catalog.concat_ws('; ', CASE WHEN w.pid IS NULL THEN w.state ELSE pg_catalog.format('%s, process %s', w.state, w.pid) END,
				CASE WHEN w.waiting_s IS NOT NULL THEN pg_catalog.format('waits for %s s', pg_catalog.round(w.waiting_s::numeric, 1)) END, w.worker_error) FROM worker AS w
		UNION ALL
		SELECT 4, 'metadata-files', coalesce(w.oldest_write_s, 0) <= 30, CASE WHEN w.pending_writes = 0 THEN 'none waits'
			ELSE pg_catalog.format('%s wait to be written, the oldest for %s s', w.pending_writes, pg_catalog.round(w.oldest_write_s::numeric, 1)) END FROM worker AS w
		UNION ALL
		SELECT 5, 'stores', s.failing IS NULL, coalesce('tasks fail: ' || s.failing, 'no task fails') FROM stores AS s
		UNION ALL
		SELECT 6, 'file-storage', w.storage_problems IS NULL AND w.not_adopted = 0, coalesce(w.storage_problems, CASE WHEN w.not_adopted > 0
			THEN pg_catalog.format('%s tasks are of the database that this is a copy of: icecat.adopt_storage()', w.not_adopted) ELSE 'no problem is known' END) FROM worker AS w
		UNION ALL
		SELECT 7, 'events', e.oldest_s <= 30, CASE WHEN e.waiting = 0 THEN 'all have numbers'
			ELSE pg_catalog.format('%s have no number yet, the oldest for %s s', e.waiting, pg_catalog.round(e.oldest_s::numeric, 1)) END FROM event AS e
		UNION ALL
		SELECT 8, 'subscriptions', s.lost IS NULL, coalesce('the events that come next were trimmed: ' || s.lost, 'none has lost events') FROM subscription AS s
		UNION ALL
		SELECT 9, 'wraparound', greatest(a.transactions, a.row_locks) < 1000000000, pg_catalog.format('%s transactions and %s multixacts since the oldest that is not frozen; VACUUM is late above 1000000000',
			a.transactions, a.row_locks) FROM age AS a) AS c
	ORDER BY c.place;
END;
COMMENT ON FUNCTION icecat.health() IS
'One row for each check of this database. name: of the check. ok: false where somebody should look. detail: what was found.
extension: library and SQL objects are of one version. writes: this is no standby. worker: it runs, or has nothing to do, and its last round did not fail. metadata-files: none waits for more than 30 s. stores: no task fails; names the storage profiles. file-storage: no problem of its roots, and nothing to adopt. events: none is without a number for more than 30 s. subscriptions: none whose next events were trimmed. wraparound: the database''s oldest transaction and multixact are less than 1,000,000,000 back.
Looks at the queues: made for a call every some seconds. icecat.worker_status() and icecat.storage_status() have the figures.';

CREATE OR REPLACE FUNCTION icecat.trim_idempotency(p_limit bigint DEFAULT 100000) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
AS 'MODULE_PATHNAME', 'sql_ice_trim_idempotency';
COMMENT ON FUNCTION icecat.trim_idempotency(bigint) IS
'Deletes idempotency keys that were first used longer ago than icecat.idempotency_lifetime_s was then, of all warehouses, at most p_limit rows; returns how many. The worker does the same every minute while it runs. Safe to run twice and beside other sessions; made for pg_cron.
Errors: IC301 p_limit is null or not positive (400).';
