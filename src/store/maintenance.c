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

void
ice_maintenance_require_off(const IceWarehouse *warehouse)
{
	const char *reason = reason_of(warehouse);

	ice_policy_require_none();
	if (reason != NULL && *reason != '\0')
		ice_raise(ICE_ERR_MAINTENANCE, "Warehouse %s is in maintenance mode: %s", warehouse->name,
				  reason);
	if (reason != NULL)
		ice_raise(ICE_ERR_MAINTENANCE, "Warehouse %s is in maintenance mode", warehouse->name);
	if (ice_guc_maintenance)
		ice_raise(ICE_ERR_MAINTENANCE, "The catalog is in maintenance mode");
}
