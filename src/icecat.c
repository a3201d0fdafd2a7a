/*
 * icecat.c
 *		Module magic and _PG_init: defines settings, installs the hook of the log, prepares the
 *		worker. No logic.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "budget_server.h"
#include "guc.h"
#include "refusal_log.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/audit_change.h"
#include "store/caller.h"
#include "store/estimate.h"
#include "store/refusals.h"
#include "store/store_queue.h"
#include "store/store_worker.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/* Runs once in each process that loads the library. */
void
_PG_init(void)
{
	ice_guc_define();
	ice_budget_init();
	ice_refusal_log_init();
	ice_caller_init();
	ice_access_init();
	ice_audit_init();
	ice_audit_change_init();
	ice_refusals_init();
	ice_estimate_init();
	if (process_shared_preload_libraries_in_progress)
		ice_worker_register_static();
	else
	{
		/* After a restart, tasks may wait and nobody changes anything. */
		(void) ice_worker_ensure();
		ice_queue_watch();
	}
}
