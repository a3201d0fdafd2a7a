-- The worker and metadata files. Behaviour only: re-run whole by every upgrade.

CREATE OR REPLACE FUNCTION icecat.start_worker() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_start_worker';
COMMENT ON FUNCTION icecat.start_worker() IS
'Starts the background worker of this database unless it runs. False: not possible now (standby, or max_worker_processes is used up); icecat.run_worker_once() under pg_cron then does its work. Every change starts it by itself: this is for after a restart of the server.';

CREATE OR REPLACE FUNCTION icecat.run_worker_once() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_run_worker_once';
COMMENT ON FUNCTION icecat.run_worker_once() IS
'Does what is due in the queue of metadata files, of all warehouses, in this transaction, numbers the events and forgets old dropped tables; returns the number of tasks done. Tasks that fail stay queued (view icecat.metadata_files, function icecat.worker_status) and raise nothing. Returns 0 at once while the worker or another session is doing the same.';

CREATE OR REPLACE FUNCTION icecat.wait_for_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text,
	p_timeout_ms integer DEFAULT 30000
) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_wait_for_metadata';
COMMENT ON FUNCTION icecat.wait_for_metadata(text, text[], text, integer) IS
'Waits until the metadata file of a table or view that is current now has been written; true when no write of it is queued, also where icecat.metadata-write-mode is none and there is no file to come. Writes the file itself where no worker can run.
p_table: a table or a view. p_timeout_ms: milliseconds; 0 only looks. False: not written in time, or the change was made by this very transaction, whose file is written after its commit.
Errors: IC101 no such warehouse (404), IC103 no such table or view (404).';

CREATE OR REPLACE FUNCTION icecat.export_metadata(
	p_warehouse text,
	p_namespace text[],
	p_table text
) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_export_metadata';
COMMENT ON FUNCTION icecat.export_metadata(text, text[], text) IS
'Writes the current metadata file of a table now, whatever its icecat.metadata-write-mode, and returns its location. Writing it twice does no harm: the content of a location never changes. Not undone by a rollback.
Errors: IC101 no such warehouse (404), IC103 no such table or view (404), IC306 unknown storage scheme, or location outside icecat.file_roots (400), IC501 storage (500).';

CREATE OR REPLACE FUNCTION icecat._pending_files() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_pending_files';
COMMENT ON FUNCTION icecat._pending_files() IS
'Keys of the metadata files that this transaction''s answers have named and that are still queued, since the last call; NULL: there are none, or no worker comes to write them. The gateway asks in the same statement as the answer, and sends the answer when the worker has announced the keys on channel icecat_files.';

CREATE OR REPLACE FUNCTION icecat._queued_files(p_keys text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_queued_files';
COMMENT ON FUNCTION icecat._queued_files(text) IS
'Which of these files are still queued? Empty: none. NULL: no worker comes to write them.
p_keys: keys of icecat._pending_files(), separated by blanks.
Errors: IC301 not a list of keys (400).';

CREATE OR REPLACE FUNCTION icecat._listen_files() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sql_ice_listen_files';
COMMENT ON FUNCTION icecat._listen_files() IS
'Lets this session hear which metadata files were written: one notification a batch of the worker on channel icecat_files, with their keys. Returns whether a worker runs or was started.';

CREATE OR REPLACE FUNCTION icecat.adopt_tasks() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_adopt_tasks';
COMMENT ON FUNCTION icecat.adopt_tasks() IS
'The same as icecat.adopt_storage(), which see.';

CREATE OR REPLACE FUNCTION icecat.adopt_storage() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_adopt_storage';
COMMENT ON FUNCTION icecat.adopt_storage() IS
'Makes this database the one of all copies of its catalog that works on their files: it does the queued file tasks of the database that it is a copy of, and from now on it alone deletes files; starts the worker and returns whether it runs. A copy is what was restored from pg_dump or a base backup, made from a template, promoted beside its primary, or recovered to a point in time. Until then it deletes nothing, and leaves the tasks that it found, so that an original that still lives loses no file. Call it when the copy takes the place of the original; that one then deletes nothing any more. Each root of icecat.file_roots holds a mark, .icecat/<id>, of the database that adopted it last; the first is made with the first table.
Only for who has the rights of the owner of the extension.
Errors: 42501 another role (403), IC501 a mark cannot be written (500).';

CREATE OR REPLACE FUNCTION icecat._storage_problems() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_storage_problems';
COMMENT ON FUNCTION icecat._storage_problems() IS 'What is wrong with the roots of file storage, a sentence a line; NULL: nothing.';

CREATE OR REPLACE FUNCTION icecat._worker_pid() RETURNS integer
LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_worker_pid';
COMMENT ON FUNCTION icecat._worker_pid() IS 'Process id of this database''s worker; NULL: none runs.';

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
	OUT storage_problems text
) RETURNS record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- Looks at all warehouses: it reports on the worker of the database.
	SELECT icecat._worker_pid(),
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
		icecat._storage_problems()
	FROM (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS d
	LEFT JOIN icecat_data.metadata_task AS t ON true;
END;
COMMENT ON FUNCTION icecat.worker_status() IS
'One row on the worker of this database. pid: NULL when none runs (it starts with the next change). pending_*: queued metadata files to write, to delete, and dropped tables to purge. failing: tasks that failed at least once and will be tried again. not_adopted: tasks of the database that this one is a copy of, and deletions that were set aside because it is one; see icecat.adopt_storage(). oldest_write_s: age in seconds of the oldest file not yet written (alert at 30). last_error: of a failing task. unnumbered_events: committed events that have no number yet. storage_problems: what is wrong with the roots of file storage, such as the mark of another database, for which no file is deleted; NULL: nothing.';

CREATE OR REPLACE FUNCTION icecat.trim_idempotency(p_limit bigint DEFAULT 100000) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sql_ice_trim_idempotency';
COMMENT ON FUNCTION icecat.trim_idempotency(bigint) IS
'Deletes idempotency keys that were first used longer ago than icecat.idempotency_lifetime_s was then, of all warehouses, at most p_limit rows; returns how many. The worker does the same every minute while it runs. Safe to run twice and beside other sessions; made for pg_cron.
Errors: IC301 p_limit is null or not positive (400).';
