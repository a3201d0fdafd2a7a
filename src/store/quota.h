/*
 * quota.h
 *		Quotas: how much may be in a warehouse, and in all warehouses of a tenant
 *		(icecat_data.quota).
 *
 * A creation takes from the rows of its warehouse and tenant in its own transaction, a drop gives
 * back in its own: creations of one warehouse that has a quota go one after the other, from the
 * moment when they have claimed their name. Where there is no row, nothing is read: a session keeps
 * which warehouses have none, until a quota is set. That is sure, because the setting waits for all
 * creations and drops that are under way, and these ask after they have locked their table.
 *
 * Locks: rows of quotas come last; that of the warehouse before that of the tenant.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_QUOTA_H
#define ICE_QUOTA_H

#include "store/spi.h"

/* The first ones count what there is; the others are limits on each object alone. */
typedef enum IceQuotaResource
{
	ICE_QUOTA_WAREHOUSES,
	ICE_QUOTA_NAMESPACES,
	ICE_QUOTA_TABLES,
	ICE_QUOTA_VIEWS,
	ICE_QUOTA_NAMESPACE_DEPTH,
	ICE_QUOTA_PROPERTIES,
	ICE_QUOTA_PROPERTY_BYTES,
	ICE_QUOTA_REQUESTS,           /* per second, of a tenant: held by gateways */
	ICE_QUOTA_ROLE_REQUESTS,      /* of each of its roles */
	ICE_QUOTA_PRINCIPAL_REQUESTS, /* of each principal that works as one of them */
	ICE_QUOTA_RESOURCES
} IceQuotaResource;

#define ICE_QUOTA_COUNTED   ICE_QUOTA_NAMESPACE_DEPTH
#define ICE_QUOTA_RATES     ICE_QUOTA_REQUESTS /* these, and all that follow */
#define ICE_QUOTA_PER_S_MAX 1000000

/* Takes one, or gives one back. Taking raises QUOTA_EXCEEDED. */
extern void ice_quota_take(const pg_uuid_t *warehouse_id, IceQuotaResource resource);
extern void ice_quota_give_back(const pg_uuid_t *warehouse_id, IceQuotaResource resource);
/* The same of the warehouses of a tenant. */
extern void ice_quota_take_warehouse(const pg_uuid_t *tenant_id);
extern void ice_quota_give_back_warehouse(const pg_uuid_t *tenant_id);

/* Raises QUOTA_EXCEEDED where an object has more than its warehouse or tenant allows to each. */
extern void ice_quota_check(const pg_uuid_t *warehouse_id, IceQuotaResource resource, int64 has);
/* The same of the properties of one object, which are the JSON of an object. */
extern void ice_quota_check_properties(const pg_uuid_t *warehouse_id, const char *json);
/* Is there such a limit? */
extern bool ice_quota_limits_properties(const pg_uuid_t *warehouse_id);

/* ICE_QUOTA_RESOURCES: there is none of that name. */
extern IceQuotaResource ice_quota_resource(const char *name);
extern const char      *ice_quota_name(IceQuotaResource resource);

/* The limit of a tenant; -1: none. */
extern int64 ice_quota_of_tenant(const pg_uuid_t *tenant_id, IceQuotaResource resource);

/* Waits for a setting of the quota of one resource of a warehouse, and keeps others out until the
 * end of the transaction; or (alone) for all who create and drop, too. */
extern void ice_quota_lock(const pg_uuid_t *warehouse_id, IceQuotaResource resource, bool alone);
/* Locks the table, until the end of the transaction: who sets a default has it alone. */
extern void ice_quota_lock_all(bool alone);

/* Are there any rows? Kept for the session, until that changes. */
extern bool ice_quota_any(void);
/* Rows were added or removed: every session asks again when this transaction commits. */
extern void ice_quota_changed(void);

#endif
