/*
 * store_worker.c
 *		The worker of each database has a slot in shared memory: who runs, who waits for a process.
 *		See store_worker.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "store/shared_memory.h"
#include "store/store_worker.h"

#define SLOTS_MAX        64 /* databases with a worker */
#define START_TIMEOUT_MS 15000
#define START_RETRY_MS   500
#define REPORT_EVERY_MS  600000
#define ERROR_BYTES_MAX  200

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_STARTING,
	SLOT_FAILED, /* no process was free, or it was given up for others: waits for one */
	SLOT_RUNNING
} SlotState;

typedef struct Slot
{
	Oid         database;
	SlotState   state;
	TimestampTz since;
	int         pid;
	Latch      *latch;
	int         queued;                 /* metadata files to write, about; see store_queue.h */
	TimestampTz waiting_since;          /* of SLOT_FAILED, whatever was tried since */
	char        error[ERROR_BYTES_MAX]; /* of the worker's last round; "": none */
} Slot;

typedef struct SharedState
{
	slock_t     mutex;
	bool        any_waits;   /* a slot is SLOT_FAILED; read without the mutex, too */
	TimestampTz reported_at; /* when the log last said so */
	Slot        slots[SLOTS_MAX];
} SharedState;

static SharedState *shared = NULL;

static void
init(void *made)
{
	SpinLockInit(&((SharedState *) made)->mutex);
}

/* Finds or makes the shared memory; false where there is no room left for it. */
static bool
attach(void)
{
	if (shared == NULL)
		shared = ice_shared_memory("icecat worker", sizeof(SharedState), init);
	return shared != NULL;
}

/* A database's slot; with make, a free one is taken for it. The mutex is held. NULL: none. */
static Slot *
find_slot_of(Oid database, bool make)
{
	Slot *unused = NULL;

	for (int i = 0; i < SLOTS_MAX; i++)
	{
		Slot *slot = &shared->slots[i];

		if (slot->database == database)
			return slot;
		if (unused == NULL && (slot->database == InvalidOid || slot->state == SLOT_FREE))
			unused = slot;
	}
	if (!make || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(*unused));
	unused->database = database;
	return unused;
}

static Slot *
find_slot(bool make)
{
	return find_slot_of(MyDatabaseId, make);
}

/* Changes a slot's state. The mutex is held. */
static void
set_state(Slot *slot, SlotState state)
{
	slot->state = state;
	slot->since = GetCurrentTimestamp();
	if (state == SLOT_FAILED)
	{
		if (slot->waiting_since == 0)
			slot->waiting_since = slot->since;
		shared->any_waits = true;
	}
	else if (state != SLOT_STARTING)
		slot->waiting_since = 0;
	if (state == SLOT_STARTING)
		slot->pid = 0;
}

/* The slot that waits longest, of those tried last before a time. The mutex is held. NULL: none. */
static Slot *
longest_waiting(TimestampTz before)
{
	Slot *found = NULL;
	bool  any = false;

	for (int i = 0; i < SLOTS_MAX; i++)
	{
		Slot *slot = &shared->slots[i];

		if (slot->state != SLOT_FAILED)
			continue;
		any = true;
		if (slot->since <= before && (found == NULL || slot->waiting_since < found->waiting_since))
			found = slot;
	}
	shared->any_waits = any;
	return found;
}

/* A process that ends with status 1 is started again at once, for a database that waits:
 * ice_worker_choose(). */
static bool
register_worker(Oid database)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 0;
	strlcpy(worker.bgw_library_name, ICE_WORKER_LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, ICE_WORKER_FUNCTION, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "icecat worker", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "icecat worker", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* No process was free. Says so in the log, once in a while for all databases. */
static void
note_refused(Oid database)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot       *slot;
	bool        report = false;

	SpinLockAcquire(&shared->mutex);
	slot = find_slot_of(database, false);
	if (slot != NULL && slot->state == SLOT_STARTING)
	{
		set_state(slot, SLOT_FAILED);
		report = TimestampDifferenceExceeds(shared->reported_at, now, REPORT_EVERY_MS);
		if (report)
			shared->reported_at = now;
	}
	SpinLockRelease(&shared->mutex);
	if (report)
		ereport(LOG, (errmsg("the icecat worker of database %u waits for a background process",
							 database),
					  errhint("All of max_worker_processes are in use. Its metadata files are "
							  "written when one is "
							  "free; workers that share too few take turns."),
					  errhidestmt(true)));
}

/* Starts the worker of a slot that is SLOT_STARTING by now. */
static bool
start(Oid database)
{
	if (register_worker(database))
		return true;
	note_refused(database);
	return false;
}

bool
ice_worker_others_wait(void)
{
	return shared != NULL && shared->any_waits;
}

void
ice_worker_start_waiting(void)
{
	if (!ice_worker_others_wait() || RecoveryInProgress())
		return;
	for (;;)
	{
		TimestampTz before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -START_RETRY_MS);
		Slot       *slot;
		Oid         database = InvalidOid;

		SpinLockAcquire(&shared->mutex);
		slot = longest_waiting(before);
		if (slot != NULL)
		{
			database = slot->database;
			set_state(slot, SLOT_STARTING);
		}
		SpinLockRelease(&shared->mutex);
		if (!OidIsValid(database) || !start(database))
			return;
	}
}

/* Does a slot in this state still stand for a worker that is on its way or was just refused? */
static bool
is_recent(const Slot *slot, TimestampTz now)
{
	int limit = slot->state == SLOT_STARTING ? START_TIMEOUT_MS : START_RETRY_MS;

	return (slot->state == SLOT_STARTING || slot->state == SLOT_FAILED) &&
		   !TimestampDifferenceExceeds(slot->since, now, limit);
}

/* Sets latch to the running worker's; otherwise starts one. False if there will be none for now. */
static bool
find_or_start(Latch **latch)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot       *slot;
	bool        starts = false;
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
		set_state(slot, SLOT_STARTING);
		starts = true;
	}
	SpinLockRelease(&shared->mutex);
	return starts ? start(MyDatabaseId) : ok;
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

const char *
ice_worker_state(IceWorkerState *out)
{
	static const char *const names[] = {"none", "starting", "waiting", "running"};
	Slot                    *slot;

	memset(out, 0, sizeof(*out));
	if (!attach())
		return names[SLOT_FREE];
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL)
	{
		out->pid = slot->state == SLOT_RUNNING ? slot->pid : 0;
		out->waiting_since = slot->waiting_since;
		strlcpy(out->error, slot->error, sizeof(out->error));
	}
	SpinLockRelease(&shared->mutex);
	return names[slot != NULL ? slot->state : SLOT_FREE];
}

int
ice_worker_pid(void)
{
	IceWorkerState state;

	(void) ice_worker_state(&state);
	return state.pid;
}

void
ice_worker_note_error(const char *message)
{
	Slot *slot;

	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL && slot->pid == MyProcPid)
		strlcpy(slot->error, message, sizeof(slot->error));
	SpinLockRelease(&shared->mutex);
}

void
ice_worker_count_files(int change, bool reset)
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

int
ice_worker_queued_files(void)
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

/* The latch of another running worker, which then looks for who waits. The mutex is held. NULL:
 * none. */
static Latch *
other_worker(void)
{
	for (int i = 0; i < SLOTS_MAX; i++)
		if (shared->slots[i].state == SLOT_RUNNING && shared->slots[i].pid != MyProcPid)
			return shared->slots[i].latch;
	return NULL;
}

bool
ice_worker_release_slot(bool waits)
{
	Slot  *slot;
	Latch *other;

	if (shared == NULL)
		return false;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot(false);
	if (slot != NULL && slot->state == SLOT_RUNNING && slot->pid == MyProcPid)
	{
		set_state(slot, waits ? SLOT_FAILED : SLOT_FREE);
		slot->latch = NULL;
		slot->pid = 0;
	}
	other = other_worker();
	SpinLockRelease(&shared->mutex);
	if (other != NULL && shared->any_waits)
		SetLatch(other);
	return other != NULL;
}

Oid
ice_worker_choose(Oid database)
{
	Slot *slot;
	Oid   chosen = InvalidOid;

	if (!attach())
		return InvalidOid;
	SpinLockAcquire(&shared->mutex);
	slot = find_slot_of(database, true);
	if (slot != NULL && slot->pid == 0 &&
		(slot->state == SLOT_STARTING ||
		 slot->since == 0)) /* since: new, after a crash of the server */
		chosen = database;
	else
	{
		if (slot != NULL && slot->state == SLOT_STARTING) /* it could not connect */
			set_state(slot, SLOT_FREE);
		slot = longest_waiting(GetCurrentTimestamp());
		if (slot != NULL)
			chosen = slot->database;
	}
	if (OidIsValid(chosen))
	{
		set_state(slot, SLOT_STARTING);
		slot->pid = MyProcPid;
	}
	SpinLockRelease(&shared->mutex);
	return chosen;
}

static void
release_slot_at_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	(void) ice_worker_release_slot(false);
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
		set_state(slot, SLOT_RUNNING);
		slot->error[0] = '\0';
		slot->pid = MyProcPid;
		slot->latch = MyLatch;
		claimed = true;
	}
	SpinLockRelease(&shared->mutex);
	if (claimed)
		before_shmem_exit(release_slot_at_exit, (Datum) 0);
	return claimed;
}
