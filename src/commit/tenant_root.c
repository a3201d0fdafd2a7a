/*
 * tenant_root.c
 *		Where on storage the tables, views and files of a warehouse may lie. See tenant_root.h.
 *
 * A location is taken by its letters, and with all links resolved: both must be in the right place.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/tenant_root.h"
#include "errors.h"
#include "storage/storage.h"
#include "store/store_hold.h"

/* Does a location step upwards? Stores without folders take ".." for a name. */
static bool
has_steps(const char *location)
{
	for (const char *p = strstr(location, ".."); p != NULL; p = strstr(p + 2, ".."))
		if ((p == location || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
			return true;
	return false;
}

/* Is a path below the tenant's location, in one of its spellings? */
static bool
is_in(const char *path, const IceTenant *tenant)
{
	ListCell *cell;

	foreach (cell, ice_storage_spellings(tenant->location))
		if (ice_storage_is_below(path, lfirst(cell)))
			return true;
	return false;
}

void
ice_tenant_root_check_tenant(const IceTenant *tenant, const char *location)
{
	bool      allowed;
	ListCell *cell;

	if (location == NULL || !ice_tenants_exist())
		return;
	allowed = !has_steps(location);
	foreach (cell, ice_storage_spellings(location))
	{
		if (tenant != NULL)
			allowed = allowed && is_in(lfirst(cell), tenant);
		else
			allowed = allowed && !ice_tenant_has_one_of(ice_hold_line(lfirst(cell)));
	}
	if (allowed)
		return;
	if (tenant != NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is not below that of the tenant: %s",
				  location);
	ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is not allowed: %s", location);
}

void
ice_tenant_root_check(const pg_uuid_t *warehouse_id, const char *location)
{
	IceTenant tenant;

	if (location == NULL || !ice_tenants_exist())
		return;
	ice_tenant_root_check_tenant(ice_tenant_of_warehouse(warehouse_id, &tenant) ? &tenant : NULL,
								 location);
}

void
ice_tenant_root_check_table(const pg_uuid_t *warehouse_id, const IceTableMetadata *metadata)
{
	if (!ice_tenants_exist())
		return;
	ice_tenant_root_check(warehouse_id, metadata->location);
	ice_tenant_root_check(warehouse_id, ice_table_property(metadata, "write.metadata.path"));
}

void
ice_tenant_root_check_view(const pg_uuid_t *warehouse_id, const IceViewMetadata *metadata)
{
	if (!ice_tenants_exist())
		return;
	ice_tenant_root_check(warehouse_id, metadata->location);
	ice_tenant_root_check(warehouse_id, ice_view_property(metadata, "write.metadata.path"));
}
