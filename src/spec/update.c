/*
 * update.c
 *		The table of update kinds, and the way to them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/update.h"

#include "spec/commit_read.h"

struct IceUpdateKind
{
	const char *name;
	void (*parse)(IceUpdate *update);
	void (*needs)(const IceUpdate *update, IceCommitNeeds *needs);
	void (*apply)(IceUpdateContext *context, const IceUpdate *update);
};

#define KIND(name, functions)                                                     \
	{                                                                             \
		name, ice_parse_##functions, ice_needs_##functions, ice_apply_##functions \
	}

static const IceUpdateKind kinds[] = {
	KIND("add-snapshot", add_snapshot),
	KIND("set-snapshot-ref", set_snapshot_ref),
	KIND("assign-uuid", assign_uuid),
	KIND("upgrade-format-version", upgrade_format_version),
	KIND("add-schema", add_schema),
	KIND("set-current-schema", set_current_schema),
	KIND("add-spec", add_spec),
	KIND("set-default-spec", set_default_spec),
	KIND("add-sort-order", add_sort_order),
	KIND("set-default-sort-order", set_default_sort_order),
	KIND("remove-snapshots", remove_snapshots),
	KIND("remove-snapshot-ref", remove_snapshot_ref),
	KIND("set-location", set_location),
	KIND("set-properties", set_properties),
	KIND("remove-properties", remove_properties),
	KIND("set-statistics", set_statistics),
	KIND("remove-statistics", remove_statistics),
	KIND("set-partition-statistics", set_partition_statistics),
	KIND("remove-partition-statistics", remove_partition_statistics),
	KIND("remove-partition-specs", remove_partition_specs),
	KIND("remove-schemas", remove_schemas),
	KIND("add-encryption-key", add_encryption_key),
	KIND("remove-encryption-key", remove_encryption_key),
};

/* What only views have, by the names that the Java classes have. */
static const struct
{
	const char *name;
	const char *class_name;
} view_updates[] = {
	{"add-view-version", "AddViewVersion"},
	{"set-current-view-version", "SetCurrentViewVersion"},
};

void
ice_update_parse(IceUpdate *update, IceJson *json)
{
	const char *action = ice_commit_read_update_action(json);

	ice_step();

	memset(update, 0, sizeof(*update));
	update->json = json;
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		if (pg_strcasecmp(kinds[i].name, action) == 0)
		{
			update->kind = &kinds[i];
			kinds[i].parse(update);
			return;
		}
	}
	for (int i = 0; i < (int) lengthof(view_updates); i++)
		if (pg_strcasecmp(view_updates[i].name, action) == 0)
			ice_json_raise(ice_json_get(json, "action"), ICE_ERR_BAD_REQUEST,
						   "Cannot apply update %s to a table", view_updates[i].class_name);
	ice_json_raise(ice_json_get(json, "action"), ICE_ERR_BAD_REQUEST,
				   "Cannot convert metadata update action to json: %s", action);
}

void
ice_update_needs(const IceUpdate *update, IceCommitNeeds *needs)
{
	update->kind->needs(update, needs);
}

/* Clients remove snapshots one by one; what hangs on them is looked for once per run of such
 * updates. */
void
ice_update_apply(IceUpdateContext *context, const IceUpdate *update)
{
	ice_step();
	if (context->removal_pending && update->kind->apply != ice_apply_remove_snapshots)
		ice_update_finish_removal(context);
	update->kind->apply(context, update);
}

const char *
ice_update_name(const IceUpdate *update)
{
	return update->kind->name;
}

bool
ice_update_is(const IceUpdate *update, const char *name)
{
	return strcmp(update->kind->name, name) == 0;
}

void
ice_updates_finish(IceUpdateContext *context)
{
	ice_update_finish_removal(context);
	ice_update_finish_snapshot_log(context);
	ice_update_finish_properties(context);
	if (context->structure_changed)
	{
		ice_update_check_structure(context);
		ice_update_check_evolution(context);
	}
}
