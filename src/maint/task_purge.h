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

/* Does the purge that has waited longest. False: none was due. */
extern bool ice_tasks_purge(IceTaskWork *work);

#endif
