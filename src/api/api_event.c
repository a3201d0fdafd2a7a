/*
 * api_event.c
 *		SQL entries for events.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "api/event_rows.h"
#include "store/event_sight.h"
#include "store/store_event.h"


PG_FUNCTION_INFO_V1(sql_ice_read_events);
PG_FUNCTION_INFO_V1(sql_ice_sees_event);
PG_FUNCTION_INFO_V1(sql_ice_trim_events);

Datum
sql_ice_read_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	IceWarehouse   warehouse;
	int64          after = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	int64          hidden;
	int32          limit = PG_ARGISNULL(2) ? ICE_EVENT_LIMIT_MAX : PG_GETARG_INT32(2);

	if (after < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_after must not be negative");
	if (limit < 1 || limit > ICE_EVENT_LIMIT_MAX)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_limit must be from 1 to %d", ICE_EVENT_LIMIT_MAX);
	InitMaterializedSRF(fcinfo, 0);
	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_event_rows_number(&warehouse.id);
	(void) ice_event_rows_return(result, &warehouse.id, &after, limit, NULL, &hidden);
	ice_caller_end();
	return (Datum) 0;
}

/* For the view, and a role that does not see the whole warehouse. Of what was moved away it shows
 * nothing: a view cannot show a part of a row. */
Datum
sql_ice_sees_event(PG_FUNCTION_ARGS)
{
	IceEventSubject subject = {0};
	bool            sees;

	for (int n = 0; n < 4; n++)
		if (PG_ARGISNULL(n))
			PG_RETURN_NULL();
	subject.object_kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	subject.object_id = *PG_GETARG_UUID_P(2);
	subject.occurred_at = PG_GETARG_TIMESTAMPTZ(3);
	subject.levels = PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4);
	ice_caller_begin(fcinfo);
	sees = ice_event_sight(ice_event_sight_begin(PG_GETARG_UUID_P(0)), &subject) == ICE_EVENT_SEEN;
	ice_caller_end();
	PG_RETURN_BOOL(sees);
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
