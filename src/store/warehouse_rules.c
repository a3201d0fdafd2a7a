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
#include "spec/steering.h"
#include "store/warehouse_rules.h"
#include "pg_compat.h"

static IceStatement find_properties = {
	"SELECT properties FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

/* The values of a property, the default first. */
#define VALUES_MAX 3
typedef struct Choice
{
	const char *name;
	const char *values[VALUES_MAX];
} Choice;

static const Choice steering_choice = {ICE_STEERING_PROPERTY, {"refuse", "allow"}};
static const Choice overlap_choice = {ICE_OVERLAP_PROPERTY, {"refuse", "allow"}};
/* In the order of IceClientLocation. */
static const Choice client_location_choice = {ICE_CLIENT_LOCATION_PROPERTY,
											  {"anywhere", "inside", "refuse"}};

/* In the order of IceOutsideRule. */
static const Choice outside_choice = {ICE_OUTSIDE_PROPERTY, {"off", "report", "strict"}};

/* The warehouse that this session has read last, and what it says: a call begins by reading its
 * warehouse. */
static struct
{
	pg_uuid_t warehouse_id;
	bool      steering;
} remembered;

/* Which of the values a map has, or the default; -1: another one. */
static int
choose(const IceJson *map, const Choice *choice)
{
	const char *value = ice_json_opt_string(map, choice->name);

	for (int i = 0; value != NULL && i < VALUES_MAX && choice->values[i] != NULL; i++)
		if (strcmp(value, choice->values[i]) == 0)
			return i;
	return value == NULL ? 0 : -1;
}

static void
check_choice(const IceJson *properties, const Choice *choice)
{
	bool three = choice->values[2] != NULL;

	if (choose(properties, choice) < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected %s%s%s%s%s)", choice->name,
				  ice_json_opt_string(properties, choice->name), choice->values[0],
				  three ? ", " : " or ", choice->values[1], three ? " or " : "",
				  three ? choice->values[2] : "");
}

static void
pg_attribute_noreturn() refuse_template(const char *text, const char *why)
{
	ice_raise(ICE_ERR_BAD_REQUEST, "Invalid " ICE_TEMPLATE_PROPERTY ": %s (%s)", text, why);
}

/* Does a slot of the template end where p stands after "{"? */
static bool
is_slot(const char *p)
{
	static const char *const names[] = {"uuid}", "hash4}", "namespace}", "table}"};

	for (size_t i = 0; i < lengthof(names); i++)
		if (strncmp(p, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* It makes paths below a location, and nothing else. */
static void
check_template(const char *text)
{
	size_t len = strlen(text);

	if (len > ICE_TEMPLATE_BYTES_MAX)
		refuse_template(text, "it is longer than 255 bytes");
	if (strstr(text, "{uuid}") == NULL && strstr(text, "{table}") == NULL)
		refuse_template(text, "it needs {uuid} or {table}");
	for (const char *p = text; *p != '\0'; p++)
	{
		bool plain = isalnum((unsigned char) *p) || strchr("-_.=/{}", *p) != NULL;

		if (!plain || (unsigned char) *p >= 0x80)
			refuse_template(text, "letters, digits and -_.=/ may stand beside the names in braces");
		if (*p == '{' && !is_slot(p + 1))
			refuse_template(text, "expected {uuid}, {hash4}, {namespace} or {table}");
		if (p[0] == '/' && (p == text || p[1] == '/' || p[1] == '\0'))
			refuse_template(text, "it has an empty segment");
		if (p[0] == '.' && (p == text || p[-1] == '/'))
			refuse_template(text, "a segment begins with a dot");
	}
}

/* An array of strings, as a text; NIL: it is none, or empty. */
static List *
shared_locations(const char *text)
{
	IceJson *array = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED);
	List    *locations = NIL;

	if (array->kind != ICE_JSON_ARRAY)
		return NIL;
	for (int i = 0; i < array->count; i++)
	{
		if (array->items[i]->kind != ICE_JSON_STRING || *array->items[i]->string == '\0')
			return NIL;
		locations = lappend(locations, unconstify(char *, array->items[i]->string));
	}
	return locations;
}

void
ice_warehouse_rules_check(const IceJson *properties)
{
	const char *text = ice_json_opt_string(properties, ICE_TEMPLATE_PROPERTY);

	check_choice(properties, &steering_choice);
	check_choice(properties, &overlap_choice);
	check_choice(properties, &client_location_choice);
	check_choice(properties, &outside_choice);
	if (text != NULL)
		check_template(text);
	text = ice_json_opt_string(properties, ICE_SHARED_PROPERTY);
	if (text != NULL && shared_locations(text) == NIL)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid " ICE_SHARED_PROPERTY ": %s (expected a JSON array of locations)", text);
}

void
ice_warehouse_rules_read(const char *properties, IceWarehouseRules *out)
{
	const IceJson *map;

	*out = (IceWarehouseRules){.steering = false};
	if (strstr(properties, "icecat.") == NULL)
		return;
	map = ice_json_parse(properties, strlen(properties), ICE_JSON_DEPTH_STORED);
	out->steering = choose(map, &steering_choice) == 1;
	out->overlap = choose(map, &overlap_choice) == 1;
	out->client_location = (IceClientLocation) Max(choose(map, &client_location_choice), 0);
	out->outside = (IceOutsideRule) Max(choose(map, &outside_choice), 0);
	out->location_template = ice_json_opt_string(map, ICE_TEMPLATE_PROPERTY);
}

List *
ice_warehouse_rules_shared(const char *properties)
{
	const char *text;

	if (strstr(properties, ICE_SHARED_PROPERTY) == NULL)
		return NIL;
	text = ice_json_opt_string(
		ice_json_parse(properties, strlen(properties), ICE_JSON_DEPTH_STORED), ICE_SHARED_PROPERTY);
	return text != NULL ? shared_locations(text) : NIL;
}

bool
ice_warehouse_rules_inspect(const char *properties)
{
	IceWarehouseRules rules;

	ice_warehouse_rules_read(properties, &rules);
	return rules.outside == ICE_OUTSIDE_REPORT ||
		   (rules.outside == ICE_OUTSIDE_STRICT && ice_warehouse_rules_shared(properties) != NIL);
}

void
ice_warehouse_rules_remember(const pg_uuid_t *warehouse_id, const char *properties)
{
	IceWarehouseRules rules = {.steering = false};

	if (strstr(properties, ICE_STEERING_PROPERTY) != NULL)
		ice_warehouse_rules_read(properties, &rules);
	remembered.warehouse_id = *warehouse_id;
	remembered.steering = rules.steering;
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
