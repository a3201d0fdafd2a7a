/*
 * task_run.h
 *		Does what is in the queue of file tasks, in the current transaction.
 *
 * For sessions, where no worker runs. The worker calls the parts of it itself: task_write.h,
 * task_delete.h, task_purge.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_RUN_H
#define ICE_TASK_RUN_H

#include "store/store_due.h"

/* All that is due, or only the files of one table (else NULL); returns the number of tasks done.
 * The session has ICE_LOCK_TASKS until the transaction ends: what it did is seen by others then. */
extern int64 ice_tasks_run_here(const IceTaskTable *only);

#endif
