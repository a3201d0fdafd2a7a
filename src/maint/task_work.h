/*
 * task_work.h
 *		What the work on the queue of file tasks is given, and what it counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_WORK_H
#define ICE_TASK_WORK_H

#include "utils/timestamp.h"

#include "maint/transactions.h"

/* A purge under way. */
struct IcePurgeTurn;

typedef struct IceTaskWork
{
	const IceTransactions *transactions;
	MemoryContext          parent;  /* outlives the transactions of one call */
	MemoryContext          lasting; /* outlives the calls: of a purge under way */
	struct IcePurgeTurn   *purge;   /* NULL: none is under way */
	TimestampTz            due;     /* tasks that are due at this time */
	int64                  done;    /* number of tasks done so far */
} IceTaskWork;

#endif
