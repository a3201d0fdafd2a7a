/*
 * task_write.c
 *		Writes the metadata files that are queued. See task_write.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "budget_server.h"
#include "maint/adopt.h"
#include "maint/drop_purge.h"
#include "maint/task_outcome.h"
#include "maint/task_write.h"
#include "storage/storage.h"
#include "store/pending.h"
#include "store/store_queue.h"
#include "store/store_table.h"

#define BATCH_TABLES_MAX          64
#define BATCH_TASKS_PER_TABLE_MAX 64
#define BATCH_TASKS_MAX           256
#define BATCH_BYTES_MAX           (64 * 1024 * 1024)

typedef struct Write
{
	IceOutcome     outcome;
	StringInfoData document;
} Write;

typedef struct Batch
{
	MemoryContext context; /* holds all of the batch */
	List         *writes;  /* Write *; those of one table stand together, in their order */
	bool          full;    /* more may be due than fitted into it */
	bool          put_off; /* some that were due are not any more */
	int64         done;
} Batch;

/* -- prepare ---------------------------------------------------------------------------------- */

/* The document, allocated in the batch's context. */
static void
read_document(Write *write, MemoryContext context)
{
	const IceTask *task = &write->outcome.task;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(context);
	(void) ice_budget_exempt(context);
	initStringInfo(&write->document);
	if (task->head_json == NULL)
		ice_task_document(task, &write->document);
	else
		ice_store_table_render_version(&write->document, &task->warehouse_id, &task->table_id,
									   task->version, task->head_json);
	ice_spi_end();
}

/* read_document() in a subtransaction: an error becomes the task's. */
static void
prepare_write(Write *write, MemoryContext context)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		read_document(write, context);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		write->outcome.error = ice_task_outcome_take_error(context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* Adds the first writes of a table. */
static void
read_table(Batch *batch, const IceTaskTable *table)
{
	List     *tasks = ice_due_first_writes(table, BATCH_TASKS_PER_TABLE_MAX);
	ListCell *cell;

	batch->full |= list_length(tasks) == BATCH_TASKS_PER_TABLE_MAX;
	foreach (cell, tasks)
	{
		Write *write = palloc0(sizeof(Write));

		write->outcome.task = *(IceTask *) lfirst(cell);
		batch->writes = lappend(batch->writes, write);
	}
}

/* Reads the tasks to do, without their documents. What a purge makes void is held. */
static void
read_tasks(Batch *batch, const IceTaskTable *only, TimestampTz due)
{
	List     *tables;
	ListCell *cell;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(batch->context);
	tables = only != NULL ? list_make1(unconstify(IceTaskTable *, only))
						  : ice_due_writes(due, BATCH_TABLES_MAX);
	batch->full = list_length(tables) == BATCH_TABLES_MAX;
	foreach (cell, tables)
	{
		const IceTaskTable *table = lfirst(cell);

		if (list_length(batch->writes) >= BATCH_TASKS_MAX)
		{
			batch->full = true;
			break;
		}
		if (!table->has_purge || ice_drop_purge_waits(&table->warehouse_id, &table->table_id))
			read_table(batch, table);
		else
		{
			ice_due_hold_writes(table, due);
			batch->put_off = true;
		}
	}
	ice_spi_end();
}

/* As many documents as fit into the memory of a batch: the writes after these are left for the
 * next. */
static void
prepare(Batch *batch, const IceTaskTable *only, TimestampTz due)
{
	int64 bytes = 0;
	int   count = 0;

	ice_adopt_say_problems();
	read_tasks(batch, only, due);
	MemoryContextSwitchTo(batch->context);
	while (count < list_length(batch->writes) && bytes <= BATCH_BYTES_MAX)
	{
		Write *write = list_nth(batch->writes, count++);

		prepare_write(write, batch->context);
		bytes += write->document.len;
	}
	batch->full |= count < list_length(batch->writes);
	batch->writes = list_truncate(batch->writes, count);
}

/* -- write ------------------------------------------------------------------------------------ */

/* Writes the files, all together. That of a table's later task may so be there although an earlier
 * one failed: it stays queued behind that, and is written once more. */
static void
write_files(Batch *batch)
{
	int           count = list_length(batch->writes);
	Write       **writes = palloc(sizeof(Write *) * Max(count, 1));
	IceFileWrite *files = palloc0(sizeof(IceFileWrite) * Max(count, 1));
	int           n = 0;
	ListCell     *cell;

	foreach (cell, batch->writes)
	{
		Write *write = lfirst(cell);

		if (write->outcome.error != NULL)
			continue;
		writes[n] = write;
		files[n++] = (IceFileWrite){.location = write->outcome.task.location,
									.data = write->document.data,
									.len = (size_t) write->document.len};
	}
	ice_storage_write_metadata_batch(files, n);
	for (int i = 0; i < n; i++)
		writes[i]->outcome.error = files[i].error;
}

/* The files before the first of its table that failed are done. */
static void
decide(Batch *batch)
{
	const IceOutcome *failed = NULL; /* of the table at hand */
	ListCell         *cell;

	foreach (cell, batch->writes)
	{
		IceOutcome *outcome = &((Write *) lfirst(cell))->outcome;

		if (failed != NULL && ice_task_outcome_same_table(failed, outcome))
			outcome->error = NULL;
		else if (outcome->error != NULL)
			failed = outcome;
		else
			outcome->done = true;
	}
}

/* -- finish ----------------------------------------------------------------------------------- */

/* Tells the queue, and those who wait for the files. */
static void
finish(Batch *batch)
{
	const IceOutcome *done = NULL; /* the last one, of the table at hand */
	StringInfoData    written;
	ListCell         *cell;

	initStringInfo(&written);
	foreach (cell, batch->writes)
	{
		const IceOutcome *outcome = &((Write *) lfirst(cell))->outcome;
		const IceTask    *task = &outcome->task;

		if (done != NULL && !ice_task_outcome_same_table(done, outcome))
		{
			ice_task_outcome_note_table(&done->task);
			done = NULL;
		}
		ice_task_outcome_note(outcome);
		if (!outcome->done)
			continue;
		done = outcome;
		batch->done++;
		ice_pending_written(&written, &task->warehouse_id, &task->table_id, task->version);
	}
	if (done != NULL)
		ice_task_outcome_note_table(&done->task);
	ice_pending_announce(&written);
	ice_queue_written((int) batch->done);
	pfree(written.data);
}

bool
ice_tasks_write(IceTaskWork *work, const IceTaskTable *only)
{
	MemoryContext old = CurrentMemoryContext;
	Batch         batch = {0};
	bool          more;

	if (!ice_transaction_begin(work->transactions))
		return false;
	batch.context = AllocSetContextCreate(work->parent, "icecat files to write",
										  ALLOCSET_DEFAULT_SIZES);
	prepare(&batch, only, work->due);
	ice_transaction_commit(work->transactions);
	MemoryContextSwitchTo(batch.context);
	if (batch.writes != NIL)
	{
		write_files(&batch);
		decide(&batch);
		if (ice_transaction_begin_lazy(work->transactions))
		{
			MemoryContextSwitchTo(batch.context);
			finish(&batch);
			ice_transaction_commit(work->transactions);
		}
	}
	more = batch.full && (batch.done > 0 || batch.put_off);
	work->done += batch.done;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(batch.context);
	(void) ice_budget_exempt(NULL);
	return more;
}
