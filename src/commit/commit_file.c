/*
 * commit_file.c
 *		Commits of clients that write the metadata file themselves, and the file that they read
 *		first.
 *
 * A SQL catalog's client writes a new metadata file and then swaps the location, if it is still the
 * one that it started from. Here the swap is a commit like any other: the document is read before
 * the table is locked, and then must follow what the table is under the lock. Its metadata log must
 * lead to the table's current file: that tells a document made from an older state, whatever
 * location its writer names.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"

#include "commit/commit_policy.h"
#include "commit/commit_file.h"
#include "commit/commit_view.h"
#include "commit/create_register.h"
#include "commit/holdings.h"
#include "commit/metadata_limits.h"
#include "commit/outside_check.h"
#include "commit/place.h"
#include "commit/publish.h"
#include "commit/tenant_root.h"
#include "spec/successor.h"
#include "storage/storage.h"
#include "store/case_mode.h"
#include "store/store_definer.h"
#include "store/store_parts.h"
#include "store/store_profile.h"
#include "store/store_task.h"
#include "store/warehouse_rules.h"

/* Do two locations name one file? "file:/a" and "file:///a" do. */
static bool
same_location(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strcmp(ice_storage_spelling(a), ice_storage_spelling(b)) == 0;
}

/* Raises unless the log of the document ends with (or, if anywhere, holds) the table's current
 * file. */
static void
check_log(const IceTable *table, const IceTableMetadata *next, bool anywhere)
{
	const IcePartList *log = &next->lists[ICE_PART_METADATA_LOG];

	for (int i = log->count - 1; i >= 0 && (anywhere || i == log->count - 1); i--)
		if (same_location(log->items[i]->key, table->metadata_location))
			return;
	ice_raise_full(ICE_ERR_VALIDATION,
				   "The metadata file does not continue the table's current one",
				   psprintf("Expected %s in its metadata-log%s.", table->metadata_location,
							anywhere ? "" : ", as the last entry"),
				   NULL);
}

/* Metadata files that the new document's log has no more. */
static List *
files_out_of_log(const IceTableMetadata *metadata)
{
	const IcePartList *log = &metadata->lists[ICE_PART_METADATA_LOG];
	List              *files = NIL;

	for (int i = 0; i < log->count; i++)
		if (ice_part_is_gone(log->items[i]))
			files = lappend(files, unconstify(char *, log->items[i]->key));
	return files;
}

/* Finds the table as it stands; false if it is not there or its file is not the expected one. */
static bool
look_up(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
		const char *previous, IceTable *out)
{
	if (!ice_table_find(&warehouse->id, path, name, false, out))
		return false;
	ice_table_require(ICE_WRITE, out, path, name);
	return (previous == NULL || same_location(previous, out->metadata_location));
}

/* Locks a table that was looked up; false if it was dropped, moved or changed since. */
static bool
lock(IceTable *table, const char *name)
{
	pg_uuid_t   namespace_id = table->namespace_id;
	const char *location = table->metadata_location;

	return ice_table_lock(table) && ice_case_mode_same(&table->warehouse_id, table->name, name) &&
		   memcmp(&table->namespace_id, &namespace_id, UUID_LEN) == 0 &&
		   strcmp(table->metadata_location, location) == 0;
}

bool
ice_commit_file_of_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
						 const char *name, const char *previous, const char *metadata_location,
						 IceTable *out)
{
	IceTableMetadata *next;
	IceTable          moved;
	const char       *holdings;
	const char       *before;
	List             *files;
	List             *trimmed;

	if (!look_up(warehouse, path, name, previous, out))
		return false;
	ice_tenant_root_check(&warehouse->id, metadata_location);
	next = ice_register_read(&out->warehouse_id, metadata_location, out->metadata->table_uuid);
	ice_outside_check_document(warehouse, &out->id, next, out->metadata->last_sequence_number);
	moved = *out;
	moved.metadata = next;
	ice_place_check_table(warehouse, &moved, ICE_PLACE_DOCUMENT);
	ice_publish_prepare(warehouse, next);
	if (!lock(out, name))
		return false;
	check_log(out, next, previous == NULL);
	(void) ice_parts_load_all(out, false, 0);
	holdings = ice_holdings_key(out->metadata);
	before = ice_commit_policy_state(out->metadata);
	ice_warehouse_rules_check_steering(&warehouse->id, "table", ice_table_properties(next),
									   ice_table_properties(out->metadata));
	out->metadata = ice_successor_of_table(out->metadata, next);
	ice_commit_policy_table(out, "commit-table", path, name, before,
							ice_commit_policy_state(out->metadata));
	ice_metadata_limits_check(&warehouse->id, out->metadata);
	files = files_out_of_log(out->metadata);
	out->metadata_location = metadata_location;
	out->file_expected = true;
	out->version++;
	ice_table_update(out, PG_INT32_MAX, &trimmed);
	ice_holdings_change(out, holdings);
	ice_outside_check_later(out);
	/* No file is queued that would have the removed rows deleted. */
	if (out->removal == ICE_REMOVAL_MARKS)
		ice_task_enqueue_trim(&out->warehouse_id, &out->id, out->version);
	ice_publish_deletes(out, files);
	ice_publish_event(out, "commit-table", path, name, ice_publish_version_details(out));
	return true;
}

/* Finds the view as it stands; false if it is not there or its file is not the expected one. */
static bool
look_up_view(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			 const char *previous, IceView *out)
{
	if (!ice_view_find(&warehouse->id, path, name, false, out))
		return false;
	ice_view_require(ICE_WRITE, out, path, name);
	return (previous == NULL || same_location(previous, out->metadata_location));
}

bool
ice_commit_file_of_view(const IceWarehouse *warehouse, const IceNamespacePath *path,
						const char *name, const char *previous, const char *metadata_location,
						IceView *out)
{
	IceViewMetadata *next;
	IceView          moved;
	pg_uuid_t        seen;
	const char      *before;

	if (!look_up_view(warehouse, path, name, previous, out))
		return false;
	seen = out->id;
	previous = out->metadata_location;
	ice_tenant_root_check(&warehouse->id, metadata_location);
	next = ice_commit_view_register_read(&out->warehouse_id, metadata_location);
	moved = *out;
	moved.metadata = next;
	ice_place_check_view(warehouse, &moved, ICE_PLACE_DOCUMENT);
	ice_publish_view_prepare(warehouse, next);
	if (!ice_view_find_locked(ICE_WRITE, &warehouse->id, path, name, out) ||
		memcmp(&out->id, &seen, UUID_LEN) != 0 || strcmp(out->metadata_location, previous) != 0)
		return false;
	ice_view_load(out, false);
	ice_warehouse_rules_check_steering(&warehouse->id, "view", ice_view_properties(next),
									   ice_view_properties(out->metadata));
	before = ice_commit_policy_view_state(out->metadata);
	out->metadata = ice_view_successor_of_view(out->metadata, next);
	ice_commit_policy_view(out, "replace-view", path, name, before,
						   ice_commit_policy_view_state(out->metadata));
	ice_metadata_limits_check_view(&warehouse->id, out->metadata);
	out->metadata_location = metadata_location;
	out->file_expected = true;
	out->version++;
	ice_view_update(out);
	ice_definer_follow(out);
	ice_holdings_of_view(out);
	ice_publish_view_event(out, "replace-view", path, name, ice_publish_view_version_details(out));
	return true;
}

/* -- the file that is read first --------------------------------------------------------------- */

/* Is the file of a version still to be written, and can it be? A store that is not of this machine
 * is not asked: a file that is queued is written once more. */
static bool
file_missing(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version, bool expected,
			 const char *location)
{
	bool own;

	if (RecoveryInProgress())
		return false;
	if (!ice_storage_is_local(location))
		return expected && ice_profile_reaches(warehouse_id, location) &&
			   ice_task_write_pending(warehouse_id, id, version, &own);
	if (ice_storage_canonical(location, NULL) == NULL)
		return false;
	if (expected && !ice_task_write_pending(warehouse_id, id, version, &own))
		return false;
	return !ice_storage_exists(location, NULL);
}

void
ice_commit_file_ensure(const IceTable *table)
{
	StringInfoData document;

	if (!file_missing(&table->warehouse_id, &table->id, table->version, table->file_expected,
					  table->metadata_location))
		return;
	initStringInfo(&document);
	ice_publish_render_current(&document, table, true); /* of the same snapshot as the head */
	ice_storage_write_metadata(table->metadata_location,
							   ice_profile_of(&table->warehouse_id, table->metadata_location),
							   document.data, (size_t) document.len);
}

void
ice_commit_file_ensure_view(IceView *view)
{
	StringInfoData document;

	if (!file_missing(&view->warehouse_id, &view->id, view->version, view->file_expected,
					  view->metadata_location))
		return;
	initStringInfo(&document);
	ice_view_load(view, true); /* of the same snapshot as the head */
	ice_view_metadata_write(&document, view->metadata);
	ice_storage_write_metadata(view->metadata_location,
							   ice_profile_of(&view->warehouse_id, view->metadata_location),
							   document.data, (size_t) document.len);
}
