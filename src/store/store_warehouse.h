/*
 * store_warehouse.h
 *		Rows of icecat_data.warehouse.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_WAREHOUSE_H
#define ICE_STORE_WAREHOUSE_H

#include "store/plan_cache.h"

typedef struct IceWarehouse
{
	pg_uuid_t   id;
	const char *name;
	const char *location;   /* NULL: none */
	const char *properties; /* JSON object */
} IceWarehouse;

/* Finds a warehouse by name. Raises NO_SUCH_WAREHOUSE. */
extern void ice_warehouse_get(const char *name, bool read_only, IceWarehouse *out);

#endif
