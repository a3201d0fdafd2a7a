/*
 * purge_queue.h
 *		The files of a purge that were found and wait to be deleted.
 *
 * A file that names others goes after these, so that a purge which was stopped anywhere finds what
 * is left. There is a level for each kind; a file is deleted when no file of a level before its own
 * waits. What waits is bounded: a level that is full is deleted before anything is added.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PURGE_QUEUE_H
#define ICE_PURGE_QUEUE_H

#include "maint/owned_files.h"

typedef enum IcePurgeLevel
{
	ICE_PURGE_DATA,     /* data and delete files */
	ICE_PURGE_MANIFEST, /* all of whose data files were added before */
	ICE_PURGE_NAMED,    /* manifest lists, statistics, earlier metadata files */
	ICE_PURGE_LAST,     /* the current metadata file */
	ICE_PURGE_LEVELS
} IcePurgeLevel;

typedef struct IcePurgeWaiting
{
	MemoryContext context;
	List         *files; /* canonical C strings */
	int           next;  /* those before it are gone */
} IcePurgeWaiting;

typedef struct IcePurgeQueue
{
	IcePurgeWaiting levels[ICE_PURGE_LEVELS];
} IcePurgeQueue;

/* The queue takes memory below the current context. */
extern void ice_purge_queue_init(IcePurgeQueue *queue);
/* Adds a copy of a path. */
extern void ice_purge_queue_add(IcePurgeQueue *queue, IcePurgeLevel level, const char *file);
extern bool ice_purge_queue_full(const IcePurgeQueue *queue);
extern bool ice_purge_queue_empty(const IcePurgeQueue *queue);

/* Deletes some of those that go first, at most limit, in the current memory context; returns how
 * many were dealt with. Raises STORAGE for one that could not be deleted. Where owner->refused is
 * set, nothing was. */
extern int ice_purge_queue_delete(IcePurgeQueue *queue, IceOwner *owner, int limit);

#endif
