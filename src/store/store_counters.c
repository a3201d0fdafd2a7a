/*
 * store_counters.c
 *		What was written to each object store since the server started. See store_counters.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/spin.h"

#include "store/shared_memory.h"
#include "store/store_counters.h"

typedef struct Entry
{
	Oid              database; /* InvalidOid: free, and all after it */
	IceStoreCounters counters;
} Entry;

typedef struct Shared
{
	slock_t mutex;
	Entry   entries[ICE_STORE_COUNTERS_ROOM];
} Shared;

static Shared *shared = NULL;

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

void
ice_store_counters_add(const IceStoreCounters *more)
{
	if (!attach())
		return;
	SpinLockAcquire(&shared->mutex);
	for (int i = 0; i < ICE_STORE_COUNTERS_ROOM; i++)
	{
		Entry            *entry = &shared->entries[i];
		IceStoreCounters *counters = &entry->counters;

		if (entry->database == InvalidOid)
		{
			entry->database = MyDatabaseId;
			counters->profile_id = more->profile_id;
		}
		if (entry->database != MyDatabaseId ||
			memcmp(&counters->profile_id, &more->profile_id, UUID_LEN) != 0)
			continue;
		counters->files_written += more->files_written;
		counters->files_failed += more->files_failed;
		counters->bytes_written += more->bytes_written;
		counters->lag_us += more->lag_us;
		break;
	}
	SpinLockRelease(&shared->mutex);
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
