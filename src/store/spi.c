/*
 * spi.c
 *		Kept SPI plans, and readers of result fields.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "budget_server.h"
#include "guc.h"
#include "store/spi.h"

/*
 * How long a plan is kept. While a table of few rows grows by thousands, nothing else makes
 * PostgreSQL plan again, and its statistics come late.
 */
#define PLAN_USES_MAX   1000
#define PLAN_AGE_MAX_MS 10000

/*
 * What statements are planned with. All are look-ups by key: reading an index from end to end is
 * never right, and by statistics from when the catalog was tiny it looks as cheap as the look-up.
 * So an index entry is priced as dear.
 */
static const char *const planning[][2] = {
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"cpu_index_tuple_cost", "10"},
	{"jit", "off"},
};

typedef struct IceKeptPlan
{
	SPIPlanPtr  spi;
	int         uses;
	TimestampTz made_at;
} IceKeptPlan;

/* Connects to SPI; returns the context for what outlives ice_spi_end(). */
MemoryContext
ice_spi_begin(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	(void) ice_budget_exempt(NULL);
	return caller;
}

void
ice_spi_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/* Prepares a statement again. */
static void
prepare(IceStatement *statement, int options)
{
	IceKeptPlan *kept = statement->plan;
	SPIPlanPtr   plan = SPI_prepare_cursor(statement->sql, statement->nargs, statement->argtypes,
										   options);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (kept == NULL)
		kept = MemoryContextAllocZero(TopMemoryContext, sizeof(IceKeptPlan));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	if (kept->spi != NULL)
		SPI_freeplan(kept->spi);
	*kept = (IceKeptPlan){.spi = plan, .made_at = GetCurrentStatementStartTimestamp()};
	statement->plan = kept;
}

/* Prepares and plans a statement by the settings above. One with a plan for each call is planned as
 * it is run. */
static void
make_plan(IceStatement *statement, int options)
{
	MemoryContext context = CurrentMemoryContext;
	int           level = NewGUCNestLevel();

	for (size_t i = 0; i < lengthof(planning); i++)
		(void) set_config_option(planning[i][0], planning[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	prepare(statement, options);
	if (options & CURSOR_OPT_GENERIC_PLAN)
		ReleaseCachedPlan(SPI_plan_get_cached_plan(statement->plan->spi), CurrentResourceOwner);
	AtEOXact_GUC(true, level);
	MemoryContextSwitchTo(context); /* SPI leaves its own context behind */
}

/* The plan of a statement, made again when it is used up, old or no longer valid. */
static SPIPlanPtr
current_plan(IceStatement *statement, int options)
{
	IceKeptPlan *kept = statement->plan;

	if (kept == NULL || kept->uses >= PLAN_USES_MAX || !SPI_plan_is_valid(kept->spi) ||
		TimestampDifferenceExceeds(kept->made_at, GetCurrentStatementStartTimestamp(),
								   PLAN_AGE_MAX_MS))
		make_plan(statement, options);
	statement->plan->uses++;
	return statement->plan->spi;
}

/* -- the sandbox ------------------------------------------------------------------------------ */

void
ice_spi_sandbox_enter(IceSandbox *outside)
{
	GetUserIdAndSecContext(&outside->user, &outside->context);
	SetUserIdAndSecContext(outside->user, outside->context | SECURITY_RESTRICTED_OPERATION);
	outside->level = NewGUCNestLevel();
}

void
ice_spi_sandbox_leave(const IceSandbox *outside)
{
	AtEOXact_GUC(false, outside->level);
	SetUserIdAndSecContext(outside->user, outside->context);
}

static bool   by_latest = false;
static uint64 changes = 0;

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

	ice_spi_sandbox_enter(&outside);
	if (by_latest)
		result = SPI_execute_snapshot(current_plan(statement, options), values, nulls,
									  GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	else
		result = SPI_execute_plan(current_plan(statement, options), values, nulls, read_only, 0);
	ice_spi_sandbox_leave(&outside);
	MemoryContextSwitchTo(context); /* as above */
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
	portal = SPI_cursor_open(NULL, current_plan(statement, CURSOR_OPT_GENERIC_PLAN), values, NULL,
							 true);
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
	static IceStatement statement = {
		"SELECT pg_catalog.to_regclass($1) IS NOT NULL", 1, {TEXTOID}, NULL};
	Datum values[1] = {ice_spi_cstring_datum(table)};

	(void) ice_spi_execute(&statement, values, NULL, true);
	return DatumGetBool(ice_spi_field(0, 1));
}

Datum
ice_spi_field(uint64 row, int column)
{
	bool is_null;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
}

bool
ice_spi_field_is_null(uint64 row, int column)
{
	bool is_null;

	(void) SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
	return is_null;
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
