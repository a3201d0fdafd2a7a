/*
 * outside_check.c
 *		Files of new snapshots outside of the folders of their table. See outside_check.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "commit/holdings.h"
#include "commit/outside_check.h"
#include "errors.h"
#include "guc.h"
#include "spec/update.h"
#include "storage/outside.h"
#include "storage/storage.h"
#include "store/store_inspection.h"
#include "store/store_profile.h"
#include "store/warehouse_rules.h"

/* A table as it will be: where its files may lie. */
typedef struct Check
{
	const IceWarehouse *warehouse;
	const pg_uuid_t    *table_id; /* NULL: a new one */
	const char         *display;
	List               *folders;        /* canonical C strings */
	int                 manifests_left; /* that may be read */
} Check;

static IceOutsideRule
rule_of(const char *properties)
{
	IceWarehouseRules rules;

	ice_warehouse_rules_read(properties, &rules);
	return rules.outside;
}

static void
add_folder(Check *check, const char *location)
{
	if (location != NULL && *location != '\0')
		check->folders = list_concat(check->folders, ice_storage_spellings(location));
}

/* What the table holds already, and what the warehouse shares. */
static void
begin_check(Check *check)
{
	static const pg_uuid_t nobody;

	check->manifests_left = ice_guc_inspected_manifests_max;
	check->folders = ice_inspection_folders(&check->warehouse->id,
											check->table_id != NULL ? check->table_id : &nobody,
											check->warehouse->properties);
}

static void
pg_attribute_noreturn() refuse(const Check *check, const IceOutside *outside, int64 snapshot_id)
{
	ice_raise_full(
		ICE_ERR_VALIDATION,
		psprintf("Snapshot " INT64_FORMAT " of %s names " INT64_FORMAT
				 " file(s) outside of the table's locations, such as %s",
				 snapshot_id, check->display, outside->count, (char *) linitial(outside->files)),
		NULL,
		"Files lie below the location of the table, its write.*.path properties, or what "
		"the property " ICE_SHARED_PROPERTY " of the warehouse names; " ICE_OUTSIDE_PROPERTY
		" is strict.");
}

/* The manifest list of a parent that the table has; NULL: none. */
static const char *
stored_parent_list(const Check *check, const IceJson *json)
{
	int64       parent;
	const char *text = NULL;

	if (check->table_id != NULL && ice_json_opt_int64(json, "parent-snapshot-id", &parent))
		text = ice_inspection_snapshot(&check->warehouse->id, check->table_id, parent);
	if (text == NULL)
		return NULL;
	return ice_json_opt_string(ice_json_parse(text, strlen(text), ice_guc_json_depth_max),
							   "manifest-list");
}

/* Reads what is new in a snapshot. parent_list: of its parent, whose files were checked; NULL:
 * none. */
static void
check_snapshot(Check *check, const IceJson *json, int64 snapshot_id, const char *parent_list)
{
	IceJson        *manifests = ice_json_opt_array(json, "manifests");
	const char     *list = ice_json_opt_string(json, "manifest-list");
	IceOutside      outside = {.folders = check->folders,
							   .list = list,
							   .parent_list = parent_list,
							   .manifests_max = check->manifests_left,
							   .files_max = 1};
	IceOutsideLook *look;

	for (int i = 0; manifests != NULL && i < manifests->count; i++)
		outside.manifests =
			lappend(outside.manifests,
					unconstify(char *, ice_json_to_string(manifests->items[i], "manifests")));
	if (list == NULL && outside.manifests == NIL)
		return;
	outside.profile = ice_profile_of(&check->warehouse->id,
									 list != NULL ? list : linitial(outside.manifests));
	look = ice_outside_begin(&outside);
	while (ice_outside_step(look))
		;
	ice_outside_end(look);
	check->manifests_left -= outside.manifests_read;
	if (outside.count > 0)
		refuse(check, &outside, snapshot_id);
}

/* -- commits ---------------------------------------------------------------------------------- */

static bool
is_action(const IceUpdate *update, const char *action)
{
	const char *name = ice_json_opt_string(update->json, "action");

	return name != NULL && strcmp(name, action) == 0;
}

/* The last value that the updates give to a property of folders, with none after it that takes it
 * away; NULL: none. */
static const char *
property_set(const IceCommitRequest *request, const char *name)
{
	const char *value = NULL;

	for (int i = 0; i < request->update_count; i++)
	{
		const IceUpdate *update = &request->updates[i];
		IceJson         *list;

		if (is_action(update, "set-properties"))
		{
			const char *set = ice_json_opt_string(ice_json_get(update->json, "updates"), name);

			value = set != NULL ? set : value;
		}
		if (!is_action(update, "remove-properties"))
			continue;
		list = ice_json_opt_array(update->json, "removals");
		for (int k = 0; list != NULL && k < list->count; k++)
			if (strcmp(ice_json_to_string(list->items[k], "removals"), name) == 0)
				value = NULL;
	}
	return value;
}

static void
add_folders_of_request(Check *check, const IceCommitRequest *request)
{
	const char *location = NULL;

	for (int i = 0; i < request->update_count; i++)
		if (is_action(&request->updates[i], "set-location"))
			location = ice_json_opt_string(request->updates[i].json, "location");
	add_folder(check, location);
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
		add_folder(check, property_set(request, ice_folder_properties[i]));
}

static bool put_off = false;

void
ice_outside_check_put_off(bool on)
{
	put_off = on;
}

/* Reads what each new snapshot of a change adds. */
static void
check_change(const IceWarehouse *warehouse, const IceTableChange *change)
{
	Check check = {.warehouse = warehouse,
				   .table_id = change->exists ? &change->table.id : NULL,
				   .display = psprintf("%s.%s", change->path.dotted, change->name)};
	bool  begun = false;

	for (int i = 0; i < change->request->update_count; i++)
	{
		const IceUpdate *update = &change->request->updates[i];

		if (!is_action(update, "add-snapshot"))
			continue;
		if (put_off)
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("manifests are not read while the table is locked")));
		if (!begun)
		{
			begin_check(&check);
			add_folders_of_request(&check, change->request);
			begun = true;
		}
		check_snapshot(&check, update->value, update->snapshot.snapshot_id,
					   stored_parent_list(&check, update->value));
	}
}

void
ice_outside_check_changes(const IceWarehouse *warehouse, const IceTableChange *changes, int count)
{
	if (rule_of(warehouse->properties) != ICE_OUTSIDE_STRICT)
		return;
	for (int i = 0; i < count; i++)
		check_change(warehouse, &changes[i]);
}

/* -- documents -------------------------------------------------------------------------------- */

/* The manifest list of a parent that stands before a snapshot of a document: it was checked. Two
 * that call each other their parents were not. NULL: none. */
static const char *
parent_list_before(const IcePartList *snapshots, int at)
{
	int64 parent;

	if (!ice_json_opt_int64(ice_part_json(snapshots->items[at]), "parent-snapshot-id", &parent))
		return NULL;
	for (int i = at - 1; i >= 0; i--)
	{
		IcePart *part = snapshots->items[i];

		CHECK_FOR_INTERRUPTS();
		if (part->id == parent)
			return ice_json_opt_string(ice_part_json(part), "manifest-list");
	}
	return NULL;
}

void
ice_outside_check_document(const IceWarehouse *warehouse, const pg_uuid_t *table_id,
						   const IceTableMetadata *metadata, int64 last_sequence_number)
{
	const IcePartList *snapshots = &metadata->lists[ICE_PART_SNAPSHOT];
	Check check = {.warehouse = warehouse, .table_id = table_id, .display = "the document"};

	if (rule_of(warehouse->properties) != ICE_OUTSIDE_STRICT)
		return;
	begin_check(&check);
	add_folder(&check, metadata->location);
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
		add_folder(&check, ice_table_property(metadata, ice_folder_properties[i]));
	for (int i = 0; i < snapshots->count; i++)
	{
		IceJson *json = ice_part_json(snapshots->items[i]);
		int64    id = ice_json_int64(json, "snapshot-id");
		int64    sequence = 0;

		(void) ice_json_opt_int64(json, "sequence-number", &sequence);
		if (id == metadata->current_snapshot_id || sequence > last_sequence_number)
			check_snapshot(&check, json, id,
						   last_sequence_number == ICE_OUTSIDE_ALL
							   ? parent_list_before(snapshots, i)
							   : stored_parent_list(&check, json));
	}
}

/* -- reports ---------------------------------------------------------------------------------- */

void
ice_outside_check_later(const IceTable *table)
{
	const IcePartList *snapshots = &table->metadata->lists[ICE_PART_SNAPSHOT];
	bool               known = false;

	for (int i = 0; i < snapshots->count; i++)
	{
		IcePart *part = snapshots->items[i];

		if (!ice_part_is_new(part))
			continue;
		if (!known && !ice_inspection_wanted(&table->warehouse_id))
			return;
		known = true;
		ice_inspection_add(&table->warehouse_id, &table->id, part->id);
	}
}
