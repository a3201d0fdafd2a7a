/*
 * undrop.c
 *		Tables and views that were dropped get a name again. See undrop.h.
 *
 * Locks: the namespace, the head, then the name, as everywhere.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/commit_policy.h"
#include "commit/publish.h"
#include "commit/undrop.h"
#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "store/access.h"
#include "store/store_dropped.h"

bool
ice_undrop_keep(const IceWarehouse *warehouse, const pg_uuid_t *relation_id, bool purge)
{
	int64 retention_s = ice_dropped_retention_s(ice_json_parse(
		warehouse->properties, strlen(warehouse->properties), ice_guc_json_depth_max));

	if (retention_s == 0)
		return false;
	ice_dropped_keep(&warehouse->id, relation_id, retention_s, purge);
	return true;
}

static void
raise_none(const IceUndrop *undrop)
{
	if (undrop->kind == ICE_RELATION_VIEW)
		ice_raise(ICE_ERR_NO_SUCH_VIEW, "There is no dropped view to be undropped: %s.%s",
				  undrop->path->dotted, undrop->name);
	ice_raise(ICE_ERR_NO_SUCH_TABLE, "There is no dropped table to be undropped: %s.%s",
			  undrop->path->dotted, undrop->name);
}

/* The event, and the question to the policies: what they refuse is rolled back. */
static void
tell(const IceWarehouse *warehouse, const IceUndrop *undrop, const char *name)
{
	StringInfoData details;

	initStringInfo(&details);
	appendStringInfoString(&details, "{\"dropped-as\":");
	ice_json_escape(&details, undrop->name);
	appendStringInfoChar(&details, '}');
	if (undrop->kind == ICE_RELATION_VIEW)
	{
		IceView view;

		ice_view_get(&warehouse->id, undrop->path, name, false, &view);
		view.name = name;
		ice_commit_policy_view(&view, "undrop-view", undrop->path, name, NULL,
							   ice_commit_policy_view_stored(&view, NULL));
		ice_publish_view_event(&view, "undrop-view", undrop->path, name, details.data);
	}
	else
	{
		IceTable table;

		ice_table_get(&warehouse->id, undrop->path, name, false, &table);
		table.name = name;
		ice_commit_policy_table(&table, "undrop-table", undrop->path, name, NULL,
								ice_commit_policy_stored(&table, NULL));
		ice_publish_event(&table, "undrop-table", undrop->path, name, details.data);
	}
}

void
ice_undrop(const IceWarehouse *warehouse, const IceUndrop *undrop)
{
	const char  *name = undrop->new_name != NULL ? undrop->new_name : undrop->name;
	IceNamespace space;
	pg_uuid_t    id;

	ice_namespace_get(&warehouse->id, undrop->path, ICE_LOCK_KEY_SHARE, false, &space);
	if (!ice_dropped_lock(&warehouse->id, &space.id, undrop->name, undrop->uuid, undrop->kind,
						  &id) ||
		!ice_access_may_by_id(ICE_DROP, &warehouse->id, &id))
		raise_none(undrop);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, undrop->path);
	if (!ice_dropped_revive(&warehouse->id, &id, &space.id, name, undrop->kind,
							psprintf("%s.%s", undrop->path->dotted, name)))
		raise_none(undrop);
	tell(warehouse, undrop, name);
}
