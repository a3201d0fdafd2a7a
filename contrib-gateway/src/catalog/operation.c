/*
 * operation.c
 *		The operations, as they are counted; see operation.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/operation.h"

#include "base/counters.h"

static int counted[GW_ROUTE_COUNT + 1]; /* that of no route is GW_OPERATION_UNKNOWN */

void
gw_operation_start(void)
{
	for (int i = 0; i < GW_ROUTE_COUNT; i++)
		counted[i] = gw_counters_add(gw_routes[i].operation);
}

int
gw_operation_counted(int operation)
{
	return counted[operation];
}
