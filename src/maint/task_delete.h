/*
 * task_delete.h
 *		Deletes the old metadata files, and the removed rows, that the queue names.
 *
 * Its session has ICE_LOCK_TASKS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_DELETE_H
#define ICE_TASK_DELETE_H

#include "maint/task_work.h"

/* Does a few of the deletions and trims that are due, so few that files which are queued then do
 * not wait for long. False: nothing was due. */
extern bool ice_tasks_delete(IceTaskWork *work);

#endif
