/*
 * api_undrop.c
 *		SQL entries for what was dropped and is kept for a while.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/args.h"
#include "api/once.h"
#include "commit/undrop.h"
#include "errors.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/maintenance.h"
#include "store/store_dropped.h"
#include "store/store_queue.h"

PG_FUNCTION_INFO_V1(sql_ice_undrop_table);
PG_FUNCTION_INFO_V1(sql_ice_undrop_view);
PG_FUNCTION_INFO_V1(sql_ice_expire_dropped);

static void
undrop_once(FunctionCallInfo fcinfo, const IceWarehouse *warehouse, IceRelationKind kind)
{
	IceNamespacePath path;
	IceUndrop        change = {.path = &path, .kind = kind};

	ice_arg_namespace(fcinfo, 1, &path);
	change.name = ice_arg_text(fcinfo, 2, "name");
	change.uuid = ice_arg_opt_text(fcinfo, 3);
	change.new_name = ice_arg_opt_text(fcinfo, 4);
	ice_undrop(warehouse, &change);
}

static Datum
undrop(FunctionCallInfo fcinfo, IceRelationKind kind, const char *operation)
{
	IceWarehouse warehouse;
	IceOnce      once;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, operation, &warehouse))
		undrop_once(fcinfo, &warehouse, kind);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_undrop_table(PG_FUNCTION_ARGS)
{
	return undrop(fcinfo, ICE_RELATION_TABLE, "undropTable");
}

Datum
sql_ice_undrop_view(PG_FUNCTION_ARGS)
{
	return undrop(fcinfo, ICE_RELATION_VIEW, "undropView");
}

Datum
sql_ice_expire_dropped(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	const char  *uuid;
	int64        count;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	uuid = ice_arg_opt_text(fcinfo, 1);
	ice_warehouse_require(ICE_MANAGE, &warehouse);
	ice_maintenance_require_off(&warehouse);
	count = ice_dropped_hurry(&warehouse.id, uuid);
	if (count > 0)
	{
		ice_audit_insert(&(IceAuditRow){
			.object_kind = "warehouse",
			.warehouse_id = &warehouse.id,
			.object_id = &warehouse.id,
			.warehouse = warehouse.name,
			.name = warehouse.name,
			.details = psprintf("{\"before\":" INT64_FORMAT ",\"after\":0}", count)});
		ice_queue_signal();
	}
	ice_caller_end();
	PG_RETURN_INT64(count);
}
