/*
 * warehouse_profile.h
 *		Gives warehouses their storage profiles.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_WAREHOUSE_PROFILE_H
#define ICE_WAREHOUSE_PROFILE_H

#include "store/store_profile.h"
#include "store/store_warehouse.h"

/* Gives a warehouse, which is locked or new, the profile of a name; the empty name takes it away.
 * Raises NO_SUCH_PROFILE, FORBIDDEN, and BAD_REQUEST for the profile of another tenant. */
extern void        ice_warehouse_profile_set(const IceWarehouse *warehouse, const char *name);
/* Raises BAD_REQUEST unless the warehouse's location lies in the root of its profile. */
extern void        ice_warehouse_profile_check(const IceWarehouse *warehouse);
/* The name of its profile, as the caller says it; NULL: none. */
extern const char *ice_warehouse_profile_name(const IceWarehouse *warehouse);

#endif
