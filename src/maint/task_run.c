/*
 * task_run.c
 *		Does what is in the queue of file tasks.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "budget_server.h"
#include "guc.h"
#include "maint/adopt.h"
#include "maint/drop_purge.h"
#include "maint/task_run.h"
#include "storage/storage.h"
#include "store/pending.h"
#include "store/store_location.h"
#include "store/store_queue.h"
#include "store/store_table.h"

#define BATCH_TABLES_MAX 64
#define BATCH_TASKS_PER_TABLE_MAX 64
#define BATCH_TASKS_MAX 256
#define BATCH_BYTES_MAX (64 * 1024 * 1024)
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 60000

typedef struct Work
{
	IceTask        task;
	StringInfoData document; /* of a write */
	IcePurge      *purge;    /* of a purge; NULL: there is nothing left to do */
	bool           skipped;  /* an earlier task of the table failed */
	bool           done;
	char          *refused;  /* not NULL: set aside, for this database deletes no files */
	char          *error;    /* not NULL: failed */
} Work;

/* The message of the error being handled, which is then forgotten. A cancellation goes on. */
static char *
take_error(MemoryContext context)
{
	ErrorData *error;
	char      *text;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		PG_RE_THROW();
	FlushErrorState();
	text = error->detail != NULL ? psprintf("%s (%s)", error->message, error->detail)
								 : pstrdup(error->message);
	FreeErrorData(error);
	return text;
}

/* -- prepare ---------------------------------------------------------------------------------- */

/* What a task needs out of the database, allocated in the batch's context. */
static void
read_item(Work *item, MemoryContext context)
{
	(void) ice_spi_begin();
	MemoryContextSwitchTo(context);
	(void) ice_budget_exempt(context);
	if (item->task.kind == ICE_TASK_WRITE)
	{
		initStringInfo(&item->document);
		if (item->task.head_json == NULL)
			ice_task_document(&item->task, &item->document);
		else
			ice_store_render_version(&item->document, &item->task.warehouse_id,
									 &item->task.table_id, item->task.version,
									 item->task.head_json);
	}
	else if (item->task.kind == ICE_TASK_PURGE)
		item->purge = ice_purge_prepare(&item->task);
	ice_spi_end();
}

/* read_item() in a subtransaction: an error becomes the task's. */
static void
prepare_item(Work *item, MemoryContext context)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		read_item(item, context);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		item->error = take_error(context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* Is a file queued for this table that another table or view has been registered by? Then its purge comes after it. */
static bool
file_is_awaited(const IceTaskTable *table)
{
	List     *paths = NIL;
	ListCell *cell;

	foreach (cell, ice_task_write_locations(&table->warehouse_id, &table->table_id))
		paths = list_concat(paths, ice_storage_spellings(lfirst(cell)));
	return paths != NIL && ice_holds_known() &&
		   ice_holds_of_others(&table->warehouse_id, &table->table_id, paths) != NIL;
}

/* Reads the tasks to do, as items without their documents. full: there may be more of them. */
static List *
read_tasks(MemoryContext context, const IceTaskTable *only, bool *full)
{
	List     *tables;
	List     *items = NIL;
	ListCell *cell;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(context);
	tables = only != NULL ? list_make1(unconstify(IceTaskTable *, only))
						  : ice_task_due_tables(GetCurrentTimestamp(), BATCH_TABLES_MAX);
	*full = list_length(tables) == BATCH_TABLES_MAX;
	foreach (cell, tables)
	{
		IceTaskTable *table = lfirst(cell);
		bool          purge_only = table->has_purge && !file_is_awaited(table);
		List *tasks = ice_task_first(&table->warehouse_id, &table->table_id, purge_only,
									 BATCH_TASKS_PER_TABLE_MAX);
		ListCell     *task;

		*full |= list_length(tasks) == BATCH_TASKS_PER_TABLE_MAX;
		foreach (task, tasks)
		{
			Work *item = palloc0(sizeof(Work));

			item->task = *(IceTask *) lfirst(task);
			items = lappend(items, item);
		}
		if (list_length(items) >= BATCH_TASKS_MAX)
		{
			*full = true;
			break;
		}
	}
	ice_spi_end();
	return items;
}

/* Once in a process: says what is wrong with the roots. */
static void
look_at_roots(void)
{
	static bool looked = false;
	char       *problems;

	if (looked)
		return;
	looked = true;
	(void) ice_spi_begin();
	problems = ice_storage_problems();
	if (problems != NULL)
		ereport(LOG, (errmsg("file storage: %s", problems), errhidestmt(true)));
	ice_spi_end();
}

bool
ice_tasks_prepare(IceTaskBatch *batch, MemoryContext parent, const IceTaskTable *only)
{
	MemoryContext old;
	List         *items;
	ListCell     *cell;
	int64         bytes = 0;

	look_at_roots();
	memset(batch, 0, sizeof(*batch));
	batch->context = AllocSetContextCreate(parent, "icecat task batch", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(batch->context);
	items = read_tasks(batch->context, only, &batch->full);
	MemoryContextSwitchTo(batch->context);
	foreach (cell, items)
	{
		Work *item = lfirst(cell);

		if (bytes > BATCH_BYTES_MAX)
		{
			batch->full = true;
			break;
		}
		prepare_item(item, batch->context);
		bytes += item->document.len;
		batch->items = lappend(batch->items, item);
	}
	MemoryContextSwitchTo(old);
	if (batch->items != NIL)
		return true;
	ice_tasks_free(batch);
	return false;
}

void
ice_tasks_free(IceTaskBatch *batch)
{
	if (batch->context != NULL)
		MemoryContextDelete(batch->context);
	(void) ice_budget_exempt(NULL);
	batch->context = NULL;
}

/* -- run -------------------------------------------------------------------------------------- */

/* An old metadata file. Not its table's alone any more, it stays, and the task is done. */
static void
delete_file(Work *item, const IceTransactions *transactions)
{
	const IceTask *task = &item->task;
	IceOwner owner = {.warehouse_id = task->warehouse_id,
					  .object_id = task->table_id,
					  .transactions = transactions};

	ice_owned_delete(&owner, list_make1(ice_storage_checked(task->location)),
					 list_make1(unconstify(IceTask *, task)));
	item->refused = unconstify(char *, owner.refused);
}

/* Does what an item asks of storage. */
static void
run_item(Work *item, const IceTransactions *transactions)
{
	const IceTask *task = &item->task;

	switch (task->kind)
	{
		case ICE_TASK_WRITE: /* written with the others of the batch */
			break;
		case ICE_TASK_DELETE:
			delete_file(item, transactions);
			break;
		case ICE_TASK_TRIM: /* finishing the table's last item does it */
			break;
		case ICE_TASK_PURGE:
			if (item->purge != NULL)
			{
				ice_purge_run(item->purge, transactions);
				item->refused = unconstify(char *, item->purge->refused);
			}
			break;
	}
}

/* Runs an item in a memory context of its own, keeping what went wrong as its error. */
static void
try_item(Work *item, MemoryContext context, const IceTransactions *transactions)
{
	MemoryContext scratch = AllocSetContextCreate(context, "icecat task", ALLOCSET_DEFAULT_SIZES);

	PG_TRY();
	{
		MemoryContextSwitchTo(scratch);
		run_item(item, transactions);
		if (item->refused != NULL)
			item->refused = MemoryContextStrdup(context, item->refused);
		else
			item->done = true;
	}
	PG_CATCH();
	{
		item->error = take_error(context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	MemoryContextDelete(scratch);
}

static bool
same_table(const IceTask *a, const IceTask *b)
{
	return memcmp(&a->warehouse_id, &b->warehouse_id, UUID_LEN) == 0 &&
		   memcmp(&a->table_id, &b->table_id, UUID_LEN) == 0;
}

/* Writes the files of a batch, all together. That of a table's later task may so be there although an earlier one failed: it
 * stays queued behind that, and is written once more. */
static void
write_files(IceTaskBatch *batch)
{
	int           count = list_length(batch->items);
	Work        **items = palloc(sizeof(Work *) * Max(count, 1));
	IceFileWrite *files = palloc0(sizeof(IceFileWrite) * Max(count, 1));
	int           n = 0;
	ListCell     *cell;

	foreach (cell, batch->items)
	{
		Work *item = lfirst(cell);

		if (item->task.kind != ICE_TASK_WRITE || item->error != NULL)
			continue;
		items[n] = item;
		files[n++] = (IceFileWrite){.location = item->task.location,
									.data = item->document.data,
									.len = (size_t) item->document.len};
	}
	ice_storage_write_metadata_batch(files, n);
	for (int i = 0; i < n; i++)
		items[i]->error = files[i].error;
}

void
ice_tasks_run(IceTaskBatch *batch, const IceTransactions *transactions)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	const Work   *failed = NULL; /* of the table at hand; a table's items stand together */
	ListCell     *cell;

	write_files(batch);
	foreach (cell, batch->items)
	{
		Work *item = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (failed != NULL && same_table(&failed->task, &item->task))
		{
			item->skipped = true;
			continue;
		}
		if (item->error == NULL)
			try_item(item, batch->context, transactions);
		if (item->error != NULL)
			failed = item;
	}
	MemoryContextSwitchTo(old);
}

/* -- finish ----------------------------------------------------------------------------------- */

/* When to try again after so many failures: doubling up to a minute, a quarter more or less by chance. */
static TimestampTz
retry_at(int32 attempts)
{
	double ms = attempts >= 16 ? RETRY_MAX_MS
							   : Min((double) RETRY_FIRST_MS * (1 << attempts), RETRY_MAX_MS);

	ms *= 0.75 + pg_prng_double(&pg_global_prng_state) / 2;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) ms);
}

/* Deletes the task, or notes when to try it again, or sets it aside. */
static void
finish_item(IceTaskBatch *batch, Work *item)
{
	static bool said_refused = false; /* once in a process */

	(void) ice_spi_begin();
	if (item->error != NULL)
	{
		batch->failed_count++;
		ereport(item->task.attempts == 0 ? LOG : DEBUG1,
				(errmsg("icecat could not do a task: %s", item->error),
				 item->task.location != NULL ? errdetail("Location: %s", item->task.location) : 0,
				 errhidestmt(true)));
		ice_task_failed(&item->task, retry_at(item->task.attempts), item->error);
	}
	else if (item->refused != NULL)
	{
		ereport(said_refused ? DEBUG1 : LOG, (errmsg("%s", item->refused), errhidestmt(true)));
		said_refused = true;
		ice_task_set_aside(&item->task, item->refused);
	}
	else if (item->done)
	{
		batch->done_count++;
		if (item->task.kind == ICE_TASK_PURGE && item->purge != NULL)
			ice_purge_finish(item->purge);
		else
			ice_task_done(&item->task);
	}
	ice_spi_end();
}

/* Rows that only the files just written still needed can go: after every batch, not only when the table's queue is empty. A
 * queue that never empties, or a file that cannot be written, keeps no more than what it needs. */
static void
trim_table(const IceTask *done)
{
	if (done->kind == ICE_TASK_PURGE)
		return;
	(void) ice_spi_begin();
	ice_store_trim_removed(&done->warehouse_id, &done->table_id);
	if (done->attempts > 0 || done->held)
		ice_task_release(done);
	ice_spi_end();
}

void
ice_tasks_finish(IceTaskBatch *batch)
{
	const Work    *done = NULL; /* of the table at hand */
	int            files = 0;
	StringInfoData written;
	ListCell      *cell;

	initStringInfo(&written);
	foreach (cell, batch->items)
	{
		Work *item = lfirst(cell);

		if (item->done && item->task.kind == ICE_TASK_WRITE)
		{
			files++;
			ice_pending_written(&written, &item->task.warehouse_id, &item->task.table_id,
								item->task.version);
		}
		if (done != NULL && !same_table(&done->task, &item->task))
		{
			trim_table(&done->task);
			done = NULL;
		}
		if (!item->skipped)
			finish_item(batch, item);
		if (item->done)
			done = item;
	}
	if (done != NULL)
		trim_table(&done->task);
	ice_pending_announce(&written);
	ice_queue_written(files);
	pfree(written.data);
}

int64
ice_tasks_run_here(const IceTaskTable *only)
{
	int64        done = 0;
	int64        last;
	IceTaskBatch batch;

	do
	{
		if (!ice_tasks_prepare(&batch, CurrentMemoryContext, only))
			break;
		ice_tasks_run(&batch, NULL);
		ice_tasks_finish(&batch);
		last = batch.done_count;
		done += last;
		ice_tasks_free(&batch);
	} while (last > 0);
	return done;
}
