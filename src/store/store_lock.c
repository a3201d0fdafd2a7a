/*
 * store_lock.c
 *		Advisory locks of our own. See store_lock.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "guc.h"
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
ice_lock_wait(const LOCKTAG *tag, LOCKMODE mode, bool session, int wait_ms)
{
	int  level = NewGUCNestLevel();
	char timeout[32];

	snprintf(timeout, sizeof(timeout), "%d", wait_ms);
	(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) LockAcquire(tag, mode, session, false);
	AtEOXact_GUC(true, level);
}

void
ice_lock_release(int32 key)
{
	LOCKTAG tag;

	make_tag(&tag, key);
	LockRelease(&tag, ExclusiveLock, true);
}

static LOCKTAG
tag_of_hash(uint16 class, uint64 hash)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, class);
	return tag;
}

/* Two keys of one hash wait for each other, and that is all. */
static void
take_hash(uint16 class, uint64 hash, bool alone)
{
	LOCKMODE mode = alone ? ExclusiveLock : ShareLock;
	LOCKTAG  tag = tag_of_hash(class, hash);

	if (LockAcquire(&tag, mode, false, true) == LOCKACQUIRE_NOT_AVAIL)
		ice_lock_wait(&tag, mode, false, ice_guc_commit_lock_timeout_ms);
}

void
ice_lock_place(const char *path, bool alone)
{
	take_hash(ICE_LOCK_CLASS_PLACE,
			  hash_bytes_extended((const unsigned char *) path, (int) strlen(path), 0), alone);
}

void
ice_lock_quota(uint64 key, bool alone)
{
	take_hash(ICE_LOCK_CLASS_QUOTA, key, alone);
}

bool
ice_lock_outside(uint64 warehouse)
{
	LOCKTAG tag = tag_of_hash(ICE_LOCK_CLASS_OUTSIDE, warehouse);

	return LockAcquire(&tag, ShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
ice_lock_outside_alone(uint64 warehouse)
{
	take_hash(ICE_LOCK_CLASS_OUTSIDE, warehouse, true);
}
