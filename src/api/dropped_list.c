/*
 * dropped_list.c
 *		The lists of what can be undropped. See dropped_list.h.
 *
 * Pages are in the order of ids, for names repeat. What the caller may not drop is left out of its
 * page, which is shorter then.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"

#include "api/args.h"
#include "api/dropped_list.h"
#include "errors.h"
#include "store/access.h"
#include "store/store_dropped.h"
#include "store/uuid.h"

#define PAGE_MAX 1000

bool
ice_dropped_list_wanted(FunctionCallInfo fcinfo)
{
	return ice_arg_flag(fcinfo, 4);
}

/* Argument 3; what is above the limit is the limit. */
static int
size_arg(FunctionCallInfo fcinfo)
{
	int32 size = PG_ARGISNULL(3) ? PAGE_MAX : PG_GETARG_INT32(3);

	if (size < 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid page size: %d", size);
	return Min(size, PAGE_MAX);
}

/* Writes a page. There may be one row more, which only says that there is another page. */
static void
write_page(StringInfo out, const pg_uuid_t *warehouse_id, const List *rows, int size)
{
	const char     *separator = "";
	const char     *next = NULL;
	const ListCell *cell;

	appendStringInfoString(out, "{\"identifiers\":[");
	foreach (cell, rows)
	{
		const IceDroppedRow *row = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (foreach_current_index(cell) == size)
			break;
		next = list_length(rows) > size ? ice_uuid_text(&row->id) : NULL;
		if (!ice_access_may_by_id(ICE_DROP, warehouse_id, &row->id))
			continue;
		appendStringInfo(out, "%s%s", separator, row->json);
		separator = ",";
	}
	appendStringInfo(
		out, next != NULL ? "],\"next-page-token\":\"%s\"}" : "],\"next-page-token\":null}", next);
}

Datum
ice_dropped_list(FunctionCallInfo fcinfo, IceRelationKind kind)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;
	pg_uuid_t        after = {{0}};
	StringInfoData   out;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse.id, &path, ICE_LOCK_NONE, true, &space);
	if (!PG_ARGISNULL(2))
		after = *DatumGetUUIDP(
			DirectFunctionCall1(uuid_in, CStringGetDatum(ice_arg_text(fcinfo, 2, "page_token"))));
	ice_arg_result_begin(&out, caller);
	write_page(
		&out, &warehouse.id,
		ice_dropped_rows(&warehouse.id, &space.id, path.array, kind, &after, size_arg(fcinfo) + 1),
		size_arg(fcinfo));
	ice_caller_end();
	return ice_arg_result_end(&out);
}
