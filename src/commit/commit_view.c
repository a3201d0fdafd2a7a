/*
 * commit_view.c
 *		Views: created, registered, replaced, renamed, dropped.
 *
 * The same steps and locks as for tables: the namespace FOR KEY SHARE, then the head FOR UPDATE,
 * and a name is claimed by the unique index of the relations. A replace checks its requirements
 * before it locks, and again if a commit came between. What it changes does not depend on what the
 * client saw, unless it says so by a requirement: two replaces follow each other.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/commit_policy.h"
#include "commit/now.h"
#include "commit/commit_view.h"
#include "commit/holdings.h"
#include "commit/metadata_limits.h"
#include "commit/location.h"
#include "commit/place.h"
#include "commit/publish.h"
#include "commit/undrop.h"
#include "commit/read_metadata.h"
#include "guc.h"
#include "storage/storage.h"
#include "store/case_mode.h"
#include "store/store_access.h"
#include "store/store_definer.h"
#include "store/store_protection.h"
#include "store/store_task.h"
#include "store/uuid.h"
#include "store/warehouse_rules.h"

/* Raises ALREADY_EXISTS for a name, which a view or a table has. */
static void
raise_exists(const IceWarehouse *warehouse, const IceNamespace *space, const IceNamespacePath *path,
			 const char *name)
{
	ice_relation_raise_taken(&warehouse->id, &space->id, name, ICE_RELATION_VIEW,
							 psprintf("%s.%s", path->dotted, name));
}

/* Raises ALREADY_EXISTS if the name is taken: before work is done that would be for nothing. */
static void
check_free(const IceWarehouse *warehouse, const IceNamespace *space, const IceNamespacePath *path,
		   const char *name)
{
	IceRelationKind kind;

	if (ice_relation_kind(&warehouse->id, &space->id, name, &kind))
		raise_exists(warehouse, space, path, name);
}

/* Writes a new view (metadata complete, namespace locked): name, head, parts, file, event. A view
 * without a metadata location gets one, and its file is published. */
static void
write_new(const IceWarehouse *warehouse, const IceNamespace *space, const IceNamespacePath *path,
		  const char *name, IcePlaceChoice choice, const char *event_type, IceView *view,
		  StringInfo document)
{
	bool           publish = view->metadata_location == NULL;
	StringInfoData text;

	view->warehouse_id = warehouse->id;
	view->namespace_id = space->id;
	view->id = ice_uuid_v7();
	view->version = 1;
	if (!ice_relation_insert(&warehouse->id, &view->id, &space->id, name, ICE_RELATION_VIEW))
		raise_exists(warehouse, space, path, name);
	ice_metadata_limits_check_view(&warehouse->id, view->metadata);
	ice_commit_policy_view(view, event_type, path, name, NULL,
						   ice_commit_policy_view_state(view->metadata));
	ice_place_check_view(warehouse, view, choice);
	ice_publish_view_prepare(warehouse, view->metadata);
	if (publish)
		view->metadata_location = ice_location_next_of_view(view->metadata, NULL);
	view->file_expected = !publish || ice_publish_wanted_for_view(warehouse, view->metadata);
	ice_view_insert(view);
	ice_access_own("view", &warehouse->id, &view->id);
	ice_definer_follow(view);
	ice_holdings_of_view(view);
	initStringInfo(&text);
	ice_view_metadata_write(&text, view->metadata);
	if (publish)
		ice_publish_view_metadata(warehouse, view, &text);
	ice_publish_view_event(view, event_type, path, name, ice_publish_view_version_details(view));
	appendBinaryStringInfo(document, text.data, text.len);
}

void
ice_commit_view_create(const IceWarehouse *warehouse, const IceNamespacePath *path,
					   const IceCreateView *request, IceView *out, StringInfo document)
{
	IceNamespacePath spelled = *path;
	IceNamespace     space;
	const char      *view_uuid = ice_uuid_v4_text();
	const char      *location;

	ice_namespace_get(&warehouse->id, path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	ice_warehouse_rules_check_steering(&warehouse->id, "view", request->properties, NULL);
	ice_case_mode_respell_path(&warehouse->id, &space.id, false, &spelled);
	check_free(warehouse, &space, path, request->name);
	location = request->location != NULL
				   ? ice_location_normalize(request->location)
				   : ice_location_derive(warehouse, &spelled, &space, request->name, view_uuid);
	ice_location_require(location, "view", path, request->name);
	*out = (IceView){.metadata = ice_view_metadata_new(request, view_uuid, location, ice_now_ms())};
	write_new(warehouse, &space, path, request->name,
			  request->location != NULL ? ICE_PLACE_CLIENT : ice_place_choice(location, view_uuid),
			  "create-view", out, document);
}

IceViewMetadata *
ice_commit_view_register_read(const pg_uuid_t *warehouse_id, const char *metadata_location)
{
	return ice_view_metadata_parse(ice_read_metadata(warehouse_id, metadata_location));
}

void
ice_commit_view_register(const IceWarehouse *warehouse, const IceNamespacePath *path,
						 const char *name, const char *metadata_location, IceView *out,
						 StringInfo document)
{
	IceNamespace space;

	ice_namespace_get(&warehouse->id, path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	check_free(warehouse, &space, path, name);
	ice_holdings_of_existing(&warehouse->id, metadata_location);
	*out = (IceView){.metadata = ice_commit_view_register_read(&warehouse->id, metadata_location),
					 .metadata_location = metadata_location};
	write_new(warehouse, &space, path, name, ICE_PLACE_DOCUMENT, "register-view", out, document);
}

/* -- replace ---------------------------------------------------------------------------------- */

/* Locks the head; reads and checks again if a commit came between. After a rename that the lock
 * waited for, view->name and the path are those of now. */
static void
lock_and_check(IceView *view, IceNamespacePath *path, const char *name, const IceViewCommit *commit)
{
	IceViewMetadata *seen = view->metadata;
	int64            seen_version = view->version;
	pg_uuid_t        seen_namespace_id = view->namespace_id;
	IceNamespace     space;

	if (!ice_view_lock(view))
		ice_raise(ICE_ERR_NO_SUCH_VIEW, "View does not exist: %s.%s", path->dotted, name);
	if (view->version == seen_version)
		view->metadata = seen;
	else
	{
		ice_view_load(view, false);
		ice_view_update_check_requirements(commit, view->metadata);
	}
	if (memcmp(&view->namespace_id, &seen_namespace_id, UUID_LEN) != 0)
	{
		(void) ice_namespace_get_by_id(&view->warehouse_id, &view->namespace_id, path, &space);
		ice_view_require(ICE_WRITE, view, path, view->name);
	}
}

/* The settings that decide whether and where files go. */
static const char *
folders_key(const IceViewMetadata *metadata)
{
	const char *path = ice_view_property(metadata, "write.metadata.path");
	const char *mode = ice_view_property(metadata, ICE_METADATA_MODE_PROPERTY);

	return psprintf("%s\n%s\n%s", metadata->location, path ? path : "", mode ? mode : "");
}

/* Writes the next version of a locked view, whose metadata was changed. */
static void
write_version(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			  IceView *view, const char *folders_before, const char *before, StringInfo document)
{
	IceViewMetadata *metadata = view->metadata;
	StringInfoData   text;

	ice_metadata_limits_check_view(&warehouse->id, metadata);
	ice_commit_policy_view(view, "replace-view", path, name, before,
						   ice_commit_policy_view_state(metadata));
	metadata->location = ice_location_normalize(metadata->location);
	if (strcmp(folders_before, folders_key(metadata)) != 0)
		ice_place_check_view(warehouse, view, ICE_PLACE_CLIENT);
	if (strcmp(folders_before, folders_key(metadata)) != 0 || !view->file_expected)
		ice_publish_view_prepare(warehouse, metadata);
	view->metadata_location = ice_location_next_of_view(metadata, view->metadata_location);
	view->file_expected = ice_publish_wanted_for_view(warehouse, metadata);
	view->version++;
	ice_view_update(view);
	ice_definer_follow(view);
	if (strcmp(folders_before, folders_key(metadata)) != 0)
		ice_holdings_of_view(view);
	initStringInfo(&text);
	ice_view_metadata_write(&text, metadata);
	ice_publish_view_metadata(warehouse, view, &text);
	ice_publish_view_event(view, "replace-view", path, name,
						   ice_publish_view_version_details(view));
	appendBinaryStringInfo(document, text.data, text.len);
}

void
ice_commit_view_replace(const IceWarehouse *warehouse, const IceNamespacePath *path,
						const char *name, const IceViewCommit *commit, IceView *out,
						StringInfo document)
{
	IceNamespacePath path_now = *path;
	const char      *folders;
	const char      *before;
	const IceJson   *properties;

	ice_view_get(&warehouse->id, path, name, false, out);
	ice_view_require(ICE_WRITE, out, path, name);
	ice_view_load(out, false);
	ice_view_update_check_requirements(commit, out->metadata);
	lock_and_check(out, &path_now, name, commit);
	folders = folders_key(out->metadata);
	before = ice_commit_policy_view_state(out->metadata);
	properties = ice_view_properties(out->metadata);
	if (ice_view_updates_apply(commit, out->metadata, ice_now_ms()))
	{
		ice_warehouse_rules_check_steering(&warehouse->id, "view",
										   ice_view_properties(out->metadata), properties);
		write_version(warehouse, &path_now, out->name, out, folders, before, document);
	}
	else
		ice_view_metadata_write(document, out->metadata);
}

/* -- ends and moves --------------------------------------------------------------------------- */

void
ice_commit_view_drop(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
					 bool force)
{
	IceView view;

	ice_view_get_locked(ICE_DROP, &warehouse->id, path, name, &view);
	(void) ice_protection_pass(&(IceProtected){.warehouse_id = &view.warehouse_id,
											   .object_id = &view.id,
											   .object_kind = "view"},
							   force, psprintf("%s.%s", path->dotted, name));
	ice_commit_policy_view(&view, "drop-view", path, name,
						   ice_commit_policy_view_stored(&view, NULL), NULL);
	ice_view_mark_dropped(&view);
	(void) ice_undrop_keep(warehouse, &view.id, false);
	ice_publish_view_event(&view, "drop-view", path, name, ice_publish_view_version_details(&view));
}

void
ice_commit_view_rename(const IceWarehouse *warehouse, const IceNamespacePath *source_path,
					   const char *source, const IceNamespacePath *destination_path,
					   const char *destination)
{
	IceView      view;
	IceNamespace space;

	ice_view_get(&warehouse->id, source_path, source, false, &view);
	if (strcmp(source, destination) == 0 && ice_namespace_path_same(source_path, destination_path))
		return;
	ice_view_require(ICE_DROP, &view, source_path, source);
	ice_namespace_get(&warehouse->id, destination_path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, destination_path);
	ice_view_get_locked(ICE_DROP, &warehouse->id, source_path, source, &view);
	ice_commit_policy_rename("view", &view.warehouse_id, &view.id, &view.namespace_id, source_path,
							 source, &space.id, destination_path, destination,
							 ice_commit_policy_view_stored(&view, &space.id));
	ice_relation_rename(&view.warehouse_id, &view.id, &space.id, ICE_RELATION_VIEW, destination,
						psprintf("%s.%s", source_path->dotted, source),
						psprintf("%s.%s", destination_path->dotted, destination));
	view.namespace_id = space.id;
	view.name = destination;
	ice_publish_view_event(&view, "rename-view", destination_path, destination,
						   ice_publish_rename_details(source_path, source));
}
