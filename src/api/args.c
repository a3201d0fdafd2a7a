/*
 * args.c
 *		Arguments and results of the SQL-callable functions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "guc.h"

/* Raises unless argument n is given. */
static void
require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: %s must not be null", name);
}

char *
ice_arg_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	require(fcinfo, n, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
ice_arg_opt_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

bool
ice_arg_bool(FunctionCallInfo fcinfo, int n, const char *name)
{
	require(fcinfo, n, name);
	return PG_GETARG_BOOL(n);
}

IceJson *
ice_arg_opt_json(FunctionCallInfo fcinfo, int n)
{
	text *value;

	if (PG_ARGISNULL(n))
		return NULL;
	value = PG_GETARG_TEXT_PP(n);
	return ice_json_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), ice_guc_json_depth_max);
}

bool
ice_arg_flag(FunctionCallInfo fcinfo, int n)
{
	return PG_NARGS() > n && !PG_ARGISNULL(n) && PG_GETARG_BOOL(n);
}

IceJson *
ice_arg_json(FunctionCallInfo fcinfo, int n, const char *name)
{
	require(fcinfo, n, name);
	return ice_arg_opt_json(fcinfo, n);
}

TimestampTz
ice_arg_ago(FunctionCallInfo fcinfo, int n, const char *name)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz at;

	require(fcinfo, n, name);
	at = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(n)));
	if (at > now)
		ice_raise(ICE_ERR_BAD_REQUEST, "%s must not be negative", name);
	return at;
}

void
ice_arg_namespace(FunctionCallInfo fcinfo, int n, IceNamespacePath *out)
{
	require(fcinfo, n, "namespace");
	ice_namespace_path(PG_GETARG_ARRAYTYPE_P(n), out);
}

void
ice_arg_namespace_of_json(IceJson *array, IceNamespacePath *out)
{
	const char **levels = palloc(sizeof(char *) * Max(array->count, 1));

	for (int i = 0; i < array->count; i++)
		levels[i] = ice_json_to_string(array->items[i], "namespace");
	ice_namespace_path_from(levels, array->count, out);
}

void
ice_arg_warehouse(FunctionCallInfo fcinfo, int n, bool read_only, IceWarehouse *out)
{
	ice_warehouse_get(ice_arg_text(fcinfo, n, "warehouse"), read_only, out);
}

/* Checks the name of a table or view (what). */
static void
check_name(const char *what, const char *name)
{
	size_t bytes = strlen(name);

	if (bytes == 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "%s name must not be empty", what);
	if (bytes > (size_t) ice_guc_name_bytes_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "%s name is %zu bytes long, more than the limit of %d",
				  what, bytes, ice_guc_name_bytes_max);
}

void
ice_arg_check_table_name(const char *name)
{
	check_name("Table", name);
}

void
ice_arg_check_view_name(const char *name)
{
	check_name("View", name);
}

void
ice_arg_result_begin(StringInfo out, MemoryContext caller)
{
	MemoryContext old = MemoryContextSwitchTo(caller);

	initStringInfo(out);
	MemoryContextSwitchTo(old);
	appendStringInfoSpaces(out, VARHDRSZ);
}

Datum
ice_arg_result_end(StringInfo out)
{
	SET_VARSIZE(out->data, out->len);
	return PointerGetDatum(out->data);
}

Datum
ice_arg_result_text(MemoryContext caller, const char *text)
{
	StringInfoData out;

	ice_arg_result_begin(&out, caller);
	appendStringInfoString(&out, text);
	return ice_arg_result_end(&out);
}
