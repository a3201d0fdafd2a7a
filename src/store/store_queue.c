/*
 * store_queue.c
 *		Who changes the queue of file tasks, or writes an event, has the worker woken at the end of
 *		the transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "guc.h"
#include "store/store_queue.h"
#include "store/store_worker.h"

#define QUEUE_WAIT_STEP_MS 10

/* Files that a part of this transaction has queued. */
typedef struct Queued
{
	SubTransactionId part;
	int              files;
	struct Queued   *outer;
} Queued;

static bool    signalled = false;
static Queued *queued = NULL; /* the innermost part that has queued any, in TopTransactionContext */
static bool    callback_registered = false;

/* A part of the transaction ends: what it has queued is its parent's then, or will not be. */
static void
at_part_end(SubXactEvent event, SubTransactionId part, SubTransactionId parent, void *arg)
{
	(void) arg;
	if (queued == NULL || queued->part != part)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB &&
		(queued->outer == NULL || queued->outer->part != parent))
		queued->part = parent;
	else if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)
	{
		Queued *ended = queued;

		queued = ended->outer;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			queued->files += ended->files;
		pfree(ended);
	}
}

/* After the commit: a worker that ended for idleness in between is started again. Must not
 * raise. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	(void) arg;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (queued != NULL)
				ice_worker_count_files(queued->files, false);
			if (signalled)
				ice_worker_wake();
			signalled = false;
			queued = NULL;
			ice_worker_start_waiting();
			break;
		case XACT_EVENT_ABORT:
		/* the session that commits it wakes nobody: the worker looks by itself */
		case XACT_EVENT_PREPARE:
			signalled = false;
			queued = NULL;
			break;
		default:
			break;
	}
}

void
ice_queue_watch(void)
{
	if (!callback_registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_part_end, NULL);
	}
	callback_registered = true;
}

void
ice_queue_signal(void)
{
	if (signalled)
		return;
	ice_queue_watch();
	(void) ice_worker_ensure();
	signalled = true;
}

void
ice_queue_added(void)
{
	SubTransactionId part = GetCurrentSubTransactionId();

	if (queued == NULL || queued->part != part)
	{
		Queued *inner = MemoryContextAllocZero(TopTransactionContext, sizeof(Queued));

		*inner = (Queued){.part = part, .outer = queued};
		queued = inner;
	}
	queued->files++;
	ice_queue_signal();
}

void
ice_queue_written(int files)
{
	if (files > 0)
		ice_worker_count_files(-files, false);
}

void
ice_queue_empty(void)
{
	ice_worker_count_files(0, true);
}

void
ice_queue_wait(void)
{
	TimestampTz end;

	if (ice_guc_metadata_queue_max == 0 || TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		ice_worker_queued_files() <= ice_guc_metadata_queue_max || !ice_worker_ensure())
		return;
	end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ice_guc_metadata_queue_wait_ms);
	while (ice_worker_queued_files() > ice_guc_metadata_queue_max && GetCurrentTimestamp() < end)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 QUEUE_WAIT_STEP_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

int32
ice_queue_position(void)
{
	static TransactionId transaction = InvalidTransactionId;
	static int32         position = 0;
	TransactionId        current = GetTopTransactionId();

	if (!TransactionIdEquals(transaction, current))
	{
		transaction = current;
		position = 0;
	}
	return ++position;
}
