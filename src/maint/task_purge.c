/*
 * task_purge.c
 *		Does the purges that are queued, slice by slice. See task_purge.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "guc.h"
#include "maint/drop_purge.h"
#include "maint/store_health.h"
#include "maint/task_outcome.h"
#include "maint/task_purge.h"
#include "store/store_due.h"
#include "store/store_inspection.h"

#define LOOKED_AT   16
#define WAIT_MS     1000 /* for a file that must be written before, or read */
#define WAIT_MS_MAX 15000

typedef struct IcePurgeTurn
{
	IceTurn     turn; /* first */
	IceOutcome  outcome;
	IcePurge   *purge;
	TimestampTz since;   /* when it began to get on; 0: not yet */
	bool        is_gone; /* another session did it */
} IcePurgeTurn;

/* -- begin ------------------------------------------------------------------------------------ */

/* What was committed before the drop was, and is not read yet, may name files of the table. When
 * that was, no clock says; but all of it is there to see when its purge is first seen. Notes when
 * that is, if it must wait. Those that wait long are looked at less often. */
static bool
waits_for_snapshots(const IceTask *task, TimestampTz awaited)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz seen = ice_drop_purge_seen(task);

	if (seen == DT_NOEND ? awaited == DT_NOEND : awaited > seen)
		return false;
	if (seen == DT_NOEND)
		ice_drop_purge_note_seen(task, seen = now);
	ice_due_postpone(task, TimestampTzPlusMilliseconds(
							   now, Max(WAIT_MS, Min((now - seen) / 4000, WAIT_MS_MAX))));
	return true;
}

/* Finds the first purge that need not wait; false if there is none. The purges are read before the
 * snapshots that may hold them up. */
static bool
choose(void *chosen, TimestampTz due)
{
	IcePurgeTurn  *turn = chosen;
	const IceTask *last = NULL;
	TimestampTz    awaited = DT_NOEND;
	ListCell      *cell;

	foreach (cell, ice_due_purges(due, LOOKED_AT))
	{
		const IceTask *task = lfirst(cell);

		if (last == NULL || memcmp(&last->warehouse_id, &task->warehouse_id, UUID_LEN) != 0)
			awaited = ice_inspections_awaited(&task->warehouse_id);
		last = task;
		if (waits_for_snapshots(task, awaited))
			continue;
		turn->outcome.task = *task;
		if (!ice_drop_purge_waits(&task->warehouse_id, &task->table_id))
			return true;
		ice_due_release_writes(task);
		ice_due_postpone(task, TimestampTzPlusMilliseconds(due, WAIT_MS));
	}
	return false;
}

void
ice_tasks_purge_forget(IceTaskWork *work)
{
	ice_task_work_end(work->purge);
	work->purge = NULL;
}

/* -- run -------------------------------------------------------------------------------------- */

static void
begin_purge(void *arg)
{
	IcePurgeTurn *turn = arg;

	turn->purge = ice_drop_purge_begin(&turn->outcome.task, turn->turn.transactions,
									   turn->turn.context);
}

/* A slice, whose error becomes the task's. */
static void
run(IcePurgeTurn *turn)
{
	IceOutcome *outcome = &turn->outcome;

	MemoryContextSwitchTo(turn->turn.context);
	PG_TRY();
	{
		IcePurgeState state;

		if (turn->purge == NULL)
			ice_transaction_run(turn->turn.transactions, begin_purge, turn);
		state = ice_drop_purge_slice(turn->purge);
		outcome->done = state == ICE_PURGE_OVER;
		if (state == ICE_PURGE_REFUSED)
			outcome->refused = unconstify(char *, ice_drop_purge_refused(turn->purge));
	}
	PG_CATCH();
	{
		outcome->error = ice_task_outcome_take_error(turn->turn.context);
	}
	PG_END_TRY();
	if (outcome->error != NULL && turn->purge != NULL)
		(void) ice_store_health_suspect(ice_drop_purge_profile(turn->purge));
}

/* -- finish ----------------------------------------------------------------------------------- */

/* Has it had its turn, and is another one due? A session does each purge to its end. */
static bool
is_turn_over(IcePurgeTurn *turn)
{
	TimestampTz now = GetCurrentTimestamp();

	if (turn->since == 0 && ice_drop_purge_may_end(turn->purge))
		turn->since = now;
	if (turn->since == 0 || turn->turn.transactions == NULL ||
		!TimestampDifferenceExceeds(turn->since, now, ice_guc_purge_turn_s * 1000))
		return false;
	return list_length(ice_due_purges(now, 2)) > 1;
}

/* Between two slices; true if its turn ends here, behind the other purges that are due. In SPI. */
static bool
note_slice(IcePurgeTurn *turn)
{
	turn->is_gone = !ice_drop_purge_note(turn->purge);
	if (turn->is_gone)
		return true;
	if (ice_drop_purge_is_idle(turn->purge))
	{
		ice_due_postpone(&turn->outcome.task, GetCurrentTimestamp());
		return true;
	}
	if (is_turn_over(turn))
		ice_drop_purge_wind_up(turn->purge);
	return false;
}

/* A store is back: what waits for another attempt there need not wait any more. In SPI. */
static void
release_store(const IcePurgeTurn *turn)
{
	const IceStorageProfile *profile = turn->purge != NULL ? ice_drop_purge_profile(turn->purge)
														   : NULL;

	if (ice_store_health_is_back(profile))
		ice_due_release_store(&profile->id);
}

/* Tells the queue about a slice; true if the turn is over. In a transaction. */
static bool
finish(IcePurgeTurn *turn)
{
	IceOutcome *outcome = &turn->outcome;
	bool        over = true;

	(void) ice_spi_begin();
	if (outcome->error == NULL && outcome->refused == NULL)
		over = note_slice(turn) || outcome->done;
	if (outcome->done && !turn->is_gone)
		ice_drop_purge_finish(turn->purge);
	release_store(turn);
	ice_spi_end();
	if (over && !outcome->done)
		ice_task_outcome_note(outcome);
	return over;
}

bool
ice_tasks_purge(IceTaskWork *work)
{
	MemoryContext old = CurrentMemoryContext;
	IcePurgeTurn *turn;
	bool          over = true;

	if (work->purge == NULL)
		work->purge = ice_task_work_begin(work, sizeof(IcePurgeTurn), choose);
	turn = work->purge;
	if (turn == NULL)
		return false;
	run(turn);
	if (ice_transaction_begin_lazy(work->transactions))
	{
		over = finish(turn);
		work->done += turn->outcome.done && !turn->is_gone;
		ice_transaction_commit(work->transactions);
	}
	MemoryContextSwitchTo(old);
	if (over)
		ice_tasks_purge_forget(work);
	return true;
}
