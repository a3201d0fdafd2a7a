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
#include "guc.h"
#include "maint/adopt.h"
#include "maint/drop_purge.h"
#include "maint/store_health.h"
#include "maint/task_outcome.h"
#include "maint/task_write.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/pending.h"
#include "store/store_counters.h"
#include "store/store_hold.h"
#include "store/store_queue.h"
#include "store/store_table.h"

#define BATCH_TABLES_MAX          64
#define BATCH_TASKS_PER_TABLE_MAX 64
#define BATCH_TASKS_MAX           256
#define BATCH_BYTES_MAX           (64 * 1024 * 1024)
#define TURN_DOUBLED_MAX          6

typedef struct Write
{
	IceOutcome               outcome;
	StringInfoData           document;
	const IceStorageProfile *profile; /* NULL: none, or file storage */
} Write;

typedef struct Batch
{
	MemoryContext context;  /* holds all of the batch */
	List         *writes;   /* Write *; those of one table stand together, in their order */
	List         *profiles; /* of the writes */
	char         *catalog;  /* NULL: not known */
	bool          full;     /* more may be due than fitted into it */
	bool          put_off;  /* some that were due are not any more */
	int64         done;
} Batch;

/* -- prepare ---------------------------------------------------------------------------------- */

/* How the file's store is reached. */
static void
find_profile(Batch *batch, Write *write)
{
	const IceTask *task = &write->outcome.task;

	if (ice_storage_is_local(task->location))
		return;
	write->profile = ice_store_health_profile(&batch->profiles, &task->warehouse_id);
	if (batch->catalog == NULL)
		batch->catalog = ice_hold_catalog_id(false);
}

/* The document, allocated in the batch's context. */
static void
read_document(Batch *batch, Write *write)
{
	const IceTask *task = &write->outcome.task;
	MemoryContext  context = batch->context;

	(void) ice_spi_begin();
	MemoryContextSwitchTo(context);
	find_profile(batch, write);
	(void) ice_budget_exempt(context);
	initStringInfo(&write->document);
	if (task->head_json == NULL)
		ice_task_document(task, &write->document);
	else
		ice_store_table_render_version(&write->document, &task->warehouse_id, &task->table_id,
									   task->version, task->location, task->head_json);
	ice_spi_end();
}

/* read_document() in a subtransaction: an error becomes the task's. */
static void
prepare_write(Batch *batch, Write *write)
{
	MemoryContext context = batch->context;
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		read_document(batch, write);
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

		prepare_write(batch, write);
		bytes += write->document.len;
	}
	batch->full |= count < list_length(batch->writes);
	batch->writes = list_truncate(batch->writes, count);
}

/* -- write ------------------------------------------------------------------------------------ */

/* Marks the root of a profile as this database's, once in a process. Without a mark nothing is
 * deleted there; so a failure is tried again at the next batch, and says nothing. */
static void
mark_store(const Batch *batch, const IceStorageProfile *profile)
{
	static List  *marked = NIL; /* ids */
	MemoryContext context = CurrentMemoryContext;
	ListCell     *cell;

	foreach (cell, marked)
		if (memcmp(lfirst(cell), &profile->id, UUID_LEN) == 0)
			return;
	PG_TRY();
	{
		ice_mark_make_in_store(profile, batch->catalog, false);
		MemoryContextSwitchTo(TopMemoryContext);
		marked = lappend(marked, memcpy(palloc(UUID_LEN), &profile->id, UUID_LEN));
		MemoryContextSwitchTo(context);
	}
	PG_CATCH();
	{
		(void) ice_task_outcome_take_error(context);
	}
	PG_END_TRY();
}

/* What became of the files of one store: it serves where one of them was written. Where none was,
 * those of two tables that speak of it decide; else it is asked, unless one table alone is refused
 * its files. */
static void
note_health(const Batch *batch, const IceStorageProfile *profile, Write *const *writes,
			const IceFileWrite *files, int count)
{
	const char *error = NULL; /* the first that speaks of the store, or else the first */
	int         failing = 0;  /* tables with one that speaks of the store */
	int         tables = 0;
	bool        is_counted = false; /* the table at hand, among these */

	for (int i = 0; i < count; i++)
	{
		bool is_next = i == 0 ||
					   !ice_task_outcome_same_table(&writes[i - 1]->outcome, &writes[i]->outcome);

		if (files[i].error == NULL)
		{
			ice_store_health_note(profile, NULL);
			if (profile != NULL && batch->catalog != NULL)
				mark_store(batch, profile);
			return;
		}
		if (error == NULL || (files[i].store_fails && failing == 0))
			error = files[i].error;
		tables += is_next;
		is_counted &= !is_next;
		failing += files[i].store_fails && !is_counted;
		is_counted |= files[i].store_fails;
	}
	if (failing > 1)
		ice_store_health_note(profile, error);
	else if (failing == 1 || tables > 1)
		ice_store_health_doubt(profile, error, failing == 0);
}

/* A profile with the time that a batch has: so long others wait for this process. What was tried
 * before in vain may need more. */
static const IceStorageProfile *
hurried(const Batch *batch, const IceStorageProfile *profile)
{
	IceStorageProfile *copy;
	int32              attempts = 0;
	ListCell          *cell;

	if (profile == NULL)
		return NULL;
	foreach (cell, batch->writes)
		attempts = Max(attempts, ((const Write *) lfirst(cell))->outcome.task.attempts);
	copy = palloc(sizeof(IceStorageProfile));
	*copy = *profile;
	copy->stop_at_ms = GetCurrentTimestamp() / 1000 +
					   ((int64) ice_guc_store_turn_ms << Min(attempts, TURN_DOUBLED_MAX));
	return copy;
}

/* Writes the files of one store, all together. That of a table's later task may so be there
 * although an earlier one failed: it stays queued behind that, and is written once more. */
static void
write_files(Batch *batch, const IceStorageProfile *profile)
{
	const char              *problem = ice_store_health_problem(profile);
	int                      count = list_length(batch->writes);
	Write                  **writes = palloc(sizeof(Write *) * Max(count, 1));
	IceFileWrite            *files = palloc0(sizeof(IceFileWrite) * Max(count, 1));
	const IceStorageProfile *in_time = hurried(batch, profile);
	int                      n = 0;
	ListCell                *cell;

	foreach (cell, batch->writes)
	{
		Write *write = lfirst(cell);

		if (write->outcome.error != NULL)
			continue;
		writes[n] = write;
		files[n++] = (IceFileWrite){.location = write->outcome.task.location,
									.profile = in_time,
									.only_new = write->profile != NULL,
									.data = write->document.data,
									.len = (size_t) write->document.len};
	}
	if (problem == NULL)
	{
		ice_storage_write_metadata_batch(files, n);
		note_health(batch, profile, writes, files, n);
	}
	for (int i = 0; i < n; i++)
		writes[i]->outcome.error = problem != NULL ? pstrdup(problem) : files[i].error;
}

/* Whatever becomes of the notes in the queue: what was written was written. */
static void
count_files(const Batch *batch, const IceStorageProfile *profile)
{
	IceStoreCounters counters = {.files_written = 0};
	TimestampTz      now = GetCurrentTimestamp();
	ListCell        *cell;

	if (profile != NULL)
		counters.profile_id = profile->id;
	foreach (cell, batch->writes)
	{
		const Write *write = lfirst(cell);

		if (write->outcome.error != NULL)
		{
			counters.files_failed++;
			continue;
		}
		counters.files_written++;
		counters.bytes_written += write->document.len;
		counters.lag_us += Max(now - write->outcome.task.created_at, 0);
	}
	ice_store_counters_add(&counters);
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
	const IceOutcome *last = NULL; /* that is out of the queue, of the table at hand */
	bool              releases = false;
	StringInfoData    written;
	ListCell         *cell;

	initStringInfo(&written);
	foreach (cell, batch->writes)
	{
		const IceOutcome *outcome = &((Write *) lfirst(cell))->outcome;
		const IceTask    *task = &outcome->task;

		if (last != NULL && !ice_task_outcome_same_table(last, outcome))
		{
			ice_task_outcome_note_table(&last->task, releases);
			last = NULL;
			releases = false;
		}
		ice_task_outcome_note(outcome);
		if (!outcome->done && outcome->refused == NULL)
			continue;
		last = outcome;
		releases |= ice_task_outcome_releases(outcome);
		if (!outcome->done)
			continue;
		batch->done++;
		ice_pending_written(&written, &task->warehouse_id, &task->table_id, task->version);
	}
	if (last != NULL)
		ice_task_outcome_note_table(&last->task, releases);
	ice_pending_announce(&written);
	ice_queue_written((int) batch->done);
	pfree(written.data);
}

/* A store is back: what waits for another attempt there need not wait any more. */
static void
release_store(const IceStorageProfile *profile)
{
	(void) ice_spi_begin();
	ice_due_release_store(&profile->id);
	ice_spi_end();
}

/* Writes those of the batch that lie in the store of a profile (NULL: on disks of this machine),
 * and tells of them before another store is waited for. */
static void
run_store(Batch *batch, IceTaskWork *work, const IceStorageProfile *profile)
{
	Batch     part = *batch;
	ListCell *cell;

	part.writes = NIL;
	part.done = 0;
	foreach (cell, batch->writes)
		if (((Write *) lfirst(cell))->profile == profile)
			part.writes = lappend(part.writes, lfirst(cell));
	if (part.writes == NIL)
		return;
	write_files(&part, profile);
	count_files(&part, profile);
	decide(&part);
	if (ice_transaction_begin_lazy(work->transactions))
	{
		MemoryContextSwitchTo(part.context);
		finish(&part);
		if (ice_store_health_is_back(profile))
			release_store(profile);
		ice_transaction_commit(work->transactions);
		MemoryContextSwitchTo(part.context);
	}
	batch->done += part.done;
}

bool
ice_tasks_write(IceTaskWork *work, const IceTaskTable *only)
{
	MemoryContext old = CurrentMemoryContext;
	Batch         batch = {0};
	ListCell     *cell;
	bool          more;

	if (!ice_transaction_begin(work->transactions))
		return false;
	batch.context = AllocSetContextCreate(work->parent, "icecat files to write",
										  ALLOCSET_DEFAULT_SIZES);
	prepare(&batch, only, work->due);
	ice_transaction_commit(work->transactions);
	MemoryContextSwitchTo(batch.context);
	run_store(&batch, work, NULL);
	foreach (cell, batch.profiles)
		run_store(&batch, work, lfirst(cell));
	more = batch.full && (batch.done > 0 || batch.put_off);
	work->done += batch.done;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(batch.context);
	(void) ice_budget_exempt(NULL);
	return more;
}
