/*
 * store_due.h
 *		What is due in the queue of file tasks.
 *
 * Writes, deletions (with trims) and purges are asked for one by one: writes go first. A look costs
 * what is due of its kind, not what is queued: due are the tasks whose next_attempt_at has come. A
 * task that must wait for another one of its table is found so once and held: put off, behind one
 * that failed until that is done and releases it, behind another as long as that one waits.
 *
 * Only the session that has ICE_LOCK_TASKS asks. Tasks that another database made are not ours:
 * this one is a copy, perhaps still being restored, and the files are the other's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_DUE_H
#define ICE_STORE_DUE_H

#include "nodes/pg_list.h"

#include "store/store_task.h"

/* A table, or a view, with something to do now. */
typedef struct IceTaskTable
{
	pg_uuid_t warehouse_id;
	pg_uuid_t table_id;
	bool      has_purge; /* it was dropped, and its purge is queued */
} IceTaskTable;

/* Tables whose first write is due, longest waiting first: a List of IceTaskTable *. */
extern List *ice_due_writes(TimestampTz now, int limit);
/* Tables whose first task is a deletion or a trim that is due. Those with a purge are not among
 * them: it deletes the files, too. */
extern List *ice_due_deletes(TimestampTz now, int limit);
/* The purges that are due, longest waiting first: a List of IceTask *. */
extern List *ice_due_purges(TimestampTz now, int limit);

/* The first writes of a table, in order: a List of IceTask *. */
extern List *ice_due_first_writes(const IceTaskTable *table, int limit);
/* The deletions and trims before its first write and its purge. */
extern List *ice_due_first_deletes(const IceTaskTable *table, int limit);

/* Has those writes of a table that are due wait until they are released. */
extern void ice_due_hold_writes(const IceTaskTable *table, TimestampTz now);
/* After some of a table's tasks were done that had failed, or were held: the next ones are due. A
 * write that failed keeps its time where a deletion was done: on a full disk, files go until
 * then. */
extern void ice_due_release(const IceTask *done);
/* A purge waits for the writes of its table, which may be held. What failed keeps its time. */
extern void ice_due_release_writes(const IceTask *purge);
/* Has the failed tasks of all warehouses of a storage profile tried again now, and what could not
 * be read there. */
extern void ice_due_release_store(const pg_uuid_t *profile_id);
/* The task is not due before a time, though it has not failed. */
extern void ice_due_postpone(const IceTask *task, TimestampTz until);

/* When something is due next; DT_NOEND: nothing of that kind is queued. */
typedef struct IceDueTimes
{
	TimestampTz write;
	TimestampTz delete;
	TimestampTz purge;
} IceDueTimes;

extern void ice_due_next(IceDueTimes *times);

#endif
