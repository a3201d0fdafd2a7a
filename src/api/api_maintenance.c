/*
 * api_maintenance.c
 *		SQL entries for the worker and the metadata files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "api/args.h"
#include "commit/publish.h"
#include "maint/adopt.h"
#include "maint/sequence.h"
#include "maint/task_run.h"
#include "maint/upkeep.h"
#include "storage/storage.h"
#include "store/audit.h"
#include "store/owner_step.h"
#include "store/store_counters.h"
#include "store/store_idempotency.h"
#include "store/store_inspection.h"
#include "store/store_lock.h"
#include "store/store_profile.h"
#include "store/store_table.h"
#include "store/store_task.h"
#include "store/store_view.h"
#include "store/store_worker.h"

#define WAIT_STEP_MS       10
#define WAIT_STEP_MAX_MS   100
#define WAIT_FOR_WORKER_MS 1000 /* then the waiting session does the work, if it can */

PG_FUNCTION_INFO_V1(sql_ice_adopt_storage);
PG_FUNCTION_INFO_V1(sql_ice_adopt_tasks);
PG_FUNCTION_INFO_V1(sql_ice_export_metadata);
PG_FUNCTION_INFO_V1(sql_ice_file_is_missing);
PG_FUNCTION_INFO_V1(sql_ice_owner_step);
PG_FUNCTION_INFO_V1(sql_ice_run_worker_once);
PG_FUNCTION_INFO_V1(sql_ice_start_worker);
PG_FUNCTION_INFO_V1(sql_ice_storage_problems);
PG_FUNCTION_INFO_V1(sql_ice_store_counters);
PG_FUNCTION_INFO_V1(sql_ice_trim_idempotency);
PG_FUNCTION_INFO_V1(sql_ice_wait_for_metadata);
PG_FUNCTION_INFO_V1(sql_ice_worker_pid);
PG_FUNCTION_INFO_V1(sql_ice_worker_state);

/* Which of the copies of a catalog deletes files is not for every caller of its functions to
 * decide: it needs a role that has the rights of the owner, whose rights this function runs
 * with. */
static void
check_owner(const char *name)
{
	if (!has_privs_of_role(GetOuterUserId(), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", name),
				 errdetail("Only a role with the rights of the extension's owner may call it.")));
}

static Datum
adopt(const char *name)
{
	IceAuditActor actor;

	check_owner(name);
	PreventCommandIfReadOnly(name);
	ice_spi_begin();
	actor = ice_audit_actor();
	actor.role = GetUserNameFromId(GetOuterUserId(), false);
	ice_adopt_storage();
	ice_task_adopt();
	ice_inspections_adopt();
	ice_audit_insert(
		&(IceAuditRow){.action = "adopt-storage", .object_kind = "catalog", .actor = &actor});
	ice_spi_end();
	return BoolGetDatum(ice_worker_ensure());
}

Datum
sql_ice_adopt_storage(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	return adopt("adopt_storage()");
}

/* The name that 0.1.0 gave it. */
Datum
sql_ice_adopt_tasks(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	return adopt("adopt_tasks()");
}

Datum
sql_ice_storage_problems(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	char         *problems = ice_adopt_problems();

	if (problems != NULL)
		problems = MemoryContextStrdup(caller, problems);
	ice_caller_end();
	if (problems == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problems));
}

/* For upgrade scripts, which make the SQL function and drop it again. */
Datum
sql_ice_owner_step(PG_FUNCTION_ARGS)
{
	ice_owner_step(ice_arg_text(fcinfo, 0, "statement"));
	PG_RETURN_VOID();
}

Datum
sql_ice_start_worker(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(ice_worker_ensure());
}

Datum
sql_ice_trim_idempotency(PG_FUNCTION_ARGS)
{
	int64 limit = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	int64 trimmed;

	if (limit < 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_limit must be positive");
	ice_caller_begin(fcinfo);
	trimmed = ice_idempotency_trim(limit);
	ice_caller_end();
	PG_RETURN_INT64(trimmed);
}

/* For databases of 0.1.0 that are not updated yet. */
Datum
sql_ice_worker_pid(PG_FUNCTION_ARGS)
{
	int pid = ice_worker_pid();

	if (pid == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(pid);
}

Datum
sql_ice_worker_state(PG_FUNCTION_ARGS)
{
	IceWorkerState state;
	const char    *name = ice_worker_state(&state);
	Datum values[4] = {Int32GetDatum(state.pid), CStringGetTextDatum(name), (Datum) 0, (Datum) 0};
	bool  nulls[4] = {state.pid == 0, false, state.waiting_since == 0, state.error[0] == '\0'};
	TupleDesc columns;

	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!nulls[2])
		values[2] =
			Float8GetDatum((double) (GetCurrentTimestamp() - state.waiting_since) / USECS_PER_SEC);
	if (!nulls[3])
		values[3] = CStringGetTextDatum(state.error);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

Datum
sql_ice_store_counters(PG_FUNCTION_ARGS)
{
	IceStoreCounters *counters = palloc(sizeof(IceStoreCounters) * ICE_STORE_COUNTERS_ROOM);
	ReturnSetInfo    *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int               count;

	InitMaterializedSRF(fcinfo, 0);
	count = ice_store_counters_read(counters);
	for (int i = 0; i < count; i++)
	{
		const IceStoreCounters *store = &counters[i];
		bool                    nulls[5] = {false};
		Datum values[5] = {UUIDPGetDatum(&store->profile_id), Int64GetDatum(store->files_written),
						   Int64GetDatum(store->files_failed), Int64GetDatum(store->bytes_written),
						   Float8GetDatum((double) store->lag_us / USECS_PER_SEC)};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* All that a worker does in a round; returns the number of tasks done. */
static int64
work_here(void)
{
	int64 done;
	int64 numbered = 0;

	if (!ice_lock_take(ICE_LOCK_TASKS, false, false))
		return 0;
	done = ice_tasks_run_here(NULL);
	(void) ice_sequence_all(&numbered);
	(void) ice_upkeep_dropped();
	(void) ice_upkeep_expired();
	ice_upkeep_reports();
	return done;
}

/* In a transaction block: its locks on what it did would stop everybody else until it ends. */
static void
leave_to_worker(void)
{
	if (!ice_worker_ensure())
		ereport(
			ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg(
				 "run_worker_once() cannot run in a transaction block where no worker can start"),
			 errhint("Call it outside of BEGIN … COMMIT.")));
	ice_worker_wake();
}

Datum
sql_ice_run_worker_once(PG_FUNCTION_ARGS)
{
	volatile int64 done = 0;

	(void) fcinfo;
	PreventCommandIfReadOnly("run_worker_once()");
	if (IsTransactionBlock())
	{
		leave_to_worker();
		PG_RETURN_INT64(0);
	}
	ice_spi_by_latest(IsolationUsesXactSnapshot());
	PG_TRY();
	{
		done = work_here();
	}
	PG_FINALLY();
	{
		ice_spi_by_latest(false);
	}
	PG_END_TRY();
	PG_RETURN_INT64(done);
}

/* A table, or a view: then table is not set. */
typedef struct Target
{
	IceTable  table;
	IceView   view;
	bool      is_view;
	pg_uuid_t warehouse_id;
	pg_uuid_t id;
	int64     version;
} Target;

/* Finds the table or view named by arguments 0 to 2, as the calling query's snapshot has it. */
static void
get_target(FunctionCallInfo fcinfo, Target *target)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	const char      *name = ice_arg_text(fcinfo, 2, "table");

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	target->warehouse_id = warehouse.id;
	target->is_view = ice_view_find(&warehouse.id, &path, name, true, &target->view);
	if (target->is_view)
	{
		ice_view_require(ICE_SELECT, &target->view, &path, name);
		target->id = target->view.id;
		target->version = target->view.version;
		return;
	}
	ice_table_get(&warehouse.id, &path, name, true, &target->table);
	ice_table_require(ICE_SELECT, &target->table, &path, name);
	target->id = target->table.id;
	target->version = target->table.version;
}

/* No worker comes: do the target's tasks here. Where that fails they stay queued. Not in a
 * transaction block, which could keep others from the queue for long. */
static void
work_instead(const Target *target)
{
	IceTaskTable only = {target->warehouse_id, target->id, false};

	if (XactReadOnly || IsolationUsesXactSnapshot() || IsTransactionBlock())
		return;
	if (ice_lock_take(ICE_LOCK_TASKS, false, false))
		(void) ice_tasks_run_here(&only);
}

/* Waits until no write up to the target's version is queued; false if the time is over before. */
static bool
wait_for_write(const Target *target, int timeout_ms)
{
	TimestampTz start = GetCurrentTimestamp();
	long        step = WAIT_STEP_MS;
	bool        tried = false;
	bool        own;

	while (ice_task_write_pending(&target->warehouse_id, &target->id, target->version, &own))
	{
		TimestampTz now = GetCurrentTimestamp();

		if (own || TimestampDifferenceExceeds(start, now, timeout_ms))
			return false;
		if (!ice_worker_ensure() ||
			(ice_worker_pid() == 0 && TimestampDifferenceExceeds(start, now, WAIT_FOR_WORKER_MS)))
		{
			if (!tried)
				work_instead(target);
			tried = true;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(step, timeout_ms), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		step = Min(step * 2, WAIT_STEP_MAX_MS);
	}
	return true;
}

Datum
sql_ice_wait_for_metadata(PG_FUNCTION_ARGS)
{
	Target target;
	int32  timeout_ms = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	bool   written;

	if (timeout_ms < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_timeout_ms must not be negative");
	ice_caller_begin(fcinfo);
	get_target(fcinfo, &target);
	written = wait_for_write(&target, timeout_ms);
	ice_caller_end();
	PG_RETURN_BOOL(written);
}

/* Appends the document of the target, of the same snapshot as its head; returns its file. */
static const char *
render_target(StringInfo out, Target *target)
{
	if (!target->is_view)
	{
		ice_publish_render_current(out, &target->table, true);
		return target->table.metadata_location;
	}
	ice_view_load(&target->view, true);
	ice_view_metadata_write(out, target->view.metadata);
	return target->view.metadata_location;
}

Datum
sql_ice_export_metadata(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	MemoryContext  old;
	Target         target;
	StringInfoData document;
	const char    *file;
	text          *location;

	get_target(fcinfo, &target);
	initStringInfo(&document);
	file = render_target(&document, &target);
	ice_storage_write_metadata(file, ice_profile_of(&target.warehouse_id, file), document.data,
							   (size_t) document.len);
	old = MemoryContextSwitchTo(caller);
	location = cstring_to_text(file);
	MemoryContextSwitchTo(old);
	ice_caller_end();
	PG_RETURN_TEXT_P(location);
}

Datum
sql_ice_file_is_missing(PG_FUNCTION_ARGS)
{
	CHECK_FOR_INTERRUPTS();
	PG_RETURN_BOOL(ice_storage_missing(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
