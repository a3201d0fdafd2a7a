/*
 * task_signal.c
 *		Wakes the worker of this database when a transaction commits; starts it where none runs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "guc.h"
#include "store/task_signal.h"

#define SLOTS_MAX 64 /* databases with a worker */
#define START_TIMEOUT_MS 15000
#define START_RETRY_MS 5000
#define QUEUE_WAIT_STEP_MS 10

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_STARTING,
	SLOT_FAILED, /* a start was refused; try again after a while */
	SLOT_RUNNING
} SlotState;

typedef struct Slot
{
	Oid         database;
	SlotState   state;
	TimestampTz since;
	int         pid;
	Latch      *latch;
	int         queued; /* metadata files to write, about; see ice_queue_wait() */
} Slot;

typedef struct SharedState
{
	slock_t mutex;
	Slot    slots[SLOTS_MAX];
} SharedState;

static SharedState *shared = NULL;
static bool         signalled = false;
static int          queued_here = 0; /* files that this transaction has queued */
static bool         callback_registered = false;

/* Finds or makes the shared memory; false where there is no room left for it. */
static bool
attach(void)
{
	MemoryContext context = CurrentMemoryContext;
	bool          found;

	if (shared != NULL)
		return true;
	if (!IsUnderPostmaster)
		return false;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	PG_TRY();
	{
		SharedState *state = ShmemInitStruct("icecat worker", sizeof(SharedState), &found);

		if (!found)
		{
			memset(state, 0, sizeof(*state));
			SpinLockInit(&state->mutex);
		}
		shared = state;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		HOLD_INTERRUPTS(); /* the error reset the count that LWLockRelease takes one from */
	}
	PG_END_TRY();
	LWLockRelease(AddinShmemInitLock);
	return shared != NULL;
}

/* This database's slot; with make, a free one is taken for it. The mutex is held. NULL: none. */
static Slot *
find_slot(bool make)
{
	Slot *unused = NULL;

	for (int i = 0; i < SLOTS_MAX; i++)
	{
		Slot *slot = &shared->slots[i];

		if (slot->database == MyDatabaseId)
			return slot;
		if (unused == NULL && (slot->database == InvalidOid || slot->state == SLOT_FREE))
			unused = slot;
	}
	if (!make || unused == NULL)
		return NULL;
	unused->database = MyDatabaseId;
	unused->state = SLOT_FREE;
	return unused;
}

static bool
register_worker(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, ICE_WORKER_LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, ICE_WORKER_FUNCTION, sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "icecat worker for database %u", MyDatabaseId);
	strlcpy(worker.bgw_type, "icecat worker", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Does a slot in this state still stand for a worker that is on its way or was just refused? */
static bool
is_recent(const Slot *slot, TimestampTz now)
{
	int limit = slot->state == SLOT_STARTING ? START_TIMEOUT_MS : START_RETRY_MS;

	return (slot->state == SLOT_STARTING || slot->state == SLOT_FAILED) &&
		   !TimestampDifferenceExceeds(slot->since, now, limit);
}

/* Sets latch to the running worker's; otherwise starts one. False if there will be none. */
static bool
find_or_start(Latch **latch)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot       *slot;
	bool        start = false;
	bool        ok = false;

	*latch = NULL;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(true);
	if (slot != NULL && slot->state == SLOT_RUNNING)
	{
		*latch = slot->latch;
		ok = true;
	}
	else if (slot != NULL && is_recent(slot, now))
		ok = slot->state == SLOT_STARTING;
	else if (slot != NULL)
	{
		slot->state = SLOT_STARTING;
		slot->since = now;
		start = true;
	}
	SpinLockRelease(&shared->mutex);
	if (!start)
		return ok;
	if (register_worker())
		return true;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL && slot->state == SLOT_STARTING)
		slot->state = SLOT_FAILED;
	SpinLockRelease(&shared->mutex);
	return false;
}

bool
ice_worker_ensure(void)
{
	Latch *latch;

	if (!OidIsValid(MyDatabaseId) || IsBinaryUpgrade || RecoveryInProgress() || !attach())
		return false;
	return find_or_start(&latch);
}

void
ice_worker_wake(void)
{
	Latch *latch;

	if (shared != NULL && find_or_start(&latch) && latch != NULL)
		SetLatch(latch);
}

int
ice_worker_pid(void)
{
	Slot *slot;
	int   pid = 0;

	if (!attach())
		return 0;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL && slot->state == SLOT_RUNNING)
		pid = slot->pid;
	SpinLockRelease(&shared->mutex);
	return pid;
}

/* Adds to the number of queued files; with reset, that is what it is. */
static void
count_queued(int change, bool reset)
{
	Slot *slot;

	if (!attach())
		return;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL)
		slot->queued = Max(0, (reset ? 0 : slot->queued) + change);
	SpinLockRelease(&shared->mutex);
}

static int
queued_files(void)
{
	Slot *slot;
	int   queued;

	if (!attach())
		return 0;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	queued = slot != NULL ? slot->queued : 0;
	SpinLockRelease(&shared->mutex);
	return queued;
}

void
ice_queue_added(void)
{
	queued_here++;
	ice_task_signal();
}

void
ice_queue_written(int files)
{
	if (files > 0)
		count_queued(-files, false);
}

void
ice_queue_empty(void)
{
	count_queued(0, true);
}

void
ice_queue_wait(void)
{
	TimestampTz end;

	if (ice_guc_metadata_queue_max == 0 || TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		queued_files() <= ice_guc_metadata_queue_max || !ice_worker_ensure())
		return;
	end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ice_guc_metadata_queue_wait_ms);
	while (queued_files() > ice_guc_metadata_queue_max && GetCurrentTimestamp() < end)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 QUEUE_WAIT_STEP_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* After the commit: a worker that ended for idleness in between is started anew. Must not raise. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	(void) arg;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (queued_here > 0)
				count_queued(queued_here, false);
			if (signalled)
				ice_worker_wake();
			signalled = false;
			queued_here = 0;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE: /* whoever commits it wakes nobody: the worker looks by itself */
			signalled = false;
			queued_here = 0;
			break;
		default:
			break;
	}
}

void
ice_task_signal(void)
{
	if (signalled)
		return;
	if (!callback_registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		callback_registered = true;
	}
	(void) ice_worker_ensure();
	signalled = true;
}

int32
ice_xact_position(void)
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

void
ice_worker_release_slot(void)
{
	Slot *slot;

	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL && slot->state == SLOT_RUNNING && slot->pid == MyProcPid)
	{
		slot->state = SLOT_FREE;
		slot->latch = NULL;
		slot->pid = 0;
	}
	SpinLockRelease(&shared->mutex);
}

static void
release_slot_at_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	ice_worker_release_slot();
}

bool
ice_worker_claim_slot(void)
{
	Slot *slot;
	bool  claimed = false;

	if (!attach())
		return false;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(true);
	if (slot != NULL && slot->state != SLOT_RUNNING)
	{
		slot->state = SLOT_RUNNING;
		slot->pid = MyProcPid;
		slot->latch = MyLatch;
		claimed = true;
	}
	SpinLockRelease(&shared->mutex);
	if (claimed)
		before_shmem_exit(release_slot_at_exit, (Datum) 0);
	return claimed;
}

static void
make_lock_tag(LOCKTAG *tag, int32 key)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, (uint32) key, ICE_LOCK_CLASS_WORKER);
}

bool
ice_worker_lock(int32 key, bool session, bool wait)
{
	LOCKTAG tag;

	make_lock_tag(&tag, key);
	return LockAcquire(&tag, ExclusiveLock, session, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

void
ice_worker_unlock_session(int32 key)
{
	LOCKTAG tag;

	make_lock_tag(&tag, key);
	LockRelease(&tag, ExclusiveLock, true);
}

void
ice_worker_lock_shared(int32 key)
{
	LOCKTAG tag;

	make_lock_tag(&tag, key);
	(void) LockAcquire(&tag, ShareLock, false, false);
}
