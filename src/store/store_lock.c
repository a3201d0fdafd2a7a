/*
 * store_lock.c
 *		Advisory locks of our own. See store_lock.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/guc.h"

#include "store/store_lock.h"

static void
make_tag(LOCKTAG *tag, int32 key)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, (uint32) key, ICE_LOCK_CLASS);
}

bool
ice_lock_take(int32 key, bool session, bool wait)
{
	LOCKTAG tag;

	make_tag(&tag, key);
	return LockAcquire(&tag, ExclusiveLock, session, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

void
ice_lock_take_in_turn(int32 key, int wait_ms)
{
	int  level = NewGUCNestLevel();
	char timeout[32];

	snprintf(timeout, sizeof(timeout), "%d", wait_ms);
	(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) ice_lock_take(key, true, true);
	AtEOXact_GUC(true, level);
	SetLatch(MyLatch);
}

void
ice_lock_release(int32 key)
{
	LOCKTAG tag;

	make_tag(&tag, key);
	LockRelease(&tag, ExclusiveLock, true);
}

void
ice_lock_share(int32 key)
{
	LOCKTAG tag;

	make_tag(&tag, key);
	(void) LockAcquire(&tag, ShareLock, false, false);
}
