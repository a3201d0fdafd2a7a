/*
 * task_purge.h
 *		Does the purges that are queued.
 *
 * Its session has ICE_LOCK_TASKS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_PURGE_H
#define ICE_TASK_PURGE_H

#include "maint/task_work.h"

/* Does a slice of the purge that is under way, or of the one that has waited longest. After
 * icecat.purge_turn_s of a purge it is the turn of the others. False: none was due. */
extern bool ice_tasks_purge(IceTaskWork *work);

/* No purge is under way any more: what it has done stays done, and it begins again when it is
 * due. */
extern void ice_tasks_purge_forget(IceTaskWork *work);

#endif
