/*
 * maintenance.h
 *		Maintenance mode: a warehouse, a tenant, or what a session does, changes nothing for a
 *		while.
 *
 * A warehouse is in it by a property, which is read with its row anyway; a tenant by its row, which
 * is read only where the session knows that one is. A change that has begun
 * goes on to its end; one that begins is refused, also of the owner, before it takes a lock.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_MAINTENANCE_H
#define ICE_MAINTENANCE_H

#include "store/store_warehouse.h"

/* Property of a warehouse: why. Any value, also an empty one, means that it is in maintenance
 * mode. */
#define ICE_MAINTENANCE_PROPERTY "icecat.maintenance"

#define ICE_MAINTENANCE_REASON_BYTES_MAX 1000

/* Raises MAINTENANCE if nothing may be changed there now; FORBIDDEN in a commit policy, which may
 * never change anything. */
extern void ice_maintenance_require_off(const IceWarehouse *warehouse);

/* Raises MAINTENANCE if no warehouse may be made in the tenant now. */
extern void ice_maintenance_require_off_tenant(const pg_uuid_t *tenant_id, const char *name);

#endif
