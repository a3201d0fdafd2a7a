/*
 * api_tenant.c
 *		SQL entries of tenants: made, changed, dropped; their roles; privileges on them.
 *
 * Who may manage the whole catalog makes tenants and gives them roles. What is in a tenant is
 * managed by roles that were granted manage on it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "api/args.h"
#include "api/grant_check.h"
#include "errors.h"
#include "storage/storage.h"
#include "store/audit_change.h"
#include "store/maintenance.h"
#include "store/quota_set.h"
#include "store/store_hold.h"
#include "store/store_profile.h"
#include "store/store_tenant.h"

PG_FUNCTION_INFO_V1(sql_ice_create_tenant);
PG_FUNCTION_INFO_V1(sql_ice_alter_tenant);
PG_FUNCTION_INFO_V1(sql_ice_drop_tenant);
PG_FUNCTION_INFO_V1(sql_ice_set_tenant_maintenance);
PG_FUNCTION_INFO_V1(sql_ice_assign_role);
PG_FUNCTION_INFO_V1(sql_ice_unassign_role);
PG_FUNCTION_INFO_V1(sql_ice_grant_tenant);
PG_FUNCTION_INFO_V1(sql_ice_revoke_tenant);
PG_FUNCTION_INFO_V1(sql_ice_own_roles);
PG_FUNCTION_INFO_V1(sql_ice_own_tenant);

/* -- tenants ----------------------------------------------------------------------------------- */

static void
require_manage(void)
{
	ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL, NULL);
}

/* In lower case, so that it is the same in paths and host names. */
static const char *
check_name(const char *name)
{
	static const char *const characters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t                   len = strlen(name);

	if (len == 0 || len > ICE_TENANT_NAME_BYTES_MAX || strspn(name, characters) != len ||
		*name == '-' || *name == '_')
		ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("Invalid name of a tenant: %s", name),
					   "Expected 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit.", NULL);
	return name;
}

/* The canonical location. Raises FORBIDDEN_LOCATION for one that overlaps another tenant's, and for
 * one in which others have something already; and BAD_REQUEST for a way by links, by which two
 * locations may be one place. tenant: NULL before there is one. */
static const char *
check_location(const char *location, const pg_uuid_t *tenant)
{
	static const pg_uuid_t nobody;
	const char            *path = ice_storage_spelling(location);
	const char            *rest = strstr(path, "://");
	List                  *spellings = ice_storage_spellings(location);
	ListCell              *cell;

	if (rest == NULL || strspn(rest + 3, "/") == strlen(rest + 3))
		ice_raise(ICE_ERR_BAD_REQUEST, "Location of a tenant must be a URI below a root: %s",
				  location);
	if (list_length(spellings) > 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "Location of a tenant must not lead through links: %s",
				  location);
	if (tenant == NULL)
		tenant = &nobody;
	foreach (cell, ice_tenant_locations(tenant))
		if (ice_storage_is_below(path, lfirst(cell)) || ice_storage_is_below(lfirst(cell), path))
			ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location overlaps that of another tenant: %s",
					  location);
	if (ice_holds_of_others_below(tenant, path))
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "There are tables or views in the location: %s",
				  location);
	return path;
}

static void
raise_no_tenant(const char *name)
{
	ice_raise(ICE_ERR_NO_SUCH_TENANT, "Tenant does not exist: %s", name);
}

/* The tenant of argument n. */
static void
get_tenant(FunctionCallInfo fcinfo, int n, bool for_update, IceTenant *out)
{
	const char *name = ice_arg_text(fcinfo, n, "tenant");

	if (!ice_tenant_find(name, for_update, out))
		raise_no_tenant(name);
}

Datum
sql_ice_create_tenant(PG_FUNCTION_ARGS)
{
	IceTenant tenant;

	(void) ice_caller_begin(fcinfo);
	require_manage();
	tenant.name = check_name(ice_arg_text(fcinfo, 0, "name"));
	ice_tenants_lock();
	tenant.location = check_location(ice_arg_text(fcinfo, 1, "location"), NULL);
	if (ice_tenant_name_begins_others(tenant.name))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "There are warehouses whose names begin with %s/",
				  tenant.name);
	if (!ice_tenant_insert(&tenant))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Tenant already exists: %s", tenant.name);
	ice_quota_set_inherited(NULL, &tenant.id);
	ice_audit_change_made(ICE_AUDIT_TENANT, &(IceAuditState){.object_id = tenant.id});
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_alter_tenant(PG_FUNCTION_ARGS)
{
	const char *new_name;
	const char *location;
	const char *before;
	IceTenant   tenant;
	IceTenant   other;

	(void) ice_caller_begin(fcinfo);
	require_manage();
	new_name = ice_arg_opt_text(fcinfo, 1);
	location = ice_arg_opt_text(fcinfo, 2);
	ice_tenants_lock();
	get_tenant(fcinfo, 0, true, &tenant);
	ice_audit_change_begin(ICE_AUDIT_TENANT, &(IceAuditState){.object_id = tenant.id});
	before = tenant.name;
	if (new_name != NULL && strcmp(check_name(new_name), before) != 0)
	{
		if (ice_tenant_find(new_name, false, &other) || ice_tenant_name_begins_others(new_name))
			ice_raise(ICE_ERR_ALREADY_EXISTS, "Tenant, or warehouses of the name, exist: %s",
					  new_name);
		tenant.name = new_name;
	}
	if (location != NULL)
		tenant.location = check_location(location, &tenant.id);
	ice_tenant_update(&tenant, before);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_drop_tenant(PG_FUNCTION_ARGS)
{
	IceTenant tenant;
	int64     count;

	(void) ice_caller_begin(fcinfo);
	require_manage();
	ice_tenants_lock();
	get_tenant(fcinfo, 0, true, &tenant);
	count = ice_tenant_count_warehouses(&tenant.id);
	if (count > 0)
		ice_raise(ICE_ERR_TENANT_NOT_EMPTY,
				  "Tenant %s is not empty. Contains " INT64_FORMAT " warehouse(s).", tenant.name,
				  count);
	count = ice_profile_count_of_tenant(&tenant.id);
	if (count > 0)
		ice_raise(ICE_ERR_TENANT_NOT_EMPTY,
				  "Tenant %s is not empty. Contains " INT64_FORMAT " storage profile(s).",
				  tenant.name, count);
	ice_audit_change_begin(ICE_AUDIT_TENANT, &(IceAuditState){.object_id = tenant.id});
	ice_tenant_delete(&tenant.id);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* -- roles ------------------------------------------------------------------------------------- */

/* The role of argument n. */
static Oid
get_role(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: role must not be null");
	return PG_GETARG_OID(n);
}

/* Raises BAD_REQUEST for a role that cannot be one tenant's: what it has elsewhere would be a way
 * out. (The current user is the extension's owner here.) */
static void
check_assignable(const IceTenant *tenant, Oid role)
{
	const char *name;

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ice_raise(ICE_ERR_BAD_REQUEST, "No such role");
	name = GetUserNameFromId(role, false);
	if (superuser_arg(role) || has_privs_of_role(role, GetUserId()))
		ice_raise(ICE_ERR_BAD_REQUEST, "Role %s has the rights of the extension's owner", name);
	if (ice_tenant_is_elsewhere(&tenant->id, role))
		ice_raise_full(ICE_ERR_BAD_REQUEST,
					   psprintf("Role %s has privileges outside of the tenant", name),
					   "They are on the whole catalog, or belong to another tenant.",
					   "Look at icecat.privileges, and revoke them first.");
}

Datum
sql_ice_assign_role(PG_FUNCTION_ARGS)
{
	IceTenant tenant;
	Oid       role;
	pg_uuid_t other;
	bool      changed;

	(void) ice_caller_begin(fcinfo);
	require_manage();
	ice_tenants_lock();
	get_tenant(fcinfo, 0, false, &tenant);
	role = get_role(fcinfo, 1);
	check_assignable(&tenant, role);
	ice_audit_change_begin(ICE_AUDIT_TENANT_ROLE,
						   &(IceAuditState){.object_id = tenant.id, .role = role});
	changed = ice_tenant_assign(&tenant.id, role, &other);
	if (!changed && memcmp(&other, &tenant.id, UUID_LEN) != 0)
		ice_raise_full(
			ICE_ERR_BAD_REQUEST,
			psprintf("Role %s belongs to another tenant", GetUserNameFromId(role, false)), NULL,
			"Call icecat.unassign_role() first.");
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}

Datum
sql_ice_unassign_role(PG_FUNCTION_ARGS)
{
	IceTenant tenant;
	Oid       role;
	bool      changed;

	(void) ice_caller_begin(fcinfo);
	require_manage();
	ice_tenants_lock();
	get_tenant(fcinfo, 0, false, &tenant);
	role = get_role(fcinfo, 1);
	ice_audit_change_begin(ICE_AUDIT_TENANT_ROLE,
						   &(IceAuditState){.object_id = tenant.id, .role = role});
	changed = ice_tenant_unassign(&tenant.id, role);
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}

/* -- privileges -------------------------------------------------------------------------------- */

/* The tenant of argument n; NULL: the caller's own. */
static void
get_own_or_named(FunctionCallInfo fcinfo, int n, IceTenant *out)
{
	IceTenancy  own;
	const char *name = ice_arg_opt_text(fcinfo, n);

	if (name == NULL && ice_access_tenant(&own))
		name = pstrdup(NameStr(own.name));
	if (name == NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: tenant must not be null");
	if (!ice_tenant_find(name, false, out))
		raise_no_tenant(name);
}

/* The tenant of argument n, which the caller manages. One that it does not see does not exist for
 * it. */
static void
get_managed(FunctionCallInfo fcinfo, int n, IceTenant *out)
{
	IceTenancy own;

	get_own_or_named(fcinfo, n, out);
	if (!ice_access_tenant(&own) && !ice_access_may_tenant(ICE_USAGE, &out->id))
		raise_no_tenant(out->name);
	ice_access_require_tenant(ICE_MANAGE, &out->id, out->name);
}

/* Nobody waits: creations in the tenant do not exclude the update of its row. */
Datum
sql_ice_set_tenant_maintenance(PG_FUNCTION_ARGS)
{
	IceTenant   tenant;
	bool        on;
	const char *reason;

	(void) ice_caller_begin(fcinfo);
	on = ice_arg_bool(fcinfo, 1, "on");
	reason = ice_arg_opt_text(fcinfo, 2);
	if (reason != NULL && strlen(reason) > ICE_MAINTENANCE_REASON_BYTES_MAX)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "The reason is %zu bytes long, more than the limit of %d",
				  strlen(reason), ICE_MAINTENANCE_REASON_BYTES_MAX);
	get_managed(fcinfo, 0, &tenant);
	if (!on)
		reason = NULL;
	else if (reason == NULL)
		reason = "";
	ice_audit_change_begin(ICE_AUDIT_TENANT, &(IceAuditState){.object_id = tenant.id});
	ice_tenant_set_maintenance(&tenant.id, reason);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* Grants, or revokes. */
static Datum
run_change(FunctionCallInfo fcinfo, bool gives)
{
	IceTenant tenant;
	IceGrant  grant = {.object_kind = "tenant"};
	bool      changed;

	(void) ice_caller_begin(fcinfo);
	grant.role = get_role(fcinfo, 0);
	grant.privilege = ice_arg_text(fcinfo, 1, "privilege");
	ice_grant_check_privilege(grant.privilege);
	get_managed(fcinfo, 2, &tenant);
	grant.object_id = tenant.id;
	if (gives)
		ice_grant_check_role(&grant);
	ice_audit_change_begin(
		ICE_AUDIT_GRANT,
		&(IceAuditState){.object_id = tenant.id, .role = grant.role, .text = grant.privilege});
	changed = gives ? ice_store_access_insert_grant(&grant) : ice_store_access_delete_grant(&grant);
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}

Datum
sql_ice_grant_tenant(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, true);
}

Datum
sql_ice_revoke_tenant(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, false);
}

/* -- for views --------------------------------------------------------------------------------- */

Datum
sql_ice_own_roles(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	Datum         roles = ice_access_roles();
	MemoryContext old = MemoryContextSwitchTo(caller);

	roles = PointerGetDatum(DatumGetArrayTypePCopy(roles));
	MemoryContextSwitchTo(old);
	ice_caller_end();
	return roles;
}

Datum
sql_ice_own_tenant(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	IceTenancy    own;
	bool          is_in = ice_access_tenant(&own);
	pg_uuid_t    *id = MemoryContextAlloc(caller, sizeof(pg_uuid_t));

	*id = own.id;
	ice_caller_end();
	if (!is_in)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(id);
}
