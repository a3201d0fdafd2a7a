/*
 * shared_memory.c
 *		Shared memory that is made at first use. See shared_memory.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "store/shared_memory.h"

void *
ice_shared_memory(const char *name, Size size, void (*init)(void *made))
{
	MemoryContext context = CurrentMemoryContext;
	void *volatile shared = NULL;
	bool found;

	if (!IsUnderPostmaster)
		return NULL;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	PG_TRY();
	{
		shared = ShmemInitStruct(name, size, &found);
		if (!found)
			memset(shared, 0, size);
		if (!found && init != NULL)
			init(shared);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		HOLD_INTERRUPTS(); /* the error reset the count that LWLockRelease takes one from */
	}
	PG_END_TRY();
	LWLockRelease(AddinShmemInitLock);
	return shared;
}
