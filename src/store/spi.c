/*
 * spi.c
 *		Statements run, by the executor or without it, and readers of result fields.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "budget_server.h"
#include "guc.h"
#include "store/spi.h"

/* A connection to SPI. */
typedef struct Frame
{
	MemoryContext         context; /* SPI's: what lives until ice_spi_end() */
	MemoryContext         scanned; /* below it, rows that no executor read; NULL: none yet */
	const IceRows        *rows;    /* the last result, where it is of these */
	struct Frame         *outer;
	MemoryContextCallback gone;
} Frame;

static Frame *innermost = NULL;

/* The memory of a connection goes, at its end or by an error. */
static void
forget_frame(void *frame)
{
	Frame **at = &innermost;

	while (*at != NULL && *at != frame)
		at = &(*at)->outer;
	if (*at != NULL)
		*at = (*at)->outer;
}

/* Connects to SPI; returns the context for what outlives ice_spi_end(). */
MemoryContext
ice_spi_begin(void)
{
	MemoryContext caller = CurrentMemoryContext;
	Frame        *frame;

	if (innermost == NULL)
		ice_spi_plans_free_old();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	frame = palloc0(sizeof(Frame));
	*frame = (Frame){.context = CurrentMemoryContext, .outer = innermost};
	frame->gone = (MemoryContextCallback){.func = forget_frame, .arg = frame};
	MemoryContextRegisterResetCallback(frame->context, &frame->gone);
	innermost = frame;
	(void) ice_budget_exempt(NULL);
	return caller;
}

void
ice_spi_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

static bool   by_latest = false;
static uint64 changes = 0;
static uint64 executions = 0;

uint64
ice_spi_executions(void)
{
	return executions;
}

uint64
ice_spi_changes(void)
{
	return changes;
}

void
ice_spi_changes_back(uint64 earlier)
{
	changes = earlier;
}

/* Does the result say that the statement is one that changes rows? */
static bool
is_change(int result)
{
	return result == SPI_OK_INSERT || result == SPI_OK_UPDATE || result == SPI_OK_DELETE ||
		   result == SPI_OK_INSERT_RETURNING || result == SPI_OK_UPDATE_RETURNING ||
		   result == SPI_OK_DELETE_RETURNING;
}

void
ice_spi_by_latest(bool on)
{
	by_latest = on;
}

/* Runs a statement in the sandbox, by a plan of the kind that the options say. */
static uint64
execute(IceStatement *statement, int options, Datum *values, const char *nulls, bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	IceSandbox    outside;
	int           result;

	executions++;
	ice_spi_sandbox_enter(&outside);
	if (by_latest)
		result = SPI_execute_snapshot(ice_spi_plan_current(statement, options), values, nulls,
									  GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	else
		result = SPI_execute_plan(ice_spi_plan_current(statement, options), values, nulls,
								  read_only, 0);
	ice_spi_sandbox_leave(&outside);
	innermost->rows = NULL;
	MemoryContextSwitchTo(context); /* SPI leaves its own context behind */
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	changes += SPI_processed > 0 && is_change(result);
	return SPI_processed;
}

uint64
ice_spi_execute(IceStatement *statement, Datum *values, const char *nulls, bool read_only)
{
	return execute(statement, CURSOR_OPT_GENERIC_PLAN, values, nulls, read_only);
}

/* -- reads by key ----------------------------------------------------------------------------- */

bool
ice_spi_push_snapshot(bool read_only)
{
	if (by_latest)
		PushCopiedSnapshot(GetLatestSnapshot());
	else if (!read_only)
		PushActiveSnapshot(GetTransactionSnapshot());
	else
		return false;
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	return true;
}

/* Where the rows go that no executor read: not into SPI's own context, for what was read is no part
 * of a request's memory (budget.h). */
MemoryContext
ice_spi_rows_context(void)
{
	if (innermost->scanned == NULL)
		innermost->scanned = AllocSetContextCreate(innermost->context, "icecat rows by key",
												   ALLOCSET_DEFAULT_SIZES);
	return innermost->scanned;
}

/* Reads by key where the plan is a scan by key. */
static bool
scan_by_key(IceStatement *statement, const Datum *values, bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	CachedPlan   *plan = ice_spi_plan_hold(statement);
	bool          pushed;

	if (plan == NULL)
		return false;
	if (statement->plan->scan == NULL)
	{
		ice_spi_plan_release(plan);
		return false;
	}
	pushed = ice_spi_push_snapshot(read_only);
	MemoryContextSwitchTo(ice_spi_rows_context());
	innermost->rows = ice_key_scan_run(statement->plan->scan, plan, values, GetActiveSnapshot());
	MemoryContextSwitchTo(context);
	if (pushed)
		PopActiveSnapshot();
	ice_spi_plan_release(plan);
	return true;
}

static void
require(bool required, const char *done, const IceStatement *statement)
{
	if (required)
		elog(ERROR, "statement is not %s by key: %s", done, statement->sql);
}

bool
ice_spi_reads_by_key(IceStatement *statement)
{
	CachedPlan *plan = NULL;

	if (ice_guc_key_scans && statement->plan == NULL &&
		(plan = ice_spi_plan_hold(statement)) != NULL)
		ice_spi_plan_release(plan);
	if (ice_guc_key_scans && statement->plan->scan != NULL)
		return true;
	require(ice_guc_key_scans_required, "read", statement);
	return false;
}

uint64
ice_spi_read(IceStatement *statement, Datum *values, bool read_only)
{
	if (ice_guc_key_scans && scan_by_key(statement, values, read_only))
		return innermost->rows->count;
	require(ice_guc_key_scans_required, "read", statement);
	return ice_spi_execute(statement, values, NULL, read_only);
}

uint64
ice_spi_read_latest(IceStatement *statement, Datum *values)
{
	uint64 rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = ice_spi_read(statement, values, true);
	PopActiveSnapshot();
	return rows;
}

/* -- writes by key ---------------------------------------------------------------------------- */

/* The plan of a statement that is a write by key, held; NULL: it is none, or not to be done so. */
static CachedPlan *
hold_write(IceStatement *statement)
{
	CachedPlan *plan = ice_guc_key_writes ? ice_spi_plan_hold(statement) : NULL;

	if (plan != NULL && statement->plan->write == NULL)
	{
		ice_spi_plan_release(plan);
		plan = NULL;
	}
	require(plan == NULL && ice_guc_key_writes_required, "written", statement);
	return plan;
}

/* So many rows were changed by key: the commands that follow see it. */
static uint64
changed(uint64 rows)
{
	innermost->rows = NULL;
	changes += rows > 0;
	CommandCounterIncrement();
	return rows;
}

bool
ice_spi_insert_rows(IceStatement *statement, const Datum *values, const bool *nulls, int rows)
{
	CachedPlan *plan = hold_write(statement);
	bool        inserted;

	if (plan == NULL)
		return false;
	inserted = ice_key_write_inserts(statement->plan->write) &&
			   ice_key_write_insert(statement->plan->write, plan, values, nulls, statement->nargs,
									rows);
	ice_spi_plan_release(plan);
	if (inserted)
		(void) changed((uint64) rows);
	return inserted;
}

/* Changes a row by its key. */
static IceKeyOutcome
change_by_key(IceStatement *statement, const Datum *values, const bool *nulls)
{
	CachedPlan   *plan = hold_write(statement);
	IceKeyOutcome outcome;
	bool          pushed;

	if (plan == NULL)
		return ICE_KEY_BY_EXECUTOR;
	pushed = ice_spi_push_snapshot(false);
	outcome = ice_key_write_change(statement->plan->write, plan, values, nulls,
								   GetActiveSnapshot());
	if (pushed)
		PopActiveSnapshot();
	ice_spi_plan_release(plan);
	return outcome;
}

uint64
ice_spi_insert(IceStatement *statement, Datum *values, const char *nulls)
{
	bool is_null[ICE_STATEMENT_ARGS_MAX];

	for (int i = 0; i < statement->nargs; i++)
		is_null[i] = nulls != NULL && nulls[i] == 'n';
	if (ice_spi_insert_rows(statement, values, is_null, 1))
		return 1;
	return ice_spi_execute(statement, values, nulls, false);
}

uint64
ice_spi_change(IceStatement *statement, Datum *values)
{
	static const bool none[ICE_STATEMENT_ARGS_MAX];

	switch (change_by_key(statement, values, none))
	{
		case ICE_KEY_DONE:
			return changed(1);
		case ICE_KEY_NONE:
			return changed(0);
		case ICE_KEY_BY_EXECUTOR:
			break;
	}
	return ice_spi_execute(statement, values, NULL, false);
}

uint64
ice_spi_lock_waiting(IceStatement *statement, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	CachedPlan   *plan = hold_write(statement);
	IceKeyOutcome outcome = ICE_KEY_BY_EXECUTOR;
	IceRows      *rows;
	bool          pushed;

	if (plan != NULL)
	{
		pushed = ice_spi_push_snapshot(false);
		MemoryContextSwitchTo(ice_spi_rows_context());
		outcome = ice_key_write_lock(statement->plan->write, plan, values, GetActiveSnapshot(),
									 &rows);
		MemoryContextSwitchTo(context);
		if (pushed)
			PopActiveSnapshot();
		ice_spi_plan_release(plan);
	}
	if (outcome == ICE_KEY_BY_EXECUTOR)
		return ice_spi_execute_waiting(statement, values, NULL);
	CommandCounterIncrement();
	innermost->rows = rows;
	return rows->count;
}

uint64
ice_spi_execute_planned(IceStatement *statement, Datum *values)
{
	return execute(statement, CURSOR_OPT_CUSTOM_PLAN, values, NULL, false);
}

char *
ice_spi_cursor_open(IceStatement *statement, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	IceSandbox    outside;
	Portal        portal;

	ice_spi_sandbox_enter(&outside);
	portal = SPI_cursor_open(NULL, ice_spi_plan_current(statement, CURSOR_OPT_GENERIC_PLAN), values,
							 NULL, true);
	ice_spi_sandbox_leave(&outside);
	MemoryContextSwitchTo(context);
	return pstrdup(portal->name);
}

uint64
ice_spi_cursor_fetch(const char *name, int rows)
{
	MemoryContext context = CurrentMemoryContext;
	Portal        portal = SPI_cursor_find(name);
	IceSandbox    outside;

	if (portal == NULL)
		elog(ERROR, "cursor \"%s\" does not exist", name);
	ice_spi_sandbox_enter(&outside);
	SPI_cursor_fetch(portal, true, rows);
	ice_spi_sandbox_leave(&outside);
	innermost->rows = NULL;
	if (SPI_processed == 0)
		SPI_cursor_close(portal);
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

/* A lock under REPEATABLE READ says nothing about rows that others have added since: its snapshot
 * hides them. */
uint64
ice_spi_execute_latest(IceStatement *statement, Datum *values)
{
	uint64 rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = ice_spi_execute(statement, values, NULL, true);
	PopActiveSnapshot();
	return rows;
}

int
ice_spi_limit_waits(void)
{
	int  level = NewGUCNestLevel();
	char timeout[32];

	snprintf(timeout, sizeof(timeout), "%d", ice_guc_commit_lock_timeout_ms);
	(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return level;
}

uint64
ice_spi_execute_waiting(IceStatement *statement, Datum *values, const char *nulls)
{
	int    level = ice_spi_limit_waits();
	uint64 rows = ice_spi_execute(statement, values, nulls, false);

	AtEOXact_GUC(true, level);
	return rows;
}

void
ice_spi_raise_outdated(void)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not serialize access due to concurrent changes")));
}

bool
ice_spi_state_has(const char *table)
{
	return OidIsValid(get_relname_relid(table, get_namespace_oid("icecat_data", false)));
}

static Datum
field(uint64 row, int column, bool *is_null)
{
	const IceRows *rows = innermost->rows;

	if (rows == NULL)
		return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
	Assert(row < rows->count && column <= rows->columns);
	*is_null = rows->nulls[row * rows->columns + column - 1];
	return rows->values[row * rows->columns + column - 1];
}

Datum
ice_spi_field(uint64 row, int column)
{
	bool is_null;

	return field(row, column, &is_null);
}

bool
ice_spi_field_is_null(uint64 row, int column)
{
	bool is_null;

	(void) field(row, column, &is_null);
	return is_null;
}

void
ice_spi_free_rows(void)
{
	if (innermost->rows == NULL)
		SPI_freetuptable(SPI_tuptable);
}

IceResult
ice_spi_result(void)
{
	return (IceResult){innermost->rows, SPI_tuptable};
}

void
ice_spi_result_back(IceResult result)
{
	innermost->rows = result.rows;
	SPI_tuptable = result.table;
}

char *
ice_spi_field_text(uint64 row, int column)
{
	if (ice_spi_field_is_null(row, column))
		return NULL;
	return TextDatumGetCString(ice_spi_field(row, column));
}

int64
ice_spi_field_int64(uint64 row, int column)
{
	return DatumGetInt64(ice_spi_field(row, column));
}

int32
ice_spi_field_int32(uint64 row, int column)
{
	return DatumGetInt32(ice_spi_field(row, column));
}

pg_uuid_t
ice_spi_field_uuid(uint64 row, int column)
{
	return *DatumGetUUIDP(ice_spi_field(row, column));
}

const char *
ice_spi_field_bytes(uint64 row, int column, size_t *len)
{
	text *value = DatumGetTextPP(ice_spi_field(row, column));

	*len = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

Datum
ice_spi_text_datum(const char *text, size_t len)
{
	return PointerGetDatum(cstring_to_text_with_len(text, (int) len));
}

Datum
ice_spi_cstring_datum(const char *text)
{
	return ice_spi_text_datum(text, strlen(text));
}

Datum
ice_spi_int64_array_datum(const int64 *numbers, int count)
{
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));
	Datum  array;

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(numbers[i]);
	array = PointerGetDatum(
		construct_array(elements, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	pfree(elements);
	return array;
}
