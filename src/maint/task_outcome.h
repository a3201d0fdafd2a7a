/*
 * task_outcome.h
 *		What became of a file task, and how the queue is told.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_OUTCOME_H
#define ICE_TASK_OUTCOME_H

#include "store/store_task.h"

/* One of the three, or none: then the task stays in the queue as it is. */
typedef struct IceOutcome
{
	IceTask task;
	bool    done;
	char   *refused; /* why this database deletes no files: the task is set aside */
	char   *error;   /* why it failed: it is tried again, later and later */
} IceOutcome;

/* The message of the error being handled, which is then forgotten, in a memory context that becomes
 * the current one. A cancellation goes on. */
extern char *ice_task_outcome_take_error(MemoryContext context);

/* Deletes the task, or notes when to try it again, or sets it aside. In a transaction. */
extern void ice_task_outcome_note(const IceOutcome *outcome);
/* Is the task out of the queue, and may others of its table be held because of it? */
extern bool ice_task_outcome_releases(const IceOutcome *outcome);
/* After some tasks of a table, done the last of them: deletes the rows that no queued file needs
 * any more, and with releases has what waited go on. In a transaction. */
extern void ice_task_outcome_note_table(const IceTask *done, bool releases);

extern bool ice_task_outcome_same_table(const IceOutcome *a, const IceOutcome *b);

#endif
