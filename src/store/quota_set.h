/*
 * quota_set.h
 *		Quotas are set, and inherited from defaults.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_QUOTA_SET_H
#define ICE_QUOTA_SET_H

#include "store/quota.h"

/* What a quota is for: a warehouse, a tenant, or (both NULL) each of the kind. */
typedef struct IceQuotaObject
{
	const pg_uuid_t *warehouse_id;
	const pg_uuid_t *tenant_id;
	bool             of_tenants;
} IceQuotaObject;

/* Sets a limit, or removes it (most < 0), after waiting for what creates and drops. */
extern void ice_quota_set(IceQuotaObject object, IceQuotaResource resource, int64 most);
/* Gives a new warehouse, or a new tenant (then the warehouse is NULL), the defaults. */
extern void ice_quota_set_inherited(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id);

#endif
