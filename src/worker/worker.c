/*
 * worker.c
 *		The icecat background worker: metadata files, purges and event numbers of one database.
 *
 * It sleeps on its latch, which sessions set when they commit (store_queue.c), and looks by itself
 * at the time of the next retry, at least every POLL_MS. A worker that a session started ends when
 * it had nothing to do for icecat.worker_idle_exit_s; a permanent one (icecat.worker_databases)
 * stays.
 *
 * Whose rights it has: worker_session.h.
 *
 * It must not be in the way: it holds no transaction open while it reads or writes files, and it
 * ends at once when a session wants its database for itself (DROP DATABASE, CREATE DATABASE ...
 * TEMPLATE), which shows as a conflicting lock on the database.
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
#include "store/audit.h"
#include "store/store_worker.h"
#include "worker/missing_database.h"
#include "worker/round.h"
#include "worker/worker_session.h"
#include "worker/worker.h"

#define POLL_MS              2000 /* must stay well below the 5 s that DROP DATABASE waits */
#define BUSY_RETRY_MS        500  /* another session works on the queue */
#define ERROR_PAUSE_FIRST_MS 500
#define ERROR_PAUSE_MAX_MS   30000
#define RESTART_S            10
#define WAITING_POLL_MS      500  /* while databases wait for a process */
#define IDLE_TURN_MS         1000 /* then a worker without work makes room for them */
#define WAIT_EVENT           "IcecatWorkerMain"

typedef struct WorkerState
{
	bool        permanent;
	bool        makes_room; /* ends for a database that waits for a process */
	TimestampTz turn_start;
	int         errors; /* rounds in a row that failed */
	TimestampTz last_work_at;
	IceRound    round; /* the last one */
} WorkerState;

static WorkerState state;

/* A round that survives errors. */
static void
work_safely(void)
{
	MemoryContextSwitchTo(ice_worker_session.context);
	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, "icecat worker");
		ice_round_work(&state.round);
		if (state.errors > 0)
			ice_worker_note_error("");
		state.errors = 0;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(ice_worker_session.context);
		HOLD_INTERRUPTS();
		ice_worker_note_error(CopyErrorData()->message);
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		ice_worker_session_leave_sandbox();
		FlushErrorState();
		ice_round_give_up();
		RESUME_INTERRUPTS();
		state.errors++;
	}
	PG_END_TRY();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextReset(ice_worker_session.context);
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
	if (state.round.busy)
		return BUSY_RETRY_MS;
	if (ice_worker_others_wait())
		ms = WAITING_POLL_MS;
	if (state.round.next_at != DT_NOEND)
		ms = Min(ms, Max(1, TimestampDifferenceMilliseconds(now, state.round.next_at)));
	return ms;
}

/* Has it had its turn, while databases wait for a process? It has work for a while, or none and
 * stays for a moment. */
static bool
turn_is_over(void)
{
	bool idle = !state.round.worked && !state.round.busy && state.errors == 0;
	int  turn_ms = idle ? IDLE_TURN_MS : ice_guc_worker_turn_s * 1000;

	return ice_worker_others_wait() &&
		   TimestampDifferenceExceeds(state.turn_start, GetCurrentTimestamp(), turn_ms);
}

/* May this worker end? Once the slot is given back a commit starts another one; what was committed
 * just before is looked for once more by the caller. */
static bool
wants_to_end(void)
{
	if (ice_worker_session.in_the_way)
		return true;
	if (state.permanent)
		return false;
	if (turn_is_over())
		return state.makes_room = true;
	if (state.errors > 0 || !ice_worker_session.installed)
		return !ice_worker_session.installed;
	return state.round.next_at == DT_NOEND && !state.round.busy &&
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

/* Sleeps until there is something to do. After an error the whole pause is kept, even if the latch
 * is set. */
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
		if (state.round.worked)
			state.last_work_at = GetCurrentTimestamp();
		ice_worker_start_waiting();
		if (wants_to_end())
			return;
		if (state.errors > 0 || !state.round.more)
			rest();
	}
}

/* Works as the database's worker until it is not needed any more, or makes room for another
 * database. */
static void
serve(void)
{
	while (ice_worker_claim_slot())
	{
		state.turn_start = GetCurrentTimestamp();
		run();
		if (state.makes_room)
		{
			/* Where another worker runs it starts the one that waits; the last one starts again for
			 * it. */
			if (ice_worker_release_slot(state.round.worked || state.round.busy ||
										state.round.next_at != DT_NOEND || state.errors > 0))
				state.makes_room = false;
			return;
		}
		(void) ice_worker_release_slot(false);
		if (ice_worker_session.in_the_way)
			return;
		/* A commit between the last look and the release may have woken nobody but us. */
		work_safely();
		if (!state.round.worked)
			return;
		state.last_work_at = GetCurrentTimestamp();
	}
}

/* Entry of the process, which is started again when it ends with status 1: a permanent one after a
 * while, another at once, for a database that waits. argument: oid of the database, or the number
 * of a permanent worker, whose bgw_extra names it. */
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
	ice_worker_session_pin_settings();
	ice_audit_by_worker();
	ice_worker_session.context = AllocSetContextCreate(TopMemoryContext, "icecat worker",
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
