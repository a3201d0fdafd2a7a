/*
 * worker.c
 *		The icecat background worker: metadata files, purges and event numbers of one database.
 *
 * It sleeps on its latch, which sessions set when they commit (store_queue.c), and looks by itself at the time
 * of the next retry, at least every POLL_MS. A worker that a session started ends when it had nothing
 * to do for icecat.worker_idle_exit_s; a permanent one (icecat.worker_databases) stays.
 *
 * Whose rights it has: session.h.
 *
 * It must not be in the way: it holds no transaction open while it reads or writes files, and it ends at once when
 * a session wants its database for itself (DROP DATABASE, CREATE DATABASE ... TEMPLATE), which shows
 * as a conflicting lock on the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "guc.h"
#include "maint/sequence.h"
#include "maint/task_run.h"
#include "maint/upkeep.h"
#include "store/store_lock.h"
#include "store/store_queue.h"
#include "store/store_worker.h"
#include "worker/missing_database.h"
#include "worker/session.h"
#include "worker/worker.h"

#define POLL_MS 2000          /* must stay well below the 5 s that DROP DATABASE waits */
#define BUSY_RETRY_MS 500     /* another session works on the queue */
#define ERROR_PAUSE_FIRST_MS 500
#define ERROR_PAUSE_MAX_MS 30000
#define DROPPED_TRIM_EVERY_MS 60000
#define EXPIRED_TRIM_EVERY_MS 60000
#define REPORTS_EVERY_MS 60000
#define RESTART_S 10
#define WAITING_POLL_MS 500   /* while databases wait for a process */
#define IDLE_TURN_MS 1000     /* then a worker without work makes room for them */
#define WAIT_EVENT "IcecatWorkerMain"

typedef struct WorkerState
{
	bool          permanent;
	bool          has_lock;     /* ICE_LOCK_TASKS, of the session */
	bool          busy;         /* another session works: look again soon */
	bool          worked;       /* this round found something to do */
	bool          makes_room;   /* ends for a database that waits for a process */
	TimestampTz   turn_start;
	int           errors;       /* rounds in a row that failed */
	TimestampTz   last_work_at;
	TimestampTz   last_trim_at;
	TimestampTz   last_expired_trim_at;
	TimestampTz   last_reports_at;
	TimestampTz   next_attempt_at;
	bool          has_next_attempt;
} WorkerState;

static WorkerState state;

/* -- a round ---------------------------------------------------------------------------------- */

static bool
take_task_lock(void)
{
	if (!state.has_lock)
		state.has_lock = ice_lock_take(ICE_LOCK_TASKS, true, false);
	return state.has_lock;
}

/* Given back after each round, so that a session can work on the queue in between. */
static void
drop_task_lock(void)
{
	if (!state.has_lock)
		return;
	ice_lock_release(ICE_LOCK_TASKS);
	state.has_lock = false;
}

/* Numbers events. True if there may be more. */
static bool
number_events(void)
{
	int64 numbered = 0;
	bool  all;

	if (!ice_session_begin())
		return false;
	all = ice_sequence_all(&numbered);
	ice_session_commit();
	state.worked |= numbered > 0;
	state.busy |= !all && numbered == 0;
	return !all && numbered > 0;
}

/* Does a batch of file tasks. True if there may be more: a commit that comes during the batch sets the latch. */
static bool
do_tasks(void)
{
	static const IceTransactions transactions = {ice_session_begin, ice_session_commit,
												  ice_session_abort};
	IceTaskBatch batch;
	bool         any;
	bool         more;

	if (!ice_session_begin())
		return false;
	any = ice_tasks_prepare(&batch, ice_session.context, NULL);
	ice_session_commit();
	if (!any)
		return false;
	ice_tasks_run(&batch, &transactions);
	if (!ice_session_begin())
		return false;
	ice_session_forgo_flush();
	ice_tasks_finish(&batch);
	ice_session_commit();
	more = batch.full && batch.done_count > 0;
	ice_tasks_free(&batch);
	state.worked = true;
	return more;
}

/* Forgets tables that were dropped long ago, now and then. */
static void
trim_dropped(void)
{
	TimestampTz now = GetCurrentTimestamp();
	int         count;

	if (!TimestampDifferenceExceeds(state.last_trim_at, now, DROPPED_TRIM_EVERY_MS))
		return;
	if (!ice_session_begin())
		return;
	ice_session_forgo_flush();
	count = ice_upkeep_dropped();
	ice_session_commit();
	if (count == 0)
		state.last_trim_at = now;
}

/* Forgets expired idempotency keys, now and then. */
static void
trim_expired(void)
{
	TimestampTz now = GetCurrentTimestamp();
	bool        more;

	if (!TimestampDifferenceExceeds(state.last_expired_trim_at, now, EXPIRED_TRIM_EVERY_MS))
		return;
	if (!ice_session_begin())
		return;
	ice_session_forgo_flush();
	more = ice_upkeep_expired();
	ice_session_commit();
	if (!more)
		state.last_expired_trim_at = now;
	state.busy |= more;
}

/* Months of metrics reports come and go, now and then. */
static void
keep_reports(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(state.last_reports_at, now, REPORTS_EVERY_MS))
		return;
	if (!ice_session_begin())
		return;
	ice_upkeep_reports();
	ice_session_commit();
	state.last_reports_at = now;
}

static void
read_next_attempt(void)
{
	if (!ice_session_begin())
		return;
	(void) ice_spi_begin();
	state.has_next_attempt = ice_task_next_attempt(&state.next_attempt_at);
	if (!state.has_next_attempt)
		ice_queue_empty();
	ice_spi_end();
	ice_session_commit();
}

/* All that there is to do now. Files first: answers wait for them. Commits that come while a batch is written are the next
 * one, so that a batch is as large as the load, and one that comes alone waits for nobody. */
static void
work(void)
{
	bool more = true;

	state.worked = false;
	state.busy = false;
	state.has_next_attempt = false;
	while (more && !ice_session.in_the_way)
	{
		CHECK_FOR_INTERRUPTS();
		more = take_task_lock() && do_tasks();
		state.busy |= !state.has_lock;
		if (ice_session.in_the_way)
			break;
		more |= number_events();
		if (!ice_session.installed)
			break;
	}
	if (state.has_lock)
	{
		trim_dropped();
		trim_expired();
		keep_reports();
		read_next_attempt();
	}
	drop_task_lock();
}

/* A round that survives errors. */
static void
work_safely(void)
{
	MemoryContextSwitchTo(ice_session.context);
	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, "icecat worker");
		work();
		if (state.errors > 0)
			ice_worker_note_error("");
		state.errors = 0;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(ice_session.context);
		HOLD_INTERRUPTS();
		ice_worker_note_error(CopyErrorData()->message);
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		ice_session_leave_sandbox();
		FlushErrorState();
		drop_task_lock();
		RESUME_INTERRUPTS();
		state.errors++;
	}
	PG_END_TRY();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextReset(ice_session.context);
}

/* -- life ------------------------------------------------------------------------------------- */

/* How long to sleep if nobody sets the latch. */
static long
sleep_ms(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long        ms = POLL_MS;

	if (state.errors > 0)
		return Min(ERROR_PAUSE_MAX_MS, (long) ERROR_PAUSE_FIRST_MS << Min(state.errors - 1, 8));
	if (state.busy)
		return BUSY_RETRY_MS;
	if (ice_worker_others_wait())
		ms = WAITING_POLL_MS;
	if (state.has_next_attempt)
		ms = Min(ms, Max(1, TimestampDifferenceMilliseconds(now, state.next_attempt_at)));
	return ms;
}

/* Has it had its turn, while databases wait for a process? It has work for a while, or none and stays for a moment. */
static bool
turn_is_over(void)
{
	bool idle = !state.worked && !state.busy && state.errors == 0;
	int  turn_ms = idle ? IDLE_TURN_MS : ice_guc_worker_turn_s * 1000;

	return ice_worker_others_wait() &&
		   TimestampDifferenceExceeds(state.turn_start, GetCurrentTimestamp(), turn_ms);
}

/* May this worker end? Once the slot is given back a commit starts another one; what was committed just before is
 * looked for once more by the caller. */
static bool
wants_to_end(void)
{
	if (ice_session.in_the_way)
		return true;
	if (state.permanent)
		return false;
	if (turn_is_over())
		return state.makes_room = true;
	if (state.errors > 0 || !ice_session.installed)
		return !ice_session.installed;
	return !state.has_next_attempt && !state.busy &&
		   TimestampDifferenceExceeds(state.last_work_at, GetCurrentTimestamp(),
									  ice_guc_worker_idle_exit_s * 1000);
}

static void
handle_signals(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* What pg_stat_activity shows while the worker sleeps; before PostgreSQL 17 only "Extension". */
static uint32
wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew(WAIT_EVENT);
	return event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

/* Sleeps until there is something to do. After an error the whole pause is kept, even if the latch is set. */
static void
rest(void)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), sleep_ms());
	int         event;

	do
	{
		long ms = Max(1, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end));

		event = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
						  wait_event());
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	} while (state.errors > 0 && (event & WL_TIMEOUT) == 0);
}

/* Works until it may end. */
static void
run(void)
{
	for (;;)
	{
		handle_signals();
		work_safely();
		if (state.worked)
			state.last_work_at = GetCurrentTimestamp();
		ice_worker_start_waiting();
		if (wants_to_end())
			return;
		rest();
	}
}

/* Works as the database's worker until it is not needed any more, or makes room for another database. */
static void
serve(void)
{
	while (ice_worker_claim_slot())
	{
		state.turn_start = GetCurrentTimestamp();
		run();
		if (state.makes_room)
		{
			/* Where another worker runs it starts the one that waits; the last one starts again for it. */
			if (ice_worker_release_slot(state.worked || state.busy || state.has_next_attempt ||
										state.errors > 0))
				state.makes_room = false;
			return;
		}
		(void) ice_worker_release_slot(false);
		if (ice_session.in_the_way)
			return;
		/* A commit between the last look and the release may have woken nobody but us. */
		work_safely();
		if (!state.worked)
			return;
		state.last_work_at = GetCurrentTimestamp();
	}
}

/* Entry of the process, which is started again when it ends with status 1: a permanent one after a while, another at once,
 * for a database that waits. argument: oid of the database, or the number of a permanent worker, whose bgw_extra names it. */
void
ice_worker_main(Datum argument)
{
	const char *database = MyBgworkerEntry->bgw_extra;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memset(&state, 0, sizeof(state));
	state.permanent = database[0] != '\0';
	if (state.permanent)
	{
		ice_missing_database_await(DatumGetInt32(argument), database);
		BackgroundWorkerInitializeConnection(database, NULL, 0);
		ice_missing_database_found(DatumGetInt32(argument));
	}
	else
	{
		Oid chosen = ice_worker_choose(DatumGetObjectId(argument));

		if (!OidIsValid(chosen))
			proc_exit(0);
		BackgroundWorkerInitializeConnectionByOid(chosen, InvalidOid, 0);
	}
	ice_session_pin_settings();
	ice_session.context = AllocSetContextCreate(TopMemoryContext, "icecat worker",
										  ALLOCSET_DEFAULT_SIZES);
	state.last_work_at = GetCurrentTimestamp();
	serve();
	proc_exit(state.permanent || state.makes_room ? 1 : 0);
}

/* Registers the permanent worker of one database. */
static void
register_static(int number, const char *database)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_S;
	strlcpy(worker.bgw_library_name, ICE_WORKER_LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, ICE_WORKER_FUNCTION, sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "icecat worker for database %s", database);
	strlcpy(worker.bgw_type, "icecat worker", BGW_MAXLEN);
	strlcpy(worker.bgw_extra, database, BGW_EXTRALEN);
	worker.bgw_main_arg = Int32GetDatum(number);
	RegisterBackgroundWorker(&worker);
}

void
ice_worker_register_static(void)
{
	char *list = pstrdup(ice_guc_worker_databases != NULL ? ice_guc_worker_databases : "");
	char *save = NULL;
	int   number = 0;

	for (char *name = strtok_r(list, ", ", &save); name != NULL; name = strtok_r(NULL, ", ", &save))
	{
		if (number == ICE_PERMANENT_WORKERS_MAX)
			ereport(FATAL, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("icecat.worker_databases names more than %d databases",
								   ICE_PERMANENT_WORKERS_MAX)));
		register_static(number++, name);
	}
	pfree(list);
}
