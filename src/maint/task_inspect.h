/*
 * task_inspect.h
 *		Reads the manifests of new snapshots, where the warehouse asks for that, and reports files
 *		that lie outside of the folders of their table.
 *
 * Its session has ICE_LOCK_TASKS. A snapshot whose files cannot be read is tried again, later and
 * later, ten times.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_INSPECT_H
#define ICE_TASK_INSPECT_H

#include "maint/task_work.h"

/* Reads on in the snapshot that is under way, or in the one that has waited longest, until there is
 * something more urgent. False: none was due. */
extern bool ice_tasks_inspect(IceTaskWork *work);

/* None is under way any more: it begins again when it is due. */
extern void ice_tasks_inspect_forget(IceTaskWork *work);

#endif
