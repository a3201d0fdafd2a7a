/*
 * task_run.c
 *		Does what is in the queue of file tasks, in the current transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "maint/task_delete.h"
#include "maint/task_inspect.h"
#include "maint/task_purge.h"
#include "maint/task_run.h"
#include "maint/task_write.h"

int64
ice_tasks_run_here(const IceTaskTable *only)
{
	IceTaskWork work = {.parent = CurrentMemoryContext,
						.lasting = CurrentMemoryContext,
						.due = GetCurrentTimestamp()};

	do
		while (ice_tasks_write(&work, only))
			;
	while (only == NULL &&
		   (ice_tasks_delete(&work) || ice_tasks_inspect(&work) || ice_tasks_purge(&work)));
	return work.done;
}
