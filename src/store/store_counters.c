/*
 * store_counters.c
 *		What was written to each object store since the server started. See store_counters.h.
 *
 * The room of a profile that is dropped is free when the drop is committed. What a savepoint takes
 * back of a drop frees it all the same: its counters begin again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/spin.h"
#include "utils/memutils.h"

#include "store/shared_memory.h"
#include "store/store_counters.h"

typedef struct Entry
{
	Oid              database; /* InvalidOid: free, and all after it */
	uint64           turn;     /* of the last addition */
	IceStoreCounters counters;
} Entry;

typedef struct Shared
{
	slock_t mutex;
	uint64  turn;
	Entry   entries[ICE_STORE_COUNTERS_ROOM];
} Shared;

static Shared *shared = NULL;

/* Profiles that this transaction drops: pg_uuid_t *, in TopTransactionContext. */
static List *dropped = NIL;

static void
init(void *made)
{
	SpinLockInit(&((Shared *) made)->mutex);
}

static bool
attach(void)
{
	if (shared == NULL)
		shared = ice_shared_memory("icecat store counters", sizeof(Shared), init);
	return shared != NULL;
}

static bool
is_of(const Entry *entry, const pg_uuid_t *profile_id)
{
	return entry->database == MyDatabaseId &&
		   memcmp(&entry->counters.profile_id, profile_id, UUID_LEN) == 0;
}

/* The entry of a profile: its own, a free one or, where there is none, that of the store to which
 * nothing was written for longest. With the lock. */
static Entry *
entry_of(const pg_uuid_t *profile_id)
{
	Entry *oldest = &shared->entries[0];

	for (int i = 0; i < ICE_STORE_COUNTERS_ROOM; i++)
	{
		Entry *entry = &shared->entries[i];

		if (is_of(entry, profile_id))
			return entry;
		if (entry->turn < oldest->turn)
			oldest = entry;
		if (entry->database == InvalidOid)
		{
			oldest = entry;
			break;
		}
	}
	*oldest = (Entry){.database = MyDatabaseId, .counters = {.profile_id = *profile_id}};
	return oldest;
}

void
ice_store_counters_add(const IceStoreCounters *more)
{
	IceStoreCounters *counters;
	Entry            *entry;

	if (!attach())
		return;
	SpinLockAcquire(&shared->mutex);
	entry = entry_of(&more->profile_id);
	entry->turn = ++shared->turn;
	counters = &entry->counters;
	counters->files_written += more->files_written;
	counters->files_failed += more->files_failed;
	counters->bytes_written += more->bytes_written;
	counters->lag_us += more->lag_us;
	SpinLockRelease(&shared->mutex);
}

/* The last one takes the place of the one that goes. With the lock. */
static void
remove_entry(const pg_uuid_t *profile_id)
{
	Entry *found = NULL;

	for (int i = 0; i < ICE_STORE_COUNTERS_ROOM; i++)
	{
		Entry *entry = &shared->entries[i];

		if (is_of(entry, profile_id))
			found = entry;
		if (found != NULL && (i + 1 == ICE_STORE_COUNTERS_ROOM || entry[1].database == InvalidOid))
		{
			*found = *entry;
			*entry = (Entry){.database = InvalidOid};
			return;
		}
	}
}

static void
at_transaction_end(XactEvent event, void *arg pg_attribute_unused())
{
	ListCell *cell;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && dropped != NIL && shared != NULL)
	{
		SpinLockAcquire(&shared->mutex);
		foreach (cell, dropped)
			remove_entry(lfirst(cell));
		SpinLockRelease(&shared->mutex);
	}
	dropped = NIL;
}

void
ice_store_counters_drop(const pg_uuid_t *profile_id)
{
	static bool   registered = false;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	if (!registered)
		RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
	if (attach())
		dropped = lappend(dropped, memcpy(palloc(UUID_LEN), profile_id, UUID_LEN));
	MemoryContextSwitchTo(old);
}

int
ice_store_counters_read(IceStoreCounters out[ICE_STORE_COUNTERS_ROOM])
{
	int count = 0;

	if (!attach())
		return 0;
	SpinLockAcquire(&shared->mutex);
	for (int i = 0; i < ICE_STORE_COUNTERS_ROOM; i++)
		if (shared->entries[i].database == MyDatabaseId)
			out[count++] = shared->entries[i].counters;
	SpinLockRelease(&shared->mutex);
	return count;
}
