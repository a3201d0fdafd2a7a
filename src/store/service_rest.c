/*
 * service_rest.c
 *		Which token services are left alone for a while. See service_rest.h.
 *
 * A few entries under a spinlock, looked at before a service is asked, which takes a network's
 * time. Where all are taken the one goes that would end first.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "store/service_rest.h"
#include "store/shared_memory.h"

#define ENTRIES 64

typedef struct Entry
{
	Oid         database;
	uint8       key[ICE_SERVICE_REST_BYTES];
	TimestampTz until; /* 0: free */
} Entry;

typedef struct Shared
{
	slock_t mutex;
	Entry   entries[ENTRIES];
} Shared;

static Shared *shared = NULL;
static Shared  own; /* where there is no room in shared memory */

static void
init(void *made)
{
	SpinLockInit(&((Shared *) made)->mutex);
}

/* Finds or makes the shared memory; without room for it the session's own stands in. */
static Shared *
attach(void)
{
	if (shared == NULL)
		shared = ice_shared_memory("icecat token services", sizeof(Shared), init);
	if (shared == NULL)
	{
		init(&own);
		shared = &own;
	}
	return shared;
}

/* The entry of a key; with make, one that may be overwritten. The mutex is held. */
static Entry *
find(Shared *state, const uint8 *key, bool make)
{
	Entry *first = &state->entries[0];

	for (int i = 0; i < ENTRIES; i++)
	{
		Entry *entry = &state->entries[i];

		if (entry->database == MyDatabaseId && memcmp(entry->key, key, sizeof(entry->key)) == 0)
			return entry;
		if (entry->until < first->until)
			first = entry;
	}
	return make ? first : NULL;
}

int64
ice_service_rest_ms(const uint8 *key)
{
	Shared      *state = attach();
	TimestampTz  now = GetCurrentTimestamp();
	TimestampTz  until = 0;
	const Entry *entry;

	SpinLockAcquire(&state->mutex);
	entry = find(state, key, false);
	if (entry != NULL)
		until = entry->until;
	SpinLockRelease(&state->mutex);
	return until > now ? (until - now) / 1000 + 1 : 0;
}

static void
set_until(const uint8 *key, bool make, TimestampTz until)
{
	Shared *state = attach();
	Entry  *entry;

	SpinLockAcquire(&state->mutex);
	entry = find(state, key, make);
	if (entry != NULL)
	{
		entry->database = MyDatabaseId;
		memcpy(entry->key, key, sizeof(entry->key));
		entry->until = until;
	}
	SpinLockRelease(&state->mutex);
}

void
ice_service_rest_begin(const uint8 *key)
{
	set_until(key, true, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ice_guc_sts_pause_ms));
}

void
ice_service_rest_end(const uint8 *key)
{
	set_until(key, false, 0);
}
