/*
 * operation.h
 *		What a request asks of the catalog: the number of a route, or none.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_OPERATION_H
#define GW_OPERATION_H

#include "catalog/router.h"

enum
{
	GW_OPERATION_NONE = GW_ROUTE_COUNT /* no route, or no request that could be understood */
};

/* Before the first request: makes the operations known to the counters. */
extern void gw_operation_start(void);

/* The number under which the counters know it. */
extern int gw_operation_counted(int operation);

#endif
