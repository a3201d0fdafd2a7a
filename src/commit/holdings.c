/*
 * holdings.c
 *		Notes what a table or view holds on storage (icecat_data.location).
 *
 * Rows are added and never taken back while the table lives: files that lie at a former location
 * are still its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "commit/holdings.h"
#include "commit/tenant_root.h"
#include "errors.h"
#include "guc.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/caller.h"
#include "store/store_file_lock.h"
#include "store/store_hold.h"
#include "store/store_task.h"

const char *const ice_folder_properties[ICE_FOLDER_PROPERTIES] = {
	"write.metadata.path", "write.data.path", "write.object-storage.path",
	"write.folder-storage.path"};

typedef struct Holder
{
	const pg_uuid_t *warehouse_id;
	const pg_uuid_t *id;
	const char      *catalog;
	List            *folders; /* canonical, by their letters */
	List            *shared;  /* folders whose lock the transaction shares: canonical */
	bool             exists;  /* files may be there already, in its folders, too */
	bool             known;   /* there are rows of locations */
} Holder;

/* More folders than so many are not locked one by one. */
#define SHARED_MAX 64

/* -- rows ------------------------------------------------------------------------------------- */

static void
hold(const Holder *holder, IceHoldKind kind, const char *location)
{
	ListCell *cell;

	foreach (cell, ice_storage_spellings(location))
		ice_hold_add(holder->warehouse_id, holder->id, kind, lfirst(cell));
}

/* Shares the lock of a folder; past SHARED_MAX, of the whole bucket or file system. */
static void
share(Holder *holder, const char *folder)
{
	ListCell *cell;

	foreach (cell, holder->shared)
		if (ice_storage_is_below(folder, lfirst(cell)))
			return;
	if (list_length(holder->shared) >= SHARED_MAX)
		folder = llast(ice_hold_line(folder));
	ice_file_lock_share(folder);
	holder->shared = lappend(holder->shared, pstrdup(folder));
}

static void
share_folder(Holder *holder, const char *location)
{
	ListCell *cell;

	foreach (cell, ice_storage_spellings(location))
		share(holder, lfirst(cell));
}

/* The folder that a file is in. */
static void
share_file(Holder *holder, const char *location)
{
	ListCell *cell;

	foreach (cell, ice_storage_spellings(location))
	{
		List *line = ice_hold_line(lfirst(cell));

		share(holder, list_length(line) > 1 ? lsecond(line) : linitial(line));
	}
}

static void
hold_folder(Holder *holder, IceHoldKind kind, const char *location, bool write)
{
	if (location == NULL || location[0] == '\0')
		return;
	holder->folders = lappend(holder->folders, ice_storage_spelling(location));
	if (!write)
		return;
	ice_tenants_hold();
	ice_tenant_root_check(holder->warehouse_id, location);
	if (holder->exists)
		share_folder(holder, location);
	hold(holder, kind, location);
	if (holder->catalog == NULL)
		holder->catalog = ice_hold_catalog_id(true);
	ice_mark_make(location, holder->catalog);
}

/* A path, in all spellings, and the folders above it. */
static List *
lines_of(const char *location)
{
	List     *paths = NIL;
	ListCell *cell;

	foreach (cell, ice_storage_spellings(location))
		paths = list_concat(paths, ice_hold_line(lfirst(cell)));
	return paths;
}

/* What is in the folders of a table that the caller may not load is not named by another one. */
static void
check_file(const char *location)
{
	if (ice_holds_unseen(lines_of(location)))
		ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: %s is a file of a table that %s may not load",
				  location, GetUserNameFromId(ice_caller().role, false));
}

/* A file that the metadata names: a row only if it lies in none of the folders. */
static void
hold_file(Holder *holder, const char *location)
{
	const char *spelling;
	ListCell   *cell;

	if (location == NULL)
		return;
	spelling = ice_storage_spelling(location);
	foreach (cell, holder->folders)
		if (ice_storage_is_below(spelling, lfirst(cell)))
			return;
	ice_tenants_hold();
	ice_tenant_root_check(holder->warehouse_id, location);
	if (!holder->known && !ice_holds_known())
		return;
	holder->known = true;
	check_file(location);
	share_file(holder, location);
	hold(holder, ICE_HOLD_FILE, location);
}

/* -- tables ----------------------------------------------------------------------------------- */

static void
hold_snapshot(Holder *holder, IcePart *part)
{
	IceJson *snapshot = ice_part_json(part);
	IceJson *manifests = ice_json_opt_array(snapshot, "manifests");

	hold_file(holder, ice_json_opt_string(snapshot, "manifest-list"));
	for (int i = 0; manifests != NULL && i < manifests->count; i++)
		hold_file(holder, ice_json_to_string(manifests->items[i], "manifests"));
}

/* What the new parts of the metadata name. */
static void
hold_named(Holder *holder, const IceTable *table)
{
	static const IcePartKind kinds[] = {ICE_PART_SNAPSHOT, ICE_PART_STATISTICS,
										ICE_PART_PARTITION_STATISTICS, ICE_PART_METADATA_LOG};

	hold_file(holder, table->metadata_location);
	for (size_t k = 0; k < lengthof(kinds); k++)
	{
		const IcePartList *list = &table->metadata->lists[kinds[k]];

		for (int i = 0; i < list->count; i++)
		{
			IcePart *part = list->items[i];

			if (!ice_part_is_new(part))
				continue;
			if (kinds[k] == ICE_PART_SNAPSHOT)
				hold_snapshot(holder, part);
			else if (kinds[k] == ICE_PART_METADATA_LOG)
				hold_file(holder, part->key);
			else
				hold_file(holder, ice_json_opt_string(ice_part_json(part), "statistics-path"));
		}
	}
}

/* The folders (as rows, too, with write), and what is named outside of them. */
static void
hold_all(Holder *holder, const IceTable *table, bool write)
{
	hold_folder(holder, ICE_HOLD_LOCATION, table->metadata->location, write);
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
		hold_folder(holder, ICE_HOLD_PATH,
					ice_table_property(table->metadata, ice_folder_properties[i]), write);
	hold_named(holder, table);
}

void
ice_holdings_of_table(const IceTable *table)
{
	Holder holder = {.warehouse_id = &table->warehouse_id, .id = &table->id};

	if (ice_holds_known())
		hold_all(&holder, table, true);
}

void
ice_holdings_of_registered(const IceTable *table)
{
	Holder holder = {
		.warehouse_id = &table->warehouse_id, .id = &table->id, .exists = true, .known = true};

	if (!ice_holds_known())
		return;
	hold(&holder, ICE_HOLD_REGISTERED, table->metadata_location);
	hold_all(&holder, table, true);
}

/* A property of the warehouse, which neither a client of REST nor a file in storage can set. */
bool
ice_holdings_may_purge(const IceWarehouse *warehouse, const IceTable *table)
{
	const char *value;

	if (!ice_holds_known() || !ice_holds_registered(&table->warehouse_id, &table->id))
		return true;
	value = ice_json_opt_string(ice_json_parse(warehouse->properties, strlen(warehouse->properties),
											   ice_guc_json_depth_max),
								ICE_PURGE_REGISTERED_PROPERTY);
	return value != NULL && strcmp(value, "true") == 0;
}

char *
ice_holdings_key(const IceTableMetadata *metadata)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfoString(&key, metadata->location);
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
	{
		const char *folder = ice_table_property(metadata, ice_folder_properties[i]);

		appendStringInfo(&key, "\n%s", folder != NULL ? folder : "");
	}
	return key.data;
}

void
ice_holdings_change(const IceTable *table, const char *key_before)
{
	Holder holder = {.warehouse_id = &table->warehouse_id, .id = &table->id};
	bool   folders = strcmp(key_before, ice_holdings_key(table->metadata)) != 0;

	if (folders && !ice_holds_known())
		return;
	holder.exists = holder.known = folders;
	hold_all(&holder, table, folders);
}

/* -- views ------------------------------------------------------------------------------------ */

void
ice_holdings_of_view(const IceView *view)
{
	Holder holder = {.warehouse_id = &view->warehouse_id, .id = &view->id, .exists = true};

	if (!ice_holds_known())
		return;
	hold_folder(&holder, ICE_HOLD_LOCATION, view->metadata->location, true);
	hold_folder(&holder, ICE_HOLD_PATH, ice_view_property(view->metadata, ice_folder_properties[0]),
				true);
	hold_file(&holder, view->metadata_location);
}

/* -- registrations ---------------------------------------------------------------------------- */

void
ice_holdings_of_existing(const pg_uuid_t *warehouse_id, const char *metadata_location)
{
	Holder holder = {.warehouse_id = warehouse_id};

	ice_tenants_hold();
	ice_tenant_root_check(warehouse_id, metadata_location);
	share_file(&holder, metadata_location);
	if (!ice_holds_known())
		return;
	if (ice_holds_being_purged(lines_of(metadata_location)))
		ice_raise_full(
			ICE_ERR_NO_SUCH_FILE, psprintf("File is being deleted: %s", metadata_location),
			"A table that was dropped with purge holds it, and its purge is queued.", NULL);
}
