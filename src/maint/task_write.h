/*
 * task_write.h
 *		Writes the metadata files that are queued.
 *
 * A batch has three steps: a transaction reads the tasks and assembles their documents, the files
 * are written together outside of it, and a second transaction deletes the tasks, notes failures
 * and announces what was written. No deletion is part of it, so no answer waits for one.
 *
 * Its session has ICE_LOCK_TASKS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_WRITE_H
#define ICE_TASK_WRITE_H

#include "maint/task_work.h"
#include "store/store_due.h"

/* Does one batch, of what is due, or of one table's writes (only, else NULL). True if there may be
 * more. */
extern bool ice_tasks_write(IceTaskWork *work, const IceTaskTable *only);

#endif
