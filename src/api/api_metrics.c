/*
 * api_metrics.c
 *		SQL entry for the reports of clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/args.h"
#include "spec/metrics_report.h"
#include "store/store_metrics.h"

PG_FUNCTION_INFO_V1(sql_ice_report_metrics);
PG_FUNCTION_INFO_V1(sql_ice_trim_metrics_reports);

Datum
sql_ice_report_metrics(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	IceJson         *report;
	const char      *type;
	const char      *name;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	report = ice_arg_json(fcinfo, 3, "report");
	type = ice_metrics_report_check(report);
	name = ice_arg_text(fcinfo, 2, "table");
	ice_table_get(&warehouse.id, &path, name, false, &table);
	ice_table_require(ICE_SELECT, &table, &path, name);
	ice_metrics_insert(&table, type, ice_json_text(report));
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_trim_metrics_reports(PG_FUNCTION_ARGS)
{
	TimestampTz before = ice_arg_ago(fcinfo, 0, "p_older_than");
	int32       dropped;

	ice_caller_begin(fcinfo);
	dropped = ice_metrics_trim(before, true);
	ice_caller_end();
	PG_RETURN_INT32(dropped);
}
