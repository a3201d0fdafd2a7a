/*
 * task_delete.c
 *		Deletes the old metadata files, and the removed rows, that the queue names. See
 *		task_delete.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "maint/owned_files.h"
#include "maint/store_health.h"
#include "maint/task_delete.h"
#include "maint/task_outcome.h"
#include "storage/storage.h"
#include "store/store_due.h"

#define BATCH_TASKS 16

typedef struct Batch
{
	const IceTransactions *transactions;
	MemoryContext          context;
	IceOutcome             outcomes[BATCH_TASKS]; /* those of one table stand together */
	int                    count;
} Batch;

static void
read_tasks(Batch *batch, TimestampTz due)
{
	ListCell *table;
	ListCell *task;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(batch->context);
	foreach (table, ice_due_deletes(due, BATCH_TASKS))
	{
		if (batch->count == BATCH_TASKS)
			break;
		foreach (task, ice_due_first_deletes(lfirst(table), BATCH_TASKS - batch->count))
			batch->outcomes[batch->count++].task = *(IceTask *) lfirst(task);
	}
	ice_spi_end();
}

/* -- run -------------------------------------------------------------------------------------- */

/* The location of a task's file as it is deleted; NULL, and the outcome says why, where it is not
 * allowed. */
static char *
canonical(IceOutcome *outcome, MemoryContext context)
{
	char *volatile location = NULL;

	if (!ice_storage_is_local(outcome->task.location))
		return ice_storage_spelling(outcome->task.location);
	PG_TRY();
	{
		location = ice_storage_checked(outcome->task.location, NULL);
	}
	PG_CATCH();
	{
		outcome->error = ice_task_outcome_take_error(context);
	}
	PG_END_TRY();
	return location;
}

/* The files of one table's deletions; of gets the outcome of each. */
static int
list_files(const Batch *batch, IceOutcome *outcomes, int count, IceOwnedFile *files,
		   IceOutcome **of)
{
	int n = 0;

	for (int i = 0; i < count; i++)
	{
		char *location = outcomes[i].task.kind == ICE_TASK_DELETE
							 ? canonical(&outcomes[i], batch->context)
							 : NULL;

		if (location == NULL)
			continue;
		of[n] = &outcomes[i];
		files[n++] = (IceOwnedFile){.location = location, .task = &outcomes[i].task};
	}
	return n;
}

/* Deletes the files of one table's tasks. One that is not its table's alone any more stays, and the
 * task is done. A trim asks for nothing here: the table's rows are trimmed after its tasks. */
static void
run_table(Batch *batch, IceOwner *owner, IceOutcome *outcomes, int count)
{
	IceOwnedFile files[BATCH_TASKS];
	IceOutcome  *of[BATCH_TASKS];
	int          n = list_files(batch, outcomes, count, files, of);
	bool         failed = false;

	if (n > 0)
		(void) ice_owned_files_delete(owner, files, n);
	for (int i = 0; i < n; i++)
	{
		of[i]->refused = unconstify(char *, owner->refused);
		of[i]->error = files[i].error;
		failed |= files[i].error != NULL;
	}
	if (failed)
		(void) ice_store_health_suspect(owner->profile);
}

/* run_table(): what goes wrong as a whole is the error of each. */
static void
try_table(Batch *batch, IceOutcome *outcomes, int count)
{
	char *volatile error = NULL;
	IceOwner owner = {.warehouse_id = outcomes[0].task.warehouse_id,
					  .object_id = outcomes[0].task.table_id,
					  .transactions = batch->transactions};

	PG_TRY();
	{
		run_table(batch, &owner, outcomes, count);
	}
	PG_CATCH();
	{
		error = ice_task_outcome_take_error(batch->context);
	}
	PG_END_TRY();
	if (error != NULL)
		(void) ice_store_health_suspect(owner.profile);
	for (int i = 0; i < count; i++)
	{
		if (outcomes[i].error == NULL && outcomes[i].task.kind == ICE_TASK_DELETE)
			outcomes[i].error = error;
		outcomes[i].done = outcomes[i].error == NULL && outcomes[i].refused == NULL;
	}
}

/* How many outcomes from a place on are of one table. */
static int
count_table(const Batch *batch, int begin)
{
	int end = begin + 1;

	while (end < batch->count &&
		   ice_task_outcome_same_table(&batch->outcomes[begin], &batch->outcomes[end]))
		end++;
	return end - begin;
}

static void
run(Batch *batch)
{
	int n;

	for (int i = 0; i < batch->count; i += n)
	{
		n = count_table(batch, i);
		try_table(batch, &batch->outcomes[i], n);
	}
}

/* -- finish ----------------------------------------------------------------------------------- */

static int
finish(Batch *batch)
{
	int done = 0;
	int n;

	for (int begin = 0; begin < batch->count; begin += n)
	{
		const IceTask *last = NULL; /* that is out of the queue */
		bool           releases = false;

		n = count_table(batch, begin);
		for (int i = begin; i < begin + n; i++)
		{
			const IceOutcome *outcome = &batch->outcomes[i];

			ice_task_outcome_note(outcome);
			if (!outcome->done && outcome->refused == NULL)
				continue;
			last = &outcome->task;
			releases |= ice_task_outcome_releases(outcome);
			done += outcome->done ? 1 : 0;
		}
		if (last != NULL)
			ice_task_outcome_note_table(last, releases);
	}
	return done;
}

bool
ice_tasks_delete(IceTaskWork *work)
{
	MemoryContext old = CurrentMemoryContext;
	Batch         batch = {.transactions = work->transactions};

	if (!ice_transaction_begin(work->transactions))
		return false;
	batch.context = AllocSetContextCreate(work->parent, "icecat files to delete",
										  ALLOCSET_DEFAULT_SIZES);
	read_tasks(&batch, work->due);
	ice_transaction_commit(work->transactions);
	MemoryContextSwitchTo(batch.context);
	run(&batch);
	if (batch.count > 0 && ice_transaction_begin_lazy(work->transactions))
	{
		MemoryContextSwitchTo(batch.context);
		work->done += finish(&batch);
		ice_transaction_commit(work->transactions);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(batch.context);
	return batch.count > 0;
}
