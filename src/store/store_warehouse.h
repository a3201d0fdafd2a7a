/*
 * store_warehouse.h
 *		Rows of icecat_data.warehouse.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_WAREHOUSE_H
#define ICE_STORE_WAREHOUSE_H

#include "nodes/pg_list.h"

#include "store/spi.h"
#include "store/privilege.h"

/* Locks are taken in one order: warehouse, namespace, tables by ascending id. */
typedef enum IceRowLock
{
	ICE_LOCK_NONE,
	ICE_LOCK_KEY_SHARE,     /* something is being created in it */
	ICE_LOCK_NO_KEY_UPDATE, /* it is being changed; creations in it go on */
	ICE_LOCK_UPDATE         /* it is being renamed or dropped */
} IceRowLock;

typedef struct IceWarehouse
{
	pg_uuid_t   id;
	const char *name;
	const char *location;   /* NULL: none */
	const char *properties; /* JSON object */
} IceWarehouse;

/* Finds a warehouse by name, as the caller says it (store_tenant.h); out has the whole name. False
 * if absent, or if the caller sees nothing of it. A lock waits and then sees the newest row. */
extern bool ice_warehouse_find(const char *name, IceRowLock lock, bool read_only,
							   IceWarehouse *out);
/* Finds a warehouse by name. Raises NO_SUCH_WAREHOUSE. */
extern void ice_warehouse_get(const char *name, bool read_only, IceWarehouse *out);
/* The same under a row lock. */
extern void ice_warehouse_get_locked(const char *name, IceRowLock lock, IceWarehouse *out);
/* Raises FORBIDDEN unless the caller may do this with the warehouse. */
extern void ice_warehouse_require(uint32 wanted, const IceWarehouse *warehouse);
/* The first warehouse, by name, whose location is this one; false if there is none. */
extern bool ice_warehouse_find_by_location(const char *location, IceWarehouse *out);
/* How many warehouses the caller sees: 0, 1, or 2 for more. out is the first by name. */
extern int  ice_warehouse_first(IceWarehouse *out);

/* Adds a warehouse of a tenant (NULL: of none), by its whole name, and gives it its id; false if
 * the name is taken (after waiting for the transaction that is taking it). */
extern bool         ice_warehouse_insert(IceWarehouse *warehouse, const pg_uuid_t *tenant_id);
/* Writes name, location and properties of a warehouse that is locked. Raises ALREADY_EXISTS for a
 * name that another transaction has taken since. */
extern void         ice_warehouse_update(const IceWarehouse *warehouse);
/* Namespaces in a warehouse. */
extern int64        ice_warehouse_count_namespaces(const pg_uuid_t *warehouse_id);
/* Files of its dropped tables that the worker has still to write or delete. */
extern int64        ice_warehouse_count_tasks(const pg_uuid_t *warehouse_id);
/* What signs the page tokens of its lists. Raises CORRUPT if the row is gone. */
extern const uint8 *ice_warehouse_page_secret(const pg_uuid_t *warehouse_id, size_t *len);
/* Where a live table lies, and its properties (JSON object, NULL: none), which may say more about
 * that. */
typedef struct IceTableLocation
{
	const char *location;
	const char *properties;
} IceTableLocation;

/* Of every live table of a warehouse: a List of IceTableLocation *. */
extern List *ice_warehouse_table_locations(const pg_uuid_t *warehouse_id);
/* Deletes a warehouse that is locked and has neither, with every row that belongs to it. */
extern void  ice_warehouse_delete(const pg_uuid_t *warehouse_id);

#endif
