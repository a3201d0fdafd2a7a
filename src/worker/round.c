/*
 * round.c
 *		One round of the worker. See round.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "maint/sequence.h"
#include "maint/task_delete.h"
#include "maint/task_inspect.h"
#include "maint/task_purge.h"
#include "maint/task_write.h"
#include "maint/upkeep.h"
#include "store/refusals.h"
#include "store/store_due.h"
#include "store/store_inspection.h"
#include "store/store_lock.h"
#include "store/store_queue.h"
#include "worker/round.h"
#include "worker/worker_session.h"

#define DROPPED_TRIM_EVERY_MS 60000
#define EXPIRED_TRIM_EVERY_MS 60000
#define REPORTS_EVERY_MS      60000

static const IceTransactions transactions = {.begin = ice_worker_session_begin,
											 .commit = ice_worker_session_commit,
											 .abort = ice_worker_session_abort,
											 .forgo_flush = ice_worker_session_forgo_flush,
											 .is_wanted = ice_worker_session_is_wanted};

static bool has_lock = false; /* ICE_LOCK_TASKS, of the session */

static bool
take_task_lock(void)
{
	if (!has_lock)
		has_lock = ice_lock_take(ICE_LOCK_TASKS, true, false);
	return has_lock;
}

/* Given back after each round, so that a session can work on the queue in between. */
static void
drop_task_lock(void)
{
	if (!has_lock)
		return;
	ice_lock_release(ICE_LOCK_TASKS);
	has_lock = false;
}

/* -- what others wait for --------------------------------------------------------------------- */

/* Numbers events. True if there may be more. */
static bool
number_events(IceRound *round)
{
	int64 numbered = 0;
	bool  all;

	if (!ice_worker_session_begin())
		return false;
	all = ice_sequence_all(&numbered);
	ice_worker_session_commit();
	round->worked |= numbered > 0;
	round->busy |= !all && numbered == 0;
	return !all && numbered > 0;
}

/* What is due now. A purge under way lasts for many rounds. */
static IceTaskWork *
begin_work(void)
{
	static IceTaskWork work;

	work.transactions = &transactions;
	work.parent = ice_worker_session.context;
	work.lasting = TopMemoryContext;
	work.due = GetCurrentTimestamp();
	work.done = 0;
	return &work;
}

/* Writes a batch of files. True if there may be more: a commit that comes during the batch sets the
 * latch. */
static bool
write_files(IceRound *round)
{
	IceTaskWork *work = begin_work();
	bool         more = ice_tasks_write(work, NULL);

	round->worked |= work->done > 0;
	return more;
}

/* Files first: answers wait for them. Commits that come while a batch is written are the next one,
 * so that a batch is as large as the load, and one that comes alone waits for nobody. */
static void
work_for_others(IceRound *round)
{
	bool more = true;

	while (more && !ice_worker_session.in_the_way)
	{
		/* Before the look: a commit from now on stops the work that can wait. */
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		more = take_task_lock() && write_files(round);
		round->busy |= !has_lock;
		if (ice_worker_session.in_the_way)
			break;
		more |= number_events(round);
		if (!ice_worker_session.installed)
			break;
	}
}

/* -- what can wait ---------------------------------------------------------------------------- */

/* Begins upkeep in a transaction of its own; false if it was done not long ago. */
static bool
begin_upkeep(TimestampTz last_at, int every_ms)
{
	return TimestampDifferenceExceeds(last_at, GetCurrentTimestamp(), every_ms) &&
		   ice_worker_session_begin();
}

/* Forgets tables that were dropped long ago, now and then. */
static void
trim_dropped(void)
{
	static TimestampTz last_at = 0;
	int                count;

	if (!begin_upkeep(last_at, DROPPED_TRIM_EVERY_MS))
		return;
	ice_worker_session_forgo_flush();
	count = ice_upkeep_dropped();
	ice_worker_session_commit();
	if (count == 0)
		last_at = GetCurrentTimestamp();
}

/* Forgets expired idempotency keys, now and then. */
static void
trim_expired(IceRound *round)
{
	static TimestampTz last_at = 0;
	bool               more;

	if (!begin_upkeep(last_at, EXPIRED_TRIM_EVERY_MS))
		return;
	ice_worker_session_forgo_flush();
	more = ice_upkeep_expired();
	ice_worker_session_commit();
	if (!more)
		last_at = GetCurrentTimestamp();
	round->busy |= more;
}

/* Months of metrics reports come and go, now and then. */
static void
keep_reports(void)
{
	static TimestampTz last_at = 0;

	if (!begin_upkeep(last_at, REPORTS_EVERY_MS))
		return;
	ice_upkeep_reports();
	ice_worker_session_commit();
	last_at = GetCurrentTimestamp();
}

/* When something is due next. */
typedef struct Ahead
{
	IceDueTimes tasks;
	TimestampTz inspection;
} Ahead;

static Ahead
look_ahead(IceRound *round)
{
	Ahead        ahead = {{DT_NOEND, DT_NOEND, DT_NOEND}, DT_NOEND};
	IceDueTimes *times = &ahead.tasks;

	if (!ice_worker_session_begin())
		return ahead;
	(void) ice_spi_begin();
	ice_due_next(times);
	ahead.inspection = ice_inspection_next();
	round->next_at = Min(Min(times->write, ahead.inspection), Min(times->delete, times->purge));
	if (times->write == DT_NOEND)
		ice_queue_empty();
	round->next_at = Min(round->next_at, ice_refusals_due());
	ice_spi_end();
	ice_worker_session_commit();
	return ahead;
}

/* One step of deletions, of a purge or of a look at a snapshot: of those that are due, in turn. */
static void
work_in_background(IceRound *round, const Ahead *ahead)
{
	static bool (*const steps[])(IceTaskWork * work) = {ice_tasks_delete, ice_tasks_purge,
														ice_tasks_inspect};
	static int   last = 0;
	IceTaskWork *work = begin_work();
	const bool   due[] = {ahead->tasks.delete <= work->due, ahead->tasks.purge <= work->due,
						  ahead->inspection <= work->due};

	for (int i = 1; i <= (int) lengthof(steps); i++)
	{
		int step = (last + i) % (int) lengthof(steps);

		if (!due[step])
			continue;
		last = step;
		round->more = steps[step](work);
		round->worked |= round->more;
		break;
	}
}

void
ice_round_work(IceRound *round)
{
	*round = (IceRound){.next_at = DT_NOEND};
	work_for_others(round);
	if (has_lock)
	{
		Ahead ahead;

		trim_dropped();
		trim_expired(round);
		keep_reports();
		ahead = look_ahead(round);
		work_in_background(round, &ahead);
	}
	drop_task_lock();
}

void
ice_round_give_up(void)
{
	IceTaskWork *work = begin_work();

	ice_tasks_purge_forget(work);
	ice_tasks_inspect_forget(work);
	drop_task_lock();
}
