/*
 * purge_queue.c
 *		The files of a purge that were found and wait to be deleted. See purge_queue.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "errors.h"
#include "maint/purge_queue.h"

#define LEVEL_FILES 200 /* then a level is full */

void
ice_purge_queue_init(IcePurgeQueue *queue)
{
	memset(queue, 0, sizeof(*queue));
	for (int i = 0; i < ICE_PURGE_LEVELS; i++)
		queue->levels[i].context = AllocSetContextCreate(
			CurrentMemoryContext, "icecat files to purge", ALLOCSET_DEFAULT_SIZES);
}

void
ice_purge_queue_add(IcePurgeQueue *queue, IcePurgeLevel level, const char *file)
{
	IcePurgeWaiting *waiting = &queue->levels[level];
	MemoryContext    old = MemoryContextSwitchTo(waiting->context);

	waiting->files = lappend(waiting->files, pstrdup(file));
	MemoryContextSwitchTo(old);
}

static int
count_waiting(const IcePurgeWaiting *waiting)
{
	return list_length(waiting->files) - waiting->next;
}

/* A level that was begun is emptied, for its memory is given back only then: would it be filled up
 * again each time, it would keep the names of all files of the table. */
bool
ice_purge_queue_full(const IcePurgeQueue *queue)
{
	for (int i = 0; i < ICE_PURGE_LEVELS; i++)
		if (queue->levels[i].next > 0 || count_waiting(&queue->levels[i]) >= LEVEL_FILES)
			return true;
	return false;
}

/* The first level that has something. NULL: none. */
static IcePurgeWaiting *
first_waiting(IcePurgeQueue *queue)
{
	for (int i = 0; i < ICE_PURGE_LEVELS; i++)
		if (count_waiting(&queue->levels[i]) > 0)
			return &queue->levels[i];
	return NULL;
}

bool
ice_purge_queue_empty(const IcePurgeQueue *queue)
{
	for (int i = 0; i < ICE_PURGE_LEVELS; i++)
		if (count_waiting(&queue->levels[i]) > 0)
			return false;
	return true;
}

/* The first files are gone: their memory is given back with that of all of them. */
static void
pass(IcePurgeWaiting *waiting, int count)
{
	waiting->next += count;
	if (count_waiting(waiting) > 0)
		return;
	MemoryContextReset(waiting->context);
	waiting->files = NIL;
	waiting->next = 0;
}

int
ice_purge_queue_delete(IcePurgeQueue *queue, IceOwner *owner, int limit)
{
	IcePurgeWaiting *waiting = first_waiting(queue);
	int              count = waiting != NULL ? Min(count_waiting(waiting), limit) : 0;
	IceOwnedFile    *files = palloc0(sizeof(IceOwnedFile) * Max(count, 1));

	if (count == 0)
		return 0;
	for (int i = 0; i < count; i++)
		files[i].location = list_nth(waiting->files, waiting->next + i);
	count = ice_owned_files_delete(owner, files, count);
	if (owner->refused != NULL)
		return 0;
	for (int i = 0; i < count; i++)
		if (files[i].error != NULL)
			ice_raise(ICE_ERR_STORAGE, "%s", files[i].error);
	pass(waiting, count);
	return count;
}
