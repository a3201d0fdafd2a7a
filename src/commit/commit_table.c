/*
 * commit_table.c
 *		The commit of one or many tables, all or nothing.
 *
 * Steps: find each table; where that is asked for, look whether the same commit was made before;
 * check the requirements without a lock (a stale writer is refused for the price of a read); lock
 * the heads in ascending table id; where a head's version has changed since, read and check again;
 * read what the updates need; create the new tables, each under its namespace's lock, then apply
 * the updates to the others; write only what changed.
 *
 * Parts that were read before the lock stay valid if the version did not move: nobody writes a
 * table's rows without raising it.
 *
 * Design §5. REST: updateTable, commitTransaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/now.h"
#include "commit/commit_policy.h"
#include "commit/commit_table.h"
#include "commit/create_register.h"
#include "commit/deduplicate.h"
#include "commit/holdings.h"
#include "commit/metadata_limits.h"
#include "commit/outside_check.h"
#include "commit/location.h"
#include "commit/place.h"
#include "commit/publish.h"
#include "store/case_mode.h"
#include "store/uuid.h"
#include "store/warehouse_rules.h"

/* Raises unless every requirement of a create is the assertion itself. */
static void
check_create_requirements(const IceTableChange *change)
{
	if (change->request->requirement_count > 1)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid create requirements: assert-create allows no other requirement");
}

/* Loads what the requirements need, and the properties: updates need them anyway. */
static void
load_for_requirements(IceTableChange *change)
{
	IceCommitNeeds needs;

	ice_commit_request_requirements_needs(change->request, &needs);
	needs.lists[ICE_PART_PROPERTIES] = true;
	ice_table_load(&change->table, &needs, false);
}

/* Loads what the updates need; the refs always, for the queued metadata file lists them. */
static void
load_for_updates(IceTableChange *change)
{
	IceCommitNeeds needs;

	ice_commit_request_needs(change->request, &needs);
	needs.lists[ICE_PART_REF] = true;
	needs.lists[ICE_PART_PROPERTIES] = true;
	change->concerned = ice_commit_policy_concerns(&change->table);
	needs.lists[ICE_PART_SCHEMA] |= change->concerned;
	ice_table_load(&change->table, &needs, false);
	if (ice_commit_request_needs_log_end(change->request, change->table.metadata))
		ice_table_load_log_end(&change->table);
}

/* First look, without a lock: finds the table and reads what the requirements need. */
static void
look_up(const IceWarehouse *warehouse, IceTableChange *change)
{
	change->exists = ice_table_find(&warehouse->id, &change->path, change->name, false,
									&change->table);
	if (change->request->is_create)
	{
		check_create_requirements(change);
		if (change->exists)
			ice_raise(ICE_ERR_COMMIT_FAILED, "Requirement failed: table already exists");
		return;
	}
	if (!change->exists)
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table does not exist: %s.%s", change->path.dotted,
				  change->name);
	ice_table_require(ICE_WRITE, &change->table, &change->path, change->name);
	load_for_requirements(change);
}

/* A rename that the lock waited for: from here on the table is called what it is called now. */
static void
take_name(IceTableChange *change, const pg_uuid_t *seen_namespace_id)
{
	const IceTable *table = &change->table;
	IceNamespace    space;

	change->name = table->name;
	if (memcmp(&table->namespace_id, seen_namespace_id, UUID_LEN) != 0)
	{
		(void) ice_namespace_get_by_id(&table->warehouse_id, &table->namespace_id, &change->path,
									   &space);
		ice_table_require(ICE_WRITE, table, &change->path, change->name);
	}
}

/* Locks an existing table; reads and checks again if a commit came between. */
static void
lock_and_check(IceTableChange *change)
{
	IceTableMetadata *seen = change->table.metadata;
	int64             seen_version = change->table.version;
	pg_uuid_t         seen_namespace_id = change->table.namespace_id;

	if (!ice_table_lock(&change->table))
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table does not exist: %s.%s", change->path.dotted,
				  change->name);
	if (change->table.version == seen_version)
		change->table.metadata = seen;
	else
	{
		load_for_requirements(change);
		ice_commit_request_check(change->request, change->table.metadata);
	}
	take_name(change, &seen_namespace_id);
	load_for_updates(change);
}

/* New tables first (by namespace and name), then existing ones by id: one order for all. */
static int
compare_changes(const void *a, const void *b)
{
	const IceTableChange *x = a;
	const IceTableChange *y = b;
	int                   result;

	if (x->exists != y->exists)
		return x->exists ? 1 : -1;
	if (x->exists)
		return memcmp(&x->table.id, &y->table.id, sizeof(pg_uuid_t));
	result = memcmp(VARDATA(x->path.hash), VARDATA(y->path.hash), VARSIZE(x->path.hash) - VARHDRSZ);
	return result != 0 ? result : strcmp(x->name, y->name);
}

/* Who chose the location of a table that a commit creates. The uuid of a staged table is in the
 * commit, and its location is the one that was derived for it. */
static IcePlaceChoice
choice_of(const IceTableMetadata *metadata, const char *derived, const char *uuid,
		  const char *of_staged)
{
	if (derived != NULL && strcmp(metadata->location, derived) == 0)
		return ice_place_choice(derived, uuid);
	if (of_staged != NULL && strcmp(metadata->location, of_staged) == 0)
		return ICE_PLACE_DERIVED;
	return ICE_PLACE_CLIENT;
}

/* Creates the table that a commit with assert-create describes. */
static void
apply_create(const IceWarehouse *warehouse, IceTableChange *change)
{
	IceNamespace      space;
	IceRelationKind   kind;
	IceTableMetadata *metadata;
	IceNamespacePath  spelled = change->path;
	int32             version = ice_commit_request_format_version(change->request);
	const char       *uuid = ice_uuid_v4_text();
	const char       *derived;
	IcePlaceChoice    choice;

	ice_namespace_get(&warehouse->id, &change->path, ICE_LOCK_KEY_SHARE, false, &space);
	ice_namespace_require(ICE_CREATE, &warehouse->id, &space, &change->path);
	metadata = ice_table_metadata_empty(version, uuid);
	change->table = (IceTable){.warehouse_id = warehouse->id, .namespace_id = space.id};
	change->table.metadata = metadata;
	ice_case_mode_respell_path(&warehouse->id, &space.id, false, &spelled);
	derived = ice_location_derive(warehouse, &spelled, &space, change->name, uuid);
	metadata->location = derived;
	(void) ice_commit_request_apply(change->request, metadata, ice_now_ms());
	ice_warehouse_rules_check_steering(&warehouse->id, "table", ice_table_properties(metadata),
									   NULL);
	ice_location_require(metadata->location, "table", &change->path, change->name);
	metadata->location = ice_location_normalize(metadata->location);
	choice = choice_of(
		metadata, derived, uuid,
		ice_location_derive(warehouse, &spelled, &space, change->name, metadata->table_uuid));
	change->event = "create-table";
	if (ice_create_write(warehouse, &change->table, &change->path, change->name, choice,
						 change->event))
		return;
	if (ice_relation_kind(&warehouse->id, &space.id, change->name, &kind) &&
		kind == ICE_RELATION_VIEW)
		ice_relation_raise_taken(&warehouse->id, &space.id, change->name, ICE_RELATION_TABLE,
								 psprintf("%s.%s", change->path.dotted, change->name));
	ice_raise(ICE_ERR_COMMIT_FAILED, "Requirement failed: table already exists");
}

/* The settings that decide whether and where files go. */
static const char *
folders_key(const IceTableMetadata *metadata)
{
	const char *path = ice_table_property(metadata, "write.metadata.path");
	const char *mode = ice_table_property(metadata, ICE_METADATA_MODE_PROPERTY);

	return psprintf("%s\n%s\n%s", metadata->location, path ? path : "", mode ? mode : "");
}

/* Applies the updates to a locked table and writes the next version, if anything changed. */
static void
apply_updates(const IceWarehouse *warehouse, IceTableChange *change)
{
	IceTable         *table = &change->table;
	IceTableMetadata *metadata = table->metadata;
	const char       *folders = folders_key(metadata);
	const char       *holdings = ice_holdings_key(metadata);
	int64             before_ms = metadata->last_updated_ms;
	const char       *before = change->concerned ? ice_commit_policy_state(metadata) : NULL;
	const IceJson    *properties = ice_table_properties(metadata);
	List             *trimmed;

	if (!ice_commit_request_apply(change->request, metadata, ice_now_ms()))
		return;
	ice_warehouse_rules_check_steering(&warehouse->id, "table", ice_table_properties(metadata),
									   properties);
	if (change->concerned)
		ice_commit_policy_table(table, "commit-table", &change->path, change->name, before,
								ice_commit_policy_state(metadata));
	ice_metadata_limits_check(&warehouse->id, metadata);
	metadata->location = ice_location_normalize(metadata->location);
	if (strcmp(holdings, ice_holdings_key(metadata)) != 0)
		ice_place_check_table(warehouse, table, ICE_PLACE_CLIENT);
	if (strcmp(folders, folders_key(metadata)) != 0 || !table->file_expected)
		ice_publish_prepare(warehouse, metadata);
	ice_table_log_push(metadata, table->metadata_location, before_ms);
	table->metadata_location = ice_location_next(metadata, table->metadata_location);
	table->file_expected = ice_publish_wanted(warehouse, metadata);
	table->version++;
	ice_table_update(table, ice_table_log_max(metadata), &trimmed);
	ice_holdings_change(table, holdings);
	ice_outside_check_later(table);
	ice_publish_metadata(warehouse, table);
	ice_publish_deletes(table, trimmed);
	change->event = "commit-table";
}

/* The events of all changes: each tells how many there are of this request. */
static void
publish_events(const IceTableChange *changes, int count)
{
	int events = 0;

	for (int i = 0; i < count; i++)
		events += changes[i].event != NULL;
	for (int i = 0; i < count; i++)
		if (changes[i].event != NULL)
			ice_publish_event(
				&changes[i].table, changes[i].event, &changes[i].path, changes[i].name,
				ice_publish_commit_details(&changes[i].table, changes[i].request, events));
}

void
ice_commit_table_changes(const IceWarehouse *warehouse, IceTableChange *changes, int count)
{
	for (int i = 0; i < count; i++)
		look_up(warehouse, &changes[i]);
	qsort(changes, count, sizeof(IceTableChange), compare_changes);
	for (int i = 1; i < count; i++)
		if (compare_changes(&changes[i - 1], &changes[i]) == 0)
			ice_raise(ICE_ERR_BAD_REQUEST, "Table appears twice in the transaction: %s.%s",
					  changes[i].path.dotted, changes[i].name);
	if (ice_deduplicate(warehouse, changes, count))
		return;
	for (int i = 0; i < count; i++)
		if (changes[i].exists)
			ice_commit_request_check(changes[i].request, changes[i].table.metadata);
	ice_outside_check_changes(warehouse, changes, count);
	for (int i = 0; i < count; i++)
		if (changes[i].exists)
			lock_and_check(&changes[i]);
	for (int i = 0; i < count; i++)
	{
		if (changes[i].exists)
			apply_updates(warehouse, &changes[i]);
		else
			apply_create(warehouse, &changes[i]);
	}
	publish_events(changes, count);
}
