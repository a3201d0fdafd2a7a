/*
 * store_file_lock.c
 *		Locks of files. See store_file_lock.h.
 *
 * A folder is locked by its path, the folders above it by theirs, as PostgreSQL locks a table and
 * Gray's hierarchies lock what is above: shared ShareLock, and AccessShareLock above; alone
 * AccessExclusiveLock, and RowExclusiveLock above. So two who share never wait for each other, nor
 * do two who delete in folders apart; a caller that shares a folder waits for one that deletes in
 * it, in one above or in one below.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/latch.h"

#include "guc.h"
#include "store/store_file_lock.h"
#include "store/store_hold.h"
#include "store/store_lock.h"

/* Two paths of one hash wait for each other, and that is all. */
static void
make_tag(LOCKTAG *tag, const char *path)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) path, (int) strlen(path), 0);

	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash,
						 ICE_LOCK_CLASS_FILES);
}

/* From the top on, so that all take them in one order. */
static List *
from_the_top(const char *folder)
{
	List     *line = NIL;
	ListCell *cell;

	foreach (cell, ice_hold_line(folder))
		line = lcons(lfirst(cell), line);
	return line;
}

void
ice_file_lock_share(const char *folder)
{
	List     *line = from_the_top(folder);
	ListCell *cell;

	foreach (cell, line)
	{
		LOCKMODE mode = lnext(line, cell) == NULL ? ShareLock : AccessShareLock;
		LOCKTAG  tag;

		make_tag(&tag, lfirst(cell));
		if (LockAcquire(&tag, mode, false, true) == LOCKACQUIRE_NOT_AVAIL)
			ice_lock_wait(&tag, mode, false, ice_guc_commit_lock_timeout_ms);
	}
}

/* What becomes of one lock; false ends it. */
typedef bool (*Step)(const LOCKTAG *tag, LOCKMODE mode, int wait_ms);

/* All locks of some folders, at most so many of them; returns how many went well. */
static int
each_lock(const List *folders, int most, Step step, int wait_ms, volatile int *count)
{
	ListCell *cell;
	int       done = 0;

	foreach (cell, folders)
	{
		List     *line = from_the_top(lfirst(cell));
		ListCell *at;

		foreach (at, line)
		{
			LOCKTAG tag;

			make_tag(&tag, lfirst(at));
			if (done == most ||
				!step(&tag, lnext(line, at) == NULL ? AccessExclusiveLock : RowExclusiveLock,
					  wait_ms))
				return done;
			done++;
			if (count != NULL)
				*count = done;
		}
	}
	return PG_INT32_MAX;
}

static bool
take_one(const LOCKTAG *tag, LOCKMODE mode, int wait_ms)
{
	if (LockAcquire(tag, mode, true, true) != LOCKACQUIRE_NOT_AVAIL)
		return true;
	if (wait_ms == 0)
		return false;
	ice_lock_wait(tag, mode, true, wait_ms);
	SetLatch(MyLatch); /* the wait may have swallowed that it was set */
	return true;
}

static bool
release_one(const LOCKTAG *tag, LOCKMODE mode, int wait_ms)
{
	(void) wait_ms;
	(void) LockRelease(tag, mode, true);
	return true;
}

bool
ice_file_lock_take(const List *folders, int wait_ms)
{
	volatile int  taken = 0;
	volatile bool all = false;

	PG_TRY();
	{
		all = each_lock(folders, PG_INT32_MAX, take_one, wait_ms, &taken) == PG_INT32_MAX;
	}
	PG_CATCH();
	{
		(void) each_lock(folders, taken, release_one, 0, NULL);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!all)
		(void) each_lock(folders, taken, release_one, 0, NULL);
	return all;
}

void
ice_file_lock_release(const List *folders)
{
	(void) each_lock(folders, PG_INT32_MAX, release_one, 0, NULL);
}
