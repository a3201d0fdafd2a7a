/*
 * drop_rename.c
 *		Names that go or move: drop, unregister, rename.
 *
 * Each locks the table's head first, so that it and a commit of the same table follow each other,
 * and then makes sure that the table still has the name: a drop must not take a table that was just
 * moved elsewhere.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/commit_policy.h"
#include "commit/create_register.h"
#include "commit/holdings.h"
#include "commit/publish.h"
#include "commit/undrop.h"
#include "storage/storage.h"
#include "store/store_profile.h"
#include "store/store_protection.h"
#include "store/store_task.h"

/* Details of the event of a drop. */
static const char *
drop_details(bool purge, bool refused, bool kept, bool forced)
{
	return psprintf("{\"purge\":%s%s%s%s}", purge ? "true" : "false",
					refused ? ",\"purge-refused\":\"registered\"" : "",
					kept ? ",\"undroppable\":true" : "", forced ? ",\"forced\":true" : "");
}

/* Raises PROTECTED; true: it was protected, and force passes over that. */
static bool
pass_protection(const IceTable *table, const IceNamespacePath *path, const char *name, bool force)
{
	return ice_protection_pass(&(IceProtected){.warehouse_id = &table->warehouse_id,
											   .object_id = &table->id,
											   .object_kind = "table"},
							   force, psprintf("%s.%s", path->dotted, name));
}

/* A table that was registered may share its files with another catalog, of which nothing is known
 * here. */
void
ice_drop_table(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			   IceDropOptions options)
{
	IceTable table;
	bool     purge = options.purge;
	bool     refused;
	bool     kept;
	bool     forced;

	ice_table_get_locked(ICE_DROP, &warehouse->id, path, name, &table);
	forced = pass_protection(&table, path, name, options.force);
	ice_commit_policy_table(&table, "drop-table", path, name,
							ice_commit_policy_stored(&table, NULL), NULL);
	refused = purge && !ice_holdings_may_purge(warehouse, &table);
	ice_table_mark_dropped(&table);
	kept = ice_undrop_keep(warehouse, &table.id, purge && !refused);
	if (purge && !refused && !kept)
		ice_task_enqueue_purge(&table.warehouse_id, &table.id, table.version);
	if (refused)
		ereport(NOTICE,
				(errmsg("files of the table %s.%s stay in place", path->dotted, name),
				 errdetail(
					 "The table was registered, so its files may belong to another catalog, too."),
				 errhint("Property " ICE_PURGE_REGISTERED_PROPERTY
						 "=true of the warehouse lets a purge delete them.")));
	ice_publish_event(&table, "drop-table", path, name,
					  drop_details(purge && !refused, refused, kept, forced));
}

void
ice_drop_unregister(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
					IceTable *out, StringInfo document)
{
	const IceStorageProfile *profile;
	int                      start = document->len;

	ice_table_get_locked(ICE_DROP | ICE_SELECT, &warehouse->id, path, name, out);
	(void) pass_protection(out, path, name, false);
	ice_commit_policy_table(out, "unregister-table", path, name,
							ice_commit_policy_stored(out, NULL), NULL);
	ice_publish_render_current(document, out, false);
	profile = ice_profile_of(&warehouse->id, out->metadata_location);
	if (!ice_storage_exists(out->metadata_location, profile))
		ice_storage_write_metadata(out->metadata_location, profile, document->data + start,
								   document->len - start);
	ice_table_mark_dropped(out);
	ice_publish_event(out, "unregister-table", path, name, ice_publish_version_details(out));
}

void
ice_rename_table(const IceWarehouse *warehouse, const IceNamespacePath *source_path,
				 const char *source, const IceNamespacePath *destination_path,
				 const char *destination)
{
	IceTable     table;
	IceNamespace space;

	ice_table_get(&warehouse->id, source_path, source, false, &table);
	if (strcmp(source, destination) == 0 && ice_namespace_path_same(source_path, destination_path))
		return;
	ice_table_require(ICE_DROP, &table, source_path, source);
	ice_namespace_get(&warehouse->id, destination_path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, destination_path);
	ice_table_get_locked(ICE_DROP, &warehouse->id, source_path, source, &table);
	ice_commit_policy_rename("table", &table.warehouse_id, &table.id, &table.namespace_id,
							 source_path, source, &space.id, destination_path, destination,
							 ice_commit_policy_stored(&table, &space.id));
	ice_relation_rename(&table.warehouse_id, &table.id, &space.id, ICE_RELATION_TABLE, destination,
						psprintf("%s.%s", source_path->dotted, source),
						psprintf("%s.%s", destination_path->dotted, destination));
	table.namespace_id = space.id;
	table.name = destination;
	ice_publish_event(&table, "rename-table", destination_path, destination,
					  ice_publish_rename_details(source_path, source));
}
