/*
 * maintenance.h
 *		Maintenance mode: a warehouse, or what a session does, changes nothing for a while.
 *
 * A warehouse is in it by a property, which is read with its row anyway. A change that has begun
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

/* Raises MAINTENANCE if nothing may be changed there now; FORBIDDEN in a commit policy, which may
 * never change anything. */
extern void ice_maintenance_require_off(const IceWarehouse *warehouse);

#endif
