/*
 * commit_read.c
 *		What commits to tables and to views have in common: reading the outer parts of their JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/commit_read.h"

int
ice_commit_read_requirements(const IceJson *requirements)
{
	if (requirements == NULL || requirements->kind == ICE_JSON_NULL)
		return 0;
	if (requirements->kind != ICE_JSON_ARRAY)
		ice_json_raise(requirements, ICE_ERR_BAD_REQUEST,
					   "Cannot parse requirements from non-array: %s",
					   ice_json_shown(requirements));
	return requirements->count;
}

int
ice_commit_read_updates(const IceJson *updates, int updates_max)
{
	if (updates == NULL || updates->kind == ICE_JSON_NULL)
		return 0;
	if (updates->kind != ICE_JSON_ARRAY)
		ice_json_raise(updates, ICE_ERR_BAD_REQUEST,
					   "Cannot parse metadata updates from non-array: %s", ice_json_shown(updates));
	if (updates->count > updates_max)
		ice_json_raise(updates, ICE_ERR_LIMIT_EXCEEDED,
					   "Too many updates in one commit: %d (limit: %d)", updates->count,
					   updates_max);
	return updates->count;
}

const char *
ice_commit_read_requirement_type(const IceJson *requirement)
{
	if (requirement->kind != ICE_JSON_OBJECT)
		ice_json_raise(requirement, ICE_ERR_BAD_REQUEST,
					   "Cannot parse update requirement from non-object value: %s",
					   ice_json_shown(requirement));
	if (ice_json_get(requirement, "type") == NULL)
		ice_json_raise(requirement, ICE_ERR_BAD_REQUEST,
					   "Cannot parse update requirement. Missing field: type");
	return ice_json_string(requirement, "type");
}

const char *
ice_commit_read_update_action(const IceJson *update)
{
	if (update->kind != ICE_JSON_OBJECT)
		ice_json_raise(update, ICE_ERR_BAD_REQUEST,
					   "Cannot parse metadata update from non-object value: %s",
					   ice_json_shown(update));
	if (ice_json_get(update, "action") == NULL)
		ice_json_raise(update, ICE_ERR_BAD_REQUEST,
					   "Cannot parse metadata update. Missing field: action");
	return ice_json_string(update, "action");
}

/* The name of the field that the specification has, or the one that early clients sent. */
static const char *
field_name(const IceJson *update, const char *name, const char *early_name)
{
	if (ice_json_member(update, name) == NULL && ice_json_member(update, early_name) != NULL)
		return early_name;
	return name;
}

IceJson *
ice_commit_read_set_properties(const IceJson *update)
{
	const char *name = field_name(update, "updates", "updated");
	IceJson    *map = ice_json_member(update, name);

	if (map == NULL)
		ice_json_raise(update, ICE_ERR_BAD_REQUEST, "Cannot parse missing map: %s", name);
	ice_json_check_string_map(map, name);
	return map;
}

IceJson *
ice_commit_read_remove_properties(const IceJson *update)
{
	const char *name = field_name(update, "removals", "removed");
	IceJson    *names;

	if (ice_json_member(update, name) == NULL)
		ice_json_raise(update, ICE_ERR_BAD_REQUEST, "Cannot parse missing set: %s", name);
	names = ice_json_array(update, name);
	for (int i = 0; i < names->count; i++)
		ice_json_to_string(names->items[i], name);
	return names;
}

int64 *
ice_commit_read_ids(const IceJson *ids, const char *name, bool is_int32)
{
	int64 *result;

	ice_budget_reserve(sizeof(int64) * ids->count);
	result = palloc(sizeof(int64) * Max(ids->count, 1));
	for (int i = 0; i < ids->count; i++)
	{
		ice_step();
		result[i] = is_int32 ? ice_json_to_int32(ids->items[i], name)
							 : ice_json_to_int64(ids->items[i], name);
	}
	return result;
}
