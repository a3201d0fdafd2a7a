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

/* A purge under way, and a look at a snapshot. */
struct IcePurgeTurn;
struct IceInspectTurn;

/* What both of these begin with: work that lasts for more than one call. */
typedef struct IceTurn
{
	MemoryContext          context; /* holds all of it, itself too */
	const IceTransactions *transactions;
} IceTurn;

typedef struct IceTaskWork
{
	const IceTransactions *transactions;
	MemoryContext          parent;     /* outlives the transactions of one call */
	MemoryContext          lasting;    /* outlives the calls: of a purge under way */
	struct IcePurgeTurn   *purge;      /* NULL: none is under way */
	struct IceInspectTurn *inspection; /* the same */
	TimestampTz            due;        /* tasks that are due at this time */
	int64                  done;       /* number of tasks done so far */
} IceTaskWork;

/* Makes a turn of a size, which begins with an IceTurn and else has zeros, and has its work
 * chosen, in SPI; NULL if choose says that there is none. */
extern void *ice_task_work_begin(const IceTaskWork *work, Size size,
								 bool (*choose)(void *turn, TimestampTz due));
extern void  ice_task_work_end(void *turn);

#endif
