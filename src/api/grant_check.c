/*
 * grant_check.c
 *		What is checked before a privilege is granted. See grant_check.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/syscache.h"

#include "api/grant_check.h"
#include "errors.h"
#include "store/store_tenant.h"

void
ice_grant_check_privilege(const char *name)
{
	if (ice_privilege_grants(name) == 0)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid privilege: %s (expected usage, create, select, write, drop or manage)",
				  name);
}

/* To a tenant's administrator, roles of others do not exist. */
static void
raise_no_role(void)
{
	ice_raise(ICE_ERR_BAD_REQUEST, "No such role; privileges are not granted to PUBLIC");
}

static bool
same(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a, b, UUID_LEN) == 0;
}

/* The tenant that an object is, or belongs to. */
static bool
tenant_of_object(const IceGrant *grant, pg_uuid_t *out)
{
	IceTenant tenant;

	*out = grant->object_id;
	if (strcmp(grant->object_kind, "tenant") == 0)
		return true;
	if (strcmp(grant->object_kind, "catalog") == 0 ||
		!ice_tenant_of_warehouse(&grant->warehouse_id, &tenant))
		return false;
	*out = tenant.id;
	return true;
}

void
ice_grant_check_role(const IceGrant *grant)
{
	IceTenancy role;
	IceTenancy caller;
	pg_uuid_t  object;
	bool       role_in;

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(grant->role)))
		raise_no_role();
	ice_tenants_hold();
	if (!ice_tenants_exist())
		return;
	role_in = ice_access_tenant_of(grant->role, &role);
	if (ice_access_tenant(&caller) && !(role_in && same(&role.id, &caller.id)))
		raise_no_role();
	if (!role_in)
		return;
	if (strcmp(grant->object_kind, "catalog") == 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "A role of a tenant gets no privilege on the whole catalog");
	if (tenant_of_object(grant, &object) && !same(&object, &role.id))
		ice_raise(ICE_ERR_BAD_REQUEST, "The role belongs to another tenant than the object");
}
