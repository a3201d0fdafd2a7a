/*
 * maintenance.c
 *		Maintenance mode. See maintenance.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "store/maintenance.h"
#include "store/policy.h"
#include "store/store_tenant.h"

/* The reason; NULL: it is not in maintenance mode. */
static const char *
reason_of(const IceWarehouse *warehouse)
{
	const char *text = warehouse->properties;

	if (text == NULL || strstr(text, "maintenance") == NULL)
		return NULL;
	return ice_json_opt_string(ice_json_parse(text, strlen(text), ice_guc_json_depth_max),
							   ICE_MAINTENANCE_PROPERTY);
}

/* Of a warehouse or a tenant. */
static void
refuse(const char *what, const char *name, const char *reason)
{
	if (*reason == '\0')
		ice_raise(ICE_ERR_MAINTENANCE, "%s %s is in maintenance mode", what, name);
	ice_raise(ICE_ERR_MAINTENANCE, "%s %s is in maintenance mode: %s", what, name, reason);
}

void
ice_maintenance_require_off_tenant(const pg_uuid_t *tenant_id, const char *name)
{
	const char *reason = ice_tenant_maintenance(tenant_id);

	if (reason != NULL)
		refuse("Tenant", name, reason);
}

void
ice_maintenance_require_off(const IceWarehouse *warehouse)
{
	const char *reason = reason_of(warehouse);
	const char *tenant;

	ice_policy_require_none();
	if (reason != NULL)
		refuse("Warehouse", warehouse->name, reason);
	if (ice_tenant_in_maintenance(&warehouse->id, &tenant, &reason))
		refuse("Tenant", tenant, reason);
	if (ice_guc_maintenance)
		ice_raise(ICE_ERR_MAINTENANCE, "The catalog is in maintenance mode");
}
