/*
 * task_purge.c
 *		Does the purges that are queued. See task_purge.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "maint/drop_purge.h"
#include "maint/task_outcome.h"
#include "maint/task_purge.h"
#include "store/store_due.h"

#define LOOKED_AT 16
#define WAIT_MS 1000 /* for a file that must be written before */

typedef struct Chosen
{
	IceOutcome outcome;
	IcePurge  *purge; /* NULL: there is nothing left to do */
} Chosen;

/* Finds the first purge that need not wait; false if there is none. */
static bool
choose(Chosen *chosen, MemoryContext context, TimestampTz due)
{
	bool        found = false;
	ListCell   *cell;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(context);
	foreach (cell, ice_due_purges(due, LOOKED_AT))
	{
		const IceTask *task = lfirst(cell);

		if (ice_purge_waits(&task->warehouse_id, &task->table_id))
		{
			ice_due_postpone(task, TimestampTzPlusMilliseconds(due, WAIT_MS));
			continue;
		}
		chosen->outcome.task = *task;
		chosen->purge = ice_purge_prepare(task);
		found = true;
		break;
	}
	ice_spi_end();
	return found;
}

static void
run(Chosen *chosen, MemoryContext context, const IceTransactions *transactions)
{
	PG_TRY();
	{
		if (chosen->purge != NULL)
			ice_purge_run(chosen->purge, transactions);
		if (chosen->purge != NULL)
			chosen->outcome.refused = unconstify(char *, chosen->purge->refused);
		chosen->outcome.done = chosen->outcome.refused == NULL;
	}
	PG_CATCH();
	{
		chosen->outcome.error = ice_outcome_take_error(context);
	}
	PG_END_TRY();
}

static void
finish(const Chosen *chosen)
{
	ice_outcome_note(&chosen->outcome);
	if (!chosen->outcome.done || chosen->purge == NULL)
		return;
	(void) ice_spi_begin();
	ice_purge_finish(chosen->purge);
	ice_spi_end();
}

bool
ice_tasks_purge(IceTaskWork *work)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context;
	Chosen        chosen = {.purge = NULL};
	bool          found;

	if (!ice_transaction_begin(work->transactions))
		return false;
	context = AllocSetContextCreate(work->parent, "icecat purge task", ALLOCSET_DEFAULT_SIZES);
	found = choose(&chosen, context, work->due);
	ice_transaction_commit(work->transactions);
	MemoryContextSwitchTo(context);
	if (found)
		run(&chosen, context, work->transactions);
	if (found && ice_transaction_begin_lazy(work->transactions))
	{
		finish(&chosen);
		work->done += chosen.outcome.done;
		ice_transaction_commit(work->transactions);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return found;
}
