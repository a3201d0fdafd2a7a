/*
 * plan_cache.c
 *		Kept SPI plans, and readers of result fields.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "store/plan_cache.h"

/* Connects to SPI; returns the context for what outlives ice_spi_end(). */
MemoryContext
ice_spi_begin(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return caller;
}

void
ice_spi_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/* Prepares a statement for the session. */
static void
prepare(IceStatement *statement, int options)
{
	SPIPlanPtr plan = SPI_prepare_cursor(statement->sql, statement->nargs, statement->argtypes,
										 options);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	statement->plan = plan;
}

uint64
ice_execute(IceStatement *statement, Datum *values, const char *nulls, bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	int           result;

	if (statement->plan == NULL)
		prepare(statement, CURSOR_OPT_GENERIC_PLAN);
	result = SPI_execute_plan(statement->plan, values, nulls, read_only, 0);
	MemoryContextSwitchTo(context); /* SPI leaves its own context behind */
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

uint64
ice_execute_planned(IceStatement *statement, Datum *values)
{
	if (statement->plan == NULL)
		prepare(statement, CURSOR_OPT_CUSTOM_PLAN);
	return ice_execute(statement, values, NULL, false);
}

char *
ice_cursor_open(IceStatement *statement, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	Portal        portal;

	if (statement->plan == NULL)
		prepare(statement, CURSOR_OPT_GENERIC_PLAN);
	portal = SPI_cursor_open(NULL, statement->plan, values, NULL, true);
	MemoryContextSwitchTo(context);
	return pstrdup(portal->name);
}

uint64
ice_cursor_fetch(const char *name, int rows)
{
	MemoryContext context = CurrentMemoryContext;
	Portal        portal = SPI_cursor_find(name);

	if (portal == NULL)
		elog(ERROR, "cursor \"%s\" does not exist", name);
	SPI_cursor_fetch(portal, true, rows);
	if (SPI_processed == 0)
		SPI_cursor_close(portal);
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

/* A lock under REPEATABLE READ says nothing about rows that others added meanwhile: its snapshot hides them. */
uint64
ice_execute_latest(IceStatement *statement, Datum *values)
{
	uint64 rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = ice_execute(statement, values, NULL, true);
	PopActiveSnapshot();
	return rows;
}

uint64
ice_execute_waiting(IceStatement *statement, Datum *values, const char *nulls)
{
	int    level = NewGUCNestLevel();
	char   timeout[32];
	uint64 rows;

	snprintf(timeout, sizeof(timeout), "%d", ice_guc_commit_lock_timeout_ms);
	(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	rows = ice_execute(statement, values, nulls, false);
	AtEOXact_GUC(true, level);
	return rows;
}

bool
ice_state_has(const char *table)
{
	static IceStatement statement = {
		"SELECT pg_catalog.to_regclass($1) IS NOT NULL", 1, {TEXTOID}, NULL};
	Datum values[1] = {ice_cstring_datum(table)};

	(void) ice_execute(&statement, values, NULL, true);
	return DatumGetBool(ice_field(0, 1));
}

Datum
ice_field(uint64 row, int column)
{
	bool is_null;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
}

bool
ice_field_is_null(uint64 row, int column)
{
	bool is_null;

	(void) SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
	return is_null;
}

char *
ice_field_text(uint64 row, int column)
{
	if (ice_field_is_null(row, column))
		return NULL;
	return TextDatumGetCString(ice_field(row, column));
}

int64
ice_field_int64(uint64 row, int column)
{
	return DatumGetInt64(ice_field(row, column));
}

int32
ice_field_int32(uint64 row, int column)
{
	return DatumGetInt32(ice_field(row, column));
}

pg_uuid_t
ice_field_uuid(uint64 row, int column)
{
	return *DatumGetUUIDP(ice_field(row, column));
}

const char *
ice_field_bytes(uint64 row, int column, size_t *len)
{
	text *value = DatumGetTextPP(ice_field(row, column));

	*len = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

Datum
ice_text_datum(const char *text, size_t len)
{
	return PointerGetDatum(cstring_to_text_with_len(text, (int) len));
}

Datum
ice_cstring_datum(const char *text)
{
	return ice_text_datum(text, strlen(text));
}
