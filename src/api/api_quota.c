/*
 * api_quota.c
 *		SQL entries that set quotas.
 *
 * The quota of a warehouse is set by those who manage what it is in: its tenant, or the catalog.
 * That of a tenant by those who manage the catalog.
 *
 * Rates are quotas, too: of a tenant, held by the gateways, which ask for those of the roles that
 * they see.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "api/args.h"
#include "errors.h"
#include "store/audit_change.h"
#include "store/quota_set.h"
#include "store/store_tenant.h"
#include "store/uuid.h"

PG_FUNCTION_INFO_V1(sql_ice_set_quota);
PG_FUNCTION_INFO_V1(sql_ice_set_tenant_quota);
PG_FUNCTION_INFO_V1(sql_ice_rates);

static void
require_catalog(void)
{
	ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL, NULL);
}

/* The resource of argument 1. */
static IceQuotaResource
resource_arg(FunctionCallInfo fcinfo, bool of_tenant)
{
	const char      *name = ice_arg_text(fcinfo, 1, "resource");
	IceQuotaResource resource = ice_quota_resource(name);

	if (resource == ICE_QUOTA_RESOURCES ||
		(!of_tenant && (resource == ICE_QUOTA_WAREHOUSES || resource >= ICE_QUOTA_RATES)))
		ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("No such quota: %s", name),
					   "Expected namespaces, tables, views, namespace_depth, properties, "
					   "property_bytes; or, of a tenant, warehouses, requests_per_second, "
					   "role_requests_per_second, principal_requests_per_second.",
					   NULL);
	return resource;
}

/* The limit of argument 2; -1: none. */
static int64
limit_arg(FunctionCallInfo fcinfo, IceQuotaResource resource)
{
	if (PG_ARGISNULL(2))
		return -1;
	if (PG_GETARG_INT64(2) < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "A limit must not be negative");
	if (resource >= ICE_QUOTA_RATES &&
		(PG_GETARG_INT64(2) == 0 || PG_GETARG_INT64(2) > ICE_QUOTA_PER_S_MAX))
		ice_raise(ICE_ERR_BAD_REQUEST, "A rate is from 1 to %d requests per second",
				  ICE_QUOTA_PER_S_MAX);
	return PG_GETARG_INT64(2);
}

/* Raises unless the caller may set the quota of a warehouse, within the limit of its tenant. */
static void
check_warehouse(const IceWarehouse *warehouse, IceQuotaResource resource, int64 most)
{
	IceTenant tenant;
	int64     above;

	if (!ice_tenant_of_warehouse(&warehouse->id, &tenant))
	{
		require_catalog();
		return;
	}
	ice_access_require_tenant(ICE_MANAGE, &tenant.id, tenant.name);
	above = ice_quota_of_tenant(&tenant.id, resource);
	if (above >= 0 && most > above)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "The limit is above that of the tenant, which is " INT64_FORMAT, above);
}

/* For the audit log: the quota of an object, or, with the nil id, the default of the kind. */
static void
note_change(const char *kind, const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
			IceQuotaResource resource)
{
	IceAuditState state = {.text = psprintf("%s/%s", kind, ice_quota_name(resource))};

	if (warehouse_id != NULL)
		state.warehouse_id = *warehouse_id;
	if (object_id != NULL)
		state.object_id = *object_id;
	ice_audit_change_begin(ICE_AUDIT_QUOTA, &state);
}

Datum
sql_ice_set_quota(PG_FUNCTION_ARGS)
{
	const char      *name;
	IceWarehouse     warehouse;
	IceQuotaResource resource;
	int64            most;

	(void) ice_caller_begin(fcinfo);
	name = ice_arg_opt_text(fcinfo, 0);
	resource = resource_arg(fcinfo, false);
	most = limit_arg(fcinfo, resource);
	if (name == NULL)
		require_catalog();
	else
	{
		ice_warehouse_get_locked(name, ICE_LOCK_KEY_SHARE, &warehouse);
		check_warehouse(&warehouse, resource, most);
	}
	note_change(name != NULL ? "warehouse" : "each warehouse", name != NULL ? &warehouse.id : NULL,
				name != NULL ? &warehouse.id : NULL, resource);
	ice_quota_set((IceQuotaObject){.warehouse_id = name != NULL ? &warehouse.id : NULL}, resource,
				  most);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_set_tenant_quota(PG_FUNCTION_ARGS)
{
	const char      *name;
	IceTenant        tenant;
	IceQuotaResource resource;
	int64            most;

	(void) ice_caller_begin(fcinfo);
	require_catalog();
	name = ice_arg_opt_text(fcinfo, 0);
	resource = resource_arg(fcinfo, true);
	most = limit_arg(fcinfo, resource);
	if (name != NULL && !ice_tenant_find(name, false, &tenant))
		ice_raise(ICE_ERR_NO_SUCH_TENANT, "Tenant does not exist: %s", name);
	note_change(name != NULL ? "tenant" : "each tenant", NULL, name != NULL ? &tenant.id : NULL,
				resource);
	ice_quota_set(
		(IceQuotaObject){.tenant_id = name != NULL ? &tenant.id : NULL, .of_tenants = true},
		resource, most);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* One line: the tenant, and its limits of a second; 0 for none. "-": the role has none. */
static void
write_rates(StringInfo out, Oid role)
{
	IceTenancy tenant;

	if (!OidIsValid(role) || !ice_access_tenant_of(role, &tenant))
	{
		appendStringInfoString(out, "-\n");
		return;
	}
	appendStringInfoString(out, ice_uuid_text(&tenant.id));
	for (int i = ICE_QUOTA_RATES; i < ICE_QUOTA_RESOURCES; i++)
		appendStringInfo(out, " " INT64_FORMAT,
						 Max(ice_quota_of_tenant(&tenant.id, (IceQuotaResource) i), 0));
	appendStringInfoChar(out, '\n');
}

Datum
sql_ice_rates(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Datum         *names;
	bool          *nulls;
	int            count;

	(void) ice_caller_begin(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
					  &count);
	initStringInfo(&out);
	for (int i = 0; i < count && ice_tenants_exist(); i++)
	{
		CHECK_FOR_INTERRUPTS();
		write_rates(&out,
					nulls[i] ? InvalidOid : get_role_oid(TextDatumGetCString(names[i]), true));
	}
	ice_caller_end();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
