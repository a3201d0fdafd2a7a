/*
 * warehouse_profile.c
 *		Gives warehouses their storage profiles.
 *
 * By a profile the server reads and writes with its secrets, for all who may make tables in the
 * warehouse. So who gives it must manage what it belongs to. One that is no tenant's is for all:
 * a tenant's tables are in the tenant's location whatever the profile.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/warehouse_profile.h"
#include "errors.h"
#include "storage/storage.h"

static bool
is_same(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) == 0;
}

/* May the caller give this profile to the warehouse? */
static void
check_owner(const IceWarehouse *warehouse, const IceProfileRow *row)
{
	static const pg_uuid_t nil = {{0}};
	IceTenant              tenant;
	bool                   owned = ice_tenant_of_warehouse(&warehouse->id, &tenant);

	if (!is_same(&row->tenant_id, &nil) && !(owned && is_same(&row->tenant_id, &tenant.id)))
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Storage profile %s belongs to another tenant than the warehouse", row->name);
	if (owned)
		ice_access_require_tenant(ICE_MANAGE, &tenant.id, tenant.name);
	else
		ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL,
						   NULL);
}

void
ice_warehouse_profile_set(const IceWarehouse *warehouse, const char *name)
{
	IceProfileRow row;

	if (*name == '\0')
	{
		ice_profile_give(&warehouse->id, NULL);
		return;
	}
	if (!ice_profile_find(name, false, &row))
		ice_raise(ICE_ERR_NO_SUCH_PROFILE, "Storage profile does not exist: %s", name);
	check_owner(warehouse, &row);
	ice_profile_give(&warehouse->id, &row.id);
}

void
ice_warehouse_profile_check(const IceWarehouse *warehouse)
{
	IceProfileRow row;

	if (warehouse->location == NULL || !ice_profile_of_warehouse(&warehouse->id, &row) ||
		ice_storage_is_below(ice_storage_spelling(warehouse->location), row.root))
		return;
	ice_raise(ICE_ERR_BAD_REQUEST,
			  "Warehouse location is not in the root of storage profile %s: %s", row.name,
			  warehouse->location);
}

const char *
ice_warehouse_profile_name(const IceWarehouse *warehouse)
{
	IceProfileRow row;

	return ice_profile_of_warehouse(&warehouse->id, &row) ? row.name : NULL;
}
