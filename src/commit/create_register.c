/*
 * create_register.c
 *		New tables: created, staged, registered.
 *
 * The namespace is locked FOR KEY SHARE first; the name is claimed by the unique index of the
 * relations, which waits for a transaction that claims the same one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/now.h"
#include "commit/outside_check.h"
#include "commit/commit_policy.h"
#include "commit/create_register.h"
#include "commit/holdings.h"
#include "commit/metadata_limits.h"
#include "commit/location.h"
#include "commit/place.h"
#include "commit/publish.h"
#include "commit/read_metadata.h"
#include "commit/tenant_root.h"
#include "guc.h"
#include "storage/storage.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/store_access.h"
#include "store/names.h"
#include "store/naming.h"
#include "store/store_parts.h"
#include "store/store_task.h"
#include "store/uuid.h"
#include "store/warehouse_rules.h"

bool
ice_create_write(const IceWarehouse *warehouse, IceTable *table, const IceNamespacePath *path,
				 const char *name, IcePlaceChoice choice, const char *event_type)
{
	bool publish = table->metadata_location == NULL;

	table->id = ice_uuid_v7();
	table->version = 1;
	if (!ice_relation_insert(&warehouse->id, &table->id, &table->namespace_id, name,
							 ICE_RELATION_TABLE))
		return false;
	ice_metadata_limits_check(&warehouse->id, table->metadata);
	ice_commit_policy_table(table, event_type, path, name, NULL,
							ice_commit_policy_state(table->metadata));
	ice_place_check_table(warehouse, table, choice);
	ice_publish_prepare(warehouse, table->metadata);
	if (publish)
		table->metadata_location = ice_location_next(table->metadata, NULL);
	table->file_expected = !publish || ice_publish_wanted(warehouse, table->metadata);
	ice_table_insert(table);
	ice_access_own("table", &warehouse->id, &table->id);
	if (publish)
		ice_holdings_of_table(table);
	else
		ice_holdings_of_registered(table);
	ice_outside_check_later(table);
	if (publish)
		ice_publish_metadata(warehouse, table);
	return true;
}

/* Raises ALREADY_EXISTS for a name, which a table or a view has. */
static void
raise_exists(const IceWarehouse *warehouse, const IceNamespace *space, const IceNamespacePath *path,
			 const char *name)
{
	ice_relation_raise_taken(&warehouse->id, &space->id, name, ICE_RELATION_TABLE,
							 psprintf("%s.%s", path->dotted, name));
}

/* Where nothing is stored that would find out about a view of the name, or about a rule. */
static void
check_name(const IceWarehouse *warehouse, const IceNamespace *space, const IceNamespacePath *path,
		   const char *name)
{
	IceRelationKind kind;

	ice_name_check_new("table", name);
	ice_naming_check(&warehouse->id, &space->id, ICE_NAMED_TABLE, name);
	if (ice_relation_kind(&warehouse->id, &space->id, name, &kind))
		raise_exists(warehouse, space, path, name);
}

/* Sets out to the table that a request asks for, in the namespace. */
static IcePlaceChoice
plan_table(const IceWarehouse *warehouse, const IceNamespacePath *path, const IceNamespace *space,
		   IceCreateTable *request, IceTable *out)
{
	IceNamespacePath spelled = *path;
	const char      *location;

	if (request->table_uuid == NULL)
		request->table_uuid = ice_uuid_v4_text();
	ice_warehouse_rules_check_steering(&warehouse->id, "table", request->properties, NULL);
	ice_case_mode_respell_path(&warehouse->id, &space->id, false, &spelled);
	location = request->location != NULL ? ice_location_normalize(request->location)
										 : ice_location_derive(warehouse, &spelled, space,
															   request->name, request->table_uuid);
	ice_location_require(location, "table", path, request->name);
	*out = (IceTable){.warehouse_id = warehouse->id, .namespace_id = space->id};
	out->metadata = ice_table_metadata_new(request, request->table_uuid, location, ice_now_ms());
	return request->location != NULL ? ICE_PLACE_CLIENT
									 : ice_place_choice(location, request->table_uuid);
}

bool
ice_create_expect(const IceWarehouse *warehouse, const IceNamespacePath *path,
				  IceCreateTable *request, IceTable *out)
{
	IceNamespace   space;
	IcePlaceChoice choice;

	ice_namespace_get(&warehouse->id, path, ICE_LOCK_NONE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	if (ice_table_find(&warehouse->id, path, request->name, false, out))
		return false;
	choice = plan_table(warehouse, path, &space, request, out);
	check_name(warehouse, &space, path, request->name);
	ice_place_expect_table(warehouse, out, choice);
	return true;
}

void
ice_create_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
				 IceCreateTable *request, IceTable *out)
{
	IceNamespace   space;
	IceTable       existing;
	IcePlaceChoice choice;

	ice_namespace_get(&warehouse->id, path,
					  request->stage_create ? ICE_LOCK_NONE : ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	if (ice_table_find(&warehouse->id, path, request->name, false, &existing))
		raise_exists(warehouse, &space, path, request->name);
	choice = plan_table(warehouse, path, &space, request, out);
	if (request->stage_create)
	{
		check_name(warehouse, &space, path, request->name);
		ice_commit_policy_table(out, "stage-table", path, request->name, NULL,
								ice_commit_policy_state(out->metadata));
		ice_place_check_table(warehouse, out, choice);
		ice_publish_prepare(warehouse, out->metadata);
	}
	else if (ice_create_write(warehouse, out, path, request->name, choice, "create-table"))
		ice_publish_event(out, "create-table", path, request->name,
						  ice_publish_version_details(out));
	else
		raise_exists(warehouse, &space, path, request->name);
}

IceTableMetadata *
ice_register_read(const pg_uuid_t *warehouse_id, const char *metadata_location,
				  const char *fallback_uuid)
{
	return ice_table_metadata_parse(ice_read_metadata(warehouse_id, metadata_location),
									fallback_uuid);
}

/* Replaces the whole content of a table whose head is locked by another document, as its next
 * version. */
static void
overwrite_table(IceTable *table, const IceNamespacePath *path, const char *name,
				IceTableMetadata *metadata, const char *metadata_location)
{
	const char *before;
	List       *trimmed;

	(void) ice_parts_load_all(table, false, 0);
	before = ice_commit_policy_state(table->metadata);
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		IcePartList *old = &table->metadata->lists[kind];
		IcePartList *new = &metadata->lists[kind];
		IcePartList both = {.loaded = true, .count = old->count + new->count};

		both.capacity = both.count;
		both.items = palloc(sizeof(IcePart *) * Max(both.count, 1));
		for (int i = 0; i < old->count; i++)
		{
			ice_part_remove(old->items[i]);
			both.items[i] = old->items[i];
		}
		for (int i = 0; i < new->count; i++)
			both.items[old->count + i] = new->items[i];
		metadata->lists[kind] = both;
	}
	table->metadata = metadata;
	ice_commit_policy_table(table, "register-table", path, name, before,
							ice_commit_policy_state(metadata));
	ice_metadata_limits_check(&table->warehouse_id, metadata);
	table->metadata_location = metadata_location;
	table->file_expected = true;
	table->version++;
	ice_table_update(table, PG_INT32_MAX, &trimmed);
	ice_holdings_of_registered(table);
	ice_outside_check_later(table);
	/* No file is queued that would have the removed rows deleted. */
	ice_task_enqueue_trim(&table->warehouse_id, &table->id, table->version);
	ice_publish_event(table, "register-table", path, name, ice_publish_version_details(table));
}

bool
ice_register_expect(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
					const char *metadata_location, bool overwrite, IceTable *out)
{
	IceNamespace space;
	IceTable     existing;
	bool         exists;

	ice_namespace_get(&warehouse->id, path, ICE_LOCK_NONE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	*out = (IceTable){.warehouse_id = warehouse->id, .namespace_id = space.id};
	exists = ice_table_find(&warehouse->id, path, name, false, &existing);
	if (exists)
	{
		if (!overwrite || !ice_access_may_by_id(ICE_WRITE, &warehouse->id, &existing.id))
			return false;
		*out = existing;
	}
	ice_tenant_root_check(&warehouse->id, metadata_location);
	out->metadata = ice_register_read(&warehouse->id, metadata_location, ice_uuid_v4_text());
	if (!exists)
		check_name(warehouse, &space, path, name);
	ice_place_expect_table(warehouse, out, ICE_PLACE_DOCUMENT);
	return true;
}

void
ice_register_table(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
				   const char *metadata_location, bool overwrite, IceTable *out)
{
	IceNamespace      space;
	IceTableMetadata *metadata;
	bool              exists;

	ice_namespace_get(&warehouse->id, path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, path);
	exists = ice_table_find(&warehouse->id, path, name, false, out);
	if (exists && !overwrite)
		raise_exists(warehouse, &space, path, name);
	if (exists)
		ice_table_require(ICE_WRITE, out, path, name);
	ice_holdings_of_existing(&warehouse->id, metadata_location);
	metadata = ice_register_read(&warehouse->id, metadata_location, ice_uuid_v4_text());
	ice_outside_check_document(warehouse, exists ? &out->id : NULL, metadata, ICE_OUTSIDE_ALL);
	if (exists)
	{
		out->metadata = metadata;
		ice_place_check_table(warehouse, out, ICE_PLACE_DOCUMENT);
		ice_publish_prepare(warehouse, metadata); /* before there is a lock */
	}
	if (exists && ice_table_find_locked(ICE_WRITE, &warehouse->id, path, name, out))
	{
		overwrite_table(out, path, name, metadata, metadata_location);
		return;
	}
	*out = (IceTable){.warehouse_id = warehouse->id, .namespace_id = space.id};
	out->metadata = metadata;
	out->metadata_location = metadata_location;
	if (ice_create_write(warehouse, out, path, name, ICE_PLACE_DOCUMENT, "register-table"))
	{
		ice_publish_event(out, "register-table", path, name, ice_publish_version_details(out));
		return;
	}
	/* Perhaps a table that was made while we waited for the name. */
	if (!overwrite || !ice_table_find_locked(ICE_WRITE, &warehouse->id, path, name, out))
		raise_exists(warehouse, &space, path, name);
	overwrite_table(out, path, name, metadata, metadata_location);
}
