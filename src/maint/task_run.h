/*
 * task_run.h
 *		Does what is in the queue of file tasks.
 *
 * The worker and icecat.run_worker_once() share this. Work is done in batches of three steps: prepare reads
 * tasks and assembles documents, run writes and deletes files (asking, in short transactions, whose they are), finish
 * deletes the tasks or notes their failure. The worker runs each database step in a transaction of its own, so
 * none is open during input and output; a session runs all three in its own transaction.
 *
 * A session that does tasks holds the advisory lock ICE_LOCK_TASKS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_RUN_H
#define ICE_TASK_RUN_H

#include "maint/owned_files.h"
#include "store/store_task.h"

typedef struct IceTaskBatch
{
	MemoryContext context; /* holds all of the batch */
	List         *items;
	bool          full; /* more may be due than fitted into it */
	int64         done_count;
	int64         failed_count;
} IceTaskBatch;

/* In a transaction: reads due tasks (of one table: only, else NULL) into a context below parent, which must
 * outlive the transaction if the next steps do. False if there is nothing to do. */
extern bool ice_tasks_prepare(IceTaskBatch *batch, MemoryContext parent, const IceTaskTable *only);
/* Without a transaction: transactions begins and ends those that deleting needs. NULL: in the caller's. */
extern void ice_tasks_run(IceTaskBatch *batch, const IceTransactions *transactions);
/* In a transaction. Does not free the batch: its counts are still of use; ice_tasks_free() does. */
extern void ice_tasks_finish(IceTaskBatch *batch);
extern void ice_tasks_free(IceTaskBatch *batch);

/* All three steps in the current transaction; returns the number of tasks done. */
extern int64 ice_tasks_run_here(const IceTaskTable *only);

#endif
