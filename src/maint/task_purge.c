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
#include "maint/task_outcome.h"
#include "maint/task_purge.h"
#include "store/store_due.h"

#define LOOKED_AT 16
#define WAIT_MS   1000 /* for a file that must be written before */

typedef struct IcePurgeTurn
{
	MemoryContext          context; /* holds all of the purge */
	const IceTransactions *transactions;
	IceOutcome             outcome;
	IcePurge              *purge;
	TimestampTz            since;   /* when it began to get on; 0: not yet */
	bool                   is_gone; /* another session did it */
} IcePurgeTurn;

/* -- begin ------------------------------------------------------------------------------------ */

/* Finds the first purge that need not wait; false if there is none. */
static bool
choose(IcePurgeTurn *turn, TimestampTz due)
{
	bool      found = false;
	ListCell *cell;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(turn->context);
	foreach (cell, ice_due_purges(due, LOOKED_AT))
	{
		const IceTask *task = lfirst(cell);

		found = !ice_drop_purge_waits(&task->warehouse_id, &task->table_id);
		turn->outcome.task = *task;
		if (found)
			break;
		ice_due_postpone(task, TimestampTzPlusMilliseconds(due, WAIT_MS));
	}
	ice_spi_end();
	return found;
}

/* The turn of the purge that has waited longest; NULL if none is due. */
static IcePurgeTurn *
begin_turn(IceTaskWork *work)
{
	MemoryContext context;
	IcePurgeTurn *turn;
	bool          found;

	if (!ice_transaction_begin(work->transactions))
		return NULL;
	context = AllocSetContextCreate(work->lasting, "icecat purge", ALLOCSET_DEFAULT_SIZES);
	turn = MemoryContextAllocZero(context, sizeof(IcePurgeTurn));
	turn->context = context;
	turn->transactions = work->transactions;
	found = choose(turn, work->due);
	ice_transaction_commit(work->transactions);
	if (found)
		return turn;
	MemoryContextDelete(context);
	return NULL;
}

void
ice_tasks_purge_forget(IceTaskWork *work)
{
	if (work->purge != NULL)
		MemoryContextDelete(work->purge->context);
	work->purge = NULL;
}

/* -- run -------------------------------------------------------------------------------------- */

static void
begin_purge(void *arg)
{
	IcePurgeTurn *turn = arg;

	turn->purge = ice_drop_purge_begin(&turn->outcome.task, turn->transactions, turn->context);
}

/* A slice, whose error becomes the task's. */
static void
run(IcePurgeTurn *turn)
{
	IceOutcome *outcome = &turn->outcome;

	MemoryContextSwitchTo(turn->context);
	PG_TRY();
	{
		IcePurgeState state;

		if (turn->purge == NULL)
			ice_transaction_run(turn->transactions, begin_purge, turn);
		state = ice_drop_purge_slice(turn->purge);
		outcome->done = state == ICE_PURGE_OVER;
		if (state == ICE_PURGE_REFUSED)
			outcome->refused = unconstify(char *, ice_drop_purge_refused(turn->purge));
	}
	PG_CATCH();
	{
		outcome->error = ice_task_outcome_take_error(turn->context);
	}
	PG_END_TRY();
}

/* -- finish ----------------------------------------------------------------------------------- */

/* Has it had its turn, and is another one due? A session does each purge to its end. */
static bool
is_turn_over(IcePurgeTurn *turn)
{
	TimestampTz now = GetCurrentTimestamp();

	if (turn->since == 0 && ice_drop_purge_may_end(turn->purge))
		turn->since = now;
	if (turn->since == 0 || turn->transactions == NULL ||
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
		work->purge = begin_turn(work);
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
