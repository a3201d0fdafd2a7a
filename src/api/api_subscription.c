/*
 * api_subscription.c
 *		SQL entries of subscriptions: consumers of events whose place is kept in the database.
 *
 * All is part of the caller's transaction: what a consumer makes of the events, and how far it has
 * come, are committed together or not at all.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "api/event_rows.h"
#include "errors.h"
#include "guc.h"
#include "store/case_mode.h"
#include "store/store_event.h"
#include "store/store_subscription.h"

PG_FUNCTION_INFO_V1(sql_ice_create_subscription);
PG_FUNCTION_INFO_V1(sql_ice_drop_subscription);
PG_FUNCTION_INFO_V1(sql_ice_next_events);
PG_FUNCTION_INFO_V1(sql_ice_ack);

static const char *
name_arg(FunctionCallInfo fcinfo)
{
	const char *name = ice_arg_text(fcinfo, 1, "name");

	if (*name == '\0' || strlen(name) > (size_t) ice_guc_name_bytes_max)
		ice_raise(ICE_ERR_BAD_REQUEST, "The name of a subscription has 1 to %d bytes",
				  ice_guc_name_bytes_max);
	return name;
}

/* A list of texts; NULL for NULL. */
static ArrayType *
list_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	ArrayType *list = PG_ARGISNULL(n) ? NULL : PG_GETARG_ARRAYTYPE_P(n);

	if (list != NULL && (ARR_NDIM(list) != 1 || array_contains_nulls(list)))
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "%s must be an array of one dimension, not empty and without nulls", name);
	return list;
}

static void
get_locked(const pg_uuid_t *warehouse_id, const char *name, IceSubscription *out)
{
	if (!ice_subscription_lock(warehouse_id, name, out))
		ice_raise(ICE_ERR_NO_SUCH_SUBSCRIPTION, "Subscription does not exist: %s", name);
}

Datum
sql_ice_create_subscription(PG_FUNCTION_ARGS)
{
	IceSubscription  subscription = {0};
	IceNamespacePath path;
	IceWarehouse     warehouse;
	const char      *name;
	int64            oldest;
	int64            last;

	ice_caller_begin(fcinfo);
	name = name_arg(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (!PG_ARGISNULL(2))
	{
		ice_arg_namespace(fcinfo, 2, &path);
		subscription.levels = DatumGetArrayTypeP(path.array);
	}
	subscription.kinds = list_arg(fcinfo, 3, "p_object_kinds");
	subscription.types = list_arg(fcinfo, 4, "p_event_types");
	subscription.object_id = PG_ARGISNULL(5) ? NULL : PG_GETARG_UUID_P(5);
	subscription.role = ice_caller().role;
	ice_event_rows_number(&warehouse.id);
	ice_events_range(&warehouse.id, &oldest, &last);
	subscription.acked = PG_ARGISNULL(6) ? last : PG_GETARG_INT64(6);
	if (subscription.acked < 0 || subscription.acked > last)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_after must be from 0 to the last number, " INT64_FORMAT,
				  last);
	ice_events_require(&warehouse.id, subscription.acked);
	if (!ice_subscription_insert(&warehouse.id, name, &subscription))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Subscription already exists: %s", name);
	ice_caller_end();
	PG_RETURN_INT64(subscription.acked);
}

Datum
sql_ice_drop_subscription(PG_FUNCTION_ARGS)
{
	IceSubscription subscription;
	IceWarehouse    warehouse;
	const char     *name;

	ice_caller_begin(fcinfo);
	name = name_arg(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	get_locked(&warehouse.id, name, &subscription);
	ice_subscription_delete(&warehouse.id, name);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* Where nothing of what was looked at is wanted, it passes over that: the next call need not look
 * at it again. What others do not see is passed over for the owner alone: the owner may see it. */
Datum
sql_ice_next_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo  *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int32           limit = PG_ARGISNULL(2) ? ICE_EVENT_LIMIT_MAX : PG_GETARG_INT32(2);
	IceSubscription subscription;
	IceEventFilter  filter;
	IceWarehouse    warehouse;
	const char     *name;
	int64           looked_to;
	int64           hidden;
	int64           returned;

	if (limit < 1 || limit > ICE_EVENT_LIMIT_MAX)
		ice_raise(ICE_ERR_BAD_REQUEST, "p_limit must be from 1 to %d", ICE_EVENT_LIMIT_MAX);
	InitMaterializedSRF(fcinfo, 0);
	ice_caller_begin(fcinfo);
	name = name_arg(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_event_rows_number(&warehouse.id);
	get_locked(&warehouse.id, name, &subscription);
	ice_events_require(&warehouse.id, subscription.acked);
	filter = (IceEventFilter){subscription.levels, subscription.kinds, subscription.types,
							  subscription.object_id, ice_case_mode_folds_of(&warehouse.id)};
	looked_to = subscription.acked;
	returned = ice_event_rows_return(result, &warehouse.id, &looked_to, limit, &filter, &hidden);
	if (hidden > 0 && ice_caller().role != subscription.role)
		looked_to = hidden - 1;
	if (returned == 0 && looked_to > subscription.acked)
		ice_subscription_move(&warehouse.id, name, looked_to, false);
	ice_caller_end();
	return (Datum) 0;
}

Datum
sql_ice_ack(PG_FUNCTION_ARGS)
{
	IceSubscription subscription;
	IceWarehouse    warehouse;
	const char     *name;
	int64           number;
	int64           oldest;
	int64           last;

	if (PG_ARGISNULL(2))
		ice_raise(ICE_ERR_BAD_REQUEST, "p_number must not be null");
	number = PG_GETARG_INT64(2);
	ice_caller_begin(fcinfo);
	name = name_arg(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	get_locked(&warehouse.id, name, &subscription);
	ice_events_range(&warehouse.id, &oldest, &last);
	if (number > last)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "p_number must not be greater than the last number, " INT64_FORMAT, last);
	if (number > subscription.acked)
		ice_subscription_move(&warehouse.id, name, number, true);
	ice_caller_end();
	PG_RETURN_BOOL(number > subscription.acked);
}
