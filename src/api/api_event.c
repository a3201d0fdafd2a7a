/*
 * api_event.c
 *		SQL entries for events.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "maint/sequence.h"
#include "store/store_event.h"

#define READ_LIMIT_MAX 100000
#define EVENT_COLUMNS  12

PG_FUNCTION_INFO_V1(sql_ice_read_events);
PG_FUNCTION_INFO_V1(sql_ice_trim_events);

/* May this transaction give numbers? An old snapshot must not: it would miss what it orders. */
static bool
may_sequence(void)
{
	return !XactReadOnly && !RecoveryInProgress() && !IsolationUsesXactSnapshot();
}

/* Copies the rows of the last result into the function's result. */
static void
return_rows(ReturnSetInfo *result, uint64 rows)
{
	for (uint64 i = 0; i < rows; i++)
	{
		Datum values[EVENT_COLUMNS];
		bool  nulls[EVENT_COLUMNS];

		for (int column = 0; column < EVENT_COLUMNS; column++)
			values[column] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column + 1,
										   &nulls[column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
sql_ice_read_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	IceWarehouse   warehouse;
	int64          after = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	int32          limit = PG_ARGISNULL(2) ? READ_LIMIT_MAX : PG_GETARG_INT32(2);

	if (after < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_after must not be negative");
	if (limit < 1 || limit > READ_LIMIT_MAX)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_limit must be from 1 to %d", READ_LIMIT_MAX);
	InitMaterializedSRF(fcinfo, 0);
	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_warehouse_require(ICE_SELECT, &warehouse);
	if (may_sequence())
		ice_sequence_wait(&warehouse.id);
	return_rows(result, ice_events_read(&warehouse.id, after, limit));
	ice_caller_end();
	return (Datum) 0;
}

Datum
sql_ice_trim_events(PG_FUNCTION_ARGS)
{
	TimestampTz before = ice_arg_ago(fcinfo, 0, "p_older_than");
	int32       dropped;

	ice_caller_begin(fcinfo);
	dropped = ice_events_trim(before);
	ice_caller_end();
	PG_RETURN_INT32(dropped);
}
