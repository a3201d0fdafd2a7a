/*
 * task_outcome.c
 *		What became of a file task, and how the queue is told.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "mb/pg_wchar.h"

#include "maint/task_outcome.h"
#include "store/store_due.h"
#include "store/store_table.h"

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS   60000

/* A row could not be restored from a dump if it had anything but text: the names of files may. */
static char *
only_text(char *text)
{
	if (!pg_verify_mbstr(GetDatabaseEncoding(), text, (int) strlen(text), true))
		for (char *p = text; *p != '\0'; p++)
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
	return text;
}

char *
ice_task_outcome_take_error(MemoryContext context)
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
	return only_text(text);
}

/* When to try again after so many failures: doubling up to a minute, a quarter more or less by
 * chance. */
static TimestampTz
retry_at(int32 attempts)
{
	double ms = attempts >= 16 ? RETRY_MAX_MS
							   : Min((double) RETRY_FIRST_MS * (1 << attempts), RETRY_MAX_MS);

	ms *= 0.75 + pg_prng_double(&pg_global_prng_state) / 2;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) ms);
}

static void
note_failure(const IceTask *task, const char *error)
{
	ereport(task->attempts == 0 ? LOG : DEBUG1,
			(errmsg("icecat could not do a task: %s", error),
			 task->location != NULL ? errdetail("Location: %s", task->location) : 0,
			 errhidestmt(true)));
	ice_task_failed(task, retry_at(task->attempts), error);
}

static void
note_refusal(const IceTask *task, const char *reason)
{
	static bool said = false; /* once in a process */

	ereport(said ? DEBUG1 : LOG, (errmsg("%s", reason), errhidestmt(true)));
	said = true;
	ice_task_set_aside(task, reason);
}

void
ice_task_outcome_note(const IceOutcome *outcome)
{
	(void) ice_spi_begin();
	if (outcome->error != NULL)
		note_failure(&outcome->task, outcome->error);
	else if (outcome->refused != NULL)
		note_refusal(&outcome->task, outcome->refused);
	else if (outcome->done)
		ice_task_done(&outcome->task);
	ice_spi_end();
}

bool
ice_task_outcome_releases(const IceOutcome *outcome)
{
	return (outcome->done || outcome->refused != NULL) &&
		   (outcome->task.attempts > 0 || outcome->task.held);
}

/* Rows go as soon as they can, not only when the table's queue is empty: a queue that never
 * empties, or a file that cannot be written, keeps no more than what it needs. */
void
ice_task_outcome_note_table(const IceTask *done, bool releases)
{
	(void) ice_spi_begin();
	ice_store_table_trim_removed(&done->warehouse_id, &done->table_id);
	if (releases)
		ice_due_release(done);
	ice_spi_end();
}

bool
ice_task_outcome_same_table(const IceOutcome *a, const IceOutcome *b)
{
	return memcmp(&a->task.warehouse_id, &b->task.warehouse_id, UUID_LEN) == 0 &&
		   memcmp(&a->task.table_id, &b->task.table_id, UUID_LEN) == 0;
}
