/*
 * warehouse_rules.c
 *		What the properties of a warehouse say about tables and views in it. See
 *		warehouse_rules.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "errors.h"
#include "guc.h"
#include "spec/steering.h"
#include "store/warehouse_rules.h"

static IceStatement find_properties = {
	"SELECT properties FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

/* The values of a property, the default first. */
typedef struct Choice
{
	const char *name;
	const char *values[3];
} Choice;

static const Choice choices[] = {
	{ICE_STEERING_PROPERTY, {"refuse", "allow", NULL}},
};

/* The warehouse that this session has read last, and what it says: a call begins by reading its
 * warehouse. */
static struct
{
	pg_uuid_t warehouse_id;
	bool      steering;
} remembered;

void
ice_warehouse_rules_check(const IceJson *properties)
{
	for (size_t i = 0; i < lengthof(choices); i++)
	{
		const Choice *choice = &choices[i];
		const char   *value = ice_json_opt_string(properties, choice->name);
		bool          known = value == NULL;

		for (size_t v = 0; !known && v < lengthof(choice->values) && choice->values[v]; v++)
			known = strcmp(value, choice->values[v]) == 0;
		if (!known)
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected %s%s%s%s%s)", choice->name,
					  value, choice->values[0], choice->values[2] ? ", " : " or ",
					  choice->values[1], choice->values[2] ? " or " : "",
					  choice->values[2] ? choice->values[2] : "");
	}
}

void
ice_warehouse_rules_remember(const pg_uuid_t *warehouse_id, const char *properties)
{
	remembered.warehouse_id = *warehouse_id;
	remembered.steering = false;
	if (strstr(properties, ICE_STEERING_PROPERTY) != NULL)
	{
		const IceJson *map = ice_json_parse(properties, strlen(properties), ICE_JSON_DEPTH_STORED);
		const char    *value = ice_json_opt_string(map, ICE_STEERING_PROPERTY);

		remembered.steering = value != NULL && strcmp(value, "allow") == 0;
	}
}

bool
ice_warehouse_rules_steering(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (memcmp(warehouse_id, &remembered.warehouse_id, UUID_LEN) != 0)
	{
		if (ice_spi_execute(&find_properties, values, NULL, true) == 0)
			return false;
		ice_warehouse_rules_remember(warehouse_id, ice_spi_field_text(0, 1));
	}
	return remembered.steering;
}

void
ice_warehouse_rules_check_steering(const pg_uuid_t *warehouse_id, const char *what,
								   const IceJson *properties, const IceJson *before)
{
	const char *name = ice_steering_find(properties, before);

	if (name == NULL || ice_warehouse_rules_steering(warehouse_id))
		return;
	ice_raise_full(
		ICE_ERR_BAD_REQUEST,
		psprintf("Property %s of a %s is not allowed: it steers the clients that read", name, what),
		NULL,
		"Set it in the client. The property " ICE_STEERING_PROPERTY
		" of the warehouse (refuse, allow) decides.");
}
