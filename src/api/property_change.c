/*
 * property_change.c
 *		Property maps of namespaces and warehouses: checking, and changing one.
 *
 * A map stays the exact text it was given as; a change keeps the place of keys that stay.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "api/property_change.h"
#include "guc.h"

static void
check_count(const IceJson *properties)
{
	if (properties->count > ice_guc_properties_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "There are %d properties, more than the limit of %d",
				  properties->count, ice_guc_properties_max);
}

IceJson *
ice_property_change_check(IceJson *value, const char *name)
{
	if (value == NULL || value->kind == ICE_JSON_NULL)
		return ice_json_make_object();
	ice_json_check_string_map(value, name);
	check_count(value);
	return value;
}

/* REST, updateProperties: a key may not be both set and removed (422). */
static void
check_change(IcePropertyChange *change, const char *what)
{
	StringInfoData common;

	initStringInfo(&common);
	for (int i = 0; i < change->updates->count; i++)
	{
		const char *key = change->updates->members[i].key;

		if (ice_json_member(change->removals, key) != NULL)
			appendStringInfo(&common, "%s%s", common.len > 0 ? ", " : "", key);
	}
	if (common.len > 0)
		ice_raise(ICE_ERR_UNPROCESSABLE,
				  "Invalid %s update, cannot simultaneously set and remove keys: [%s]", what,
				  common.data);
	check_count(change->removals);
	change->removed = ice_json_make_array();
	change->missing = ice_json_make_array();
}

void
ice_property_change_of_args(FunctionCallInfo fcinfo, int n, const char *what,
							IcePropertyChange *out)
{
	Datum *keys = NULL;
	bool  *nulls = NULL;
	int    count = 0;

	out->updates = ice_property_change_check(ice_arg_opt_json(fcinfo, n), "updates");
	out->removals = ice_json_make_object();
	if (!PG_ARGISNULL(n + 1))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(n + 1), TEXTOID, -1, false, TYPALIGN_INT, &keys,
						  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid property to remove: null");
		ice_json_set(out->removals, TextDatumGetCString(keys[i]), ice_json_make_null());
	}
	check_change(out, what);
}

void
ice_property_change_of_json(IceJson *request, IcePropertyChange *out)
{
	IceJson *removals = ice_json_opt_array(request, "removals");

	out->updates = ice_property_change_check(ice_json_opt_object(request, "updates"), "updates");
	out->removals = ice_json_make_object();
	for (int i = 0; removals != NULL && i < removals->count; i++)
		ice_json_set(out->removals, ice_json_to_string(removals->items[i], "removals"),
					 ice_json_make_null());
	check_change(out, "namespace");
}

const char *
ice_property_change_apply(IcePropertyChange *change, const char *properties)
{
	IceJson *map = ice_json_parse(properties, strlen(properties), ICE_JSON_DEPTH_MAX_DEFAULT);

	for (int i = 0; i < change->removals->count; i++)
	{
		const char *key = change->removals->members[i].key;
		bool        removed = ice_json_remove(map, key);

		ice_json_append(removed ? change->removed : change->missing, ice_json_make_string(key));
	}
	for (int i = 0; i < change->updates->count; i++)
		ice_json_set(map, change->updates->members[i].key,
					 ice_json_copy(change->updates->members[i].value));
	check_count(map);
	if (change->removed->count == 0 && change->updates->count == 0)
		return NULL;
	return ice_json_text(map);
}
