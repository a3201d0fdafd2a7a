/*
 * drop_purge.c
 *		Deletes the files of a table that was dropped with purge, then its rows.
 *
 * What is deleted is what the reference implementation deletes: every data and delete file named by a manifest of any
 * snapshot (not with gc.enabled=false, since the files may belong to other tables then), the
 * manifests, manifest lists, statistics files, earlier metadata files and the current one. Then the
 * directories of the table's location, as far as they are empty.
 *
 * A client chooses what its manifests name, so each file goes through ice_owned_delete(): what is not the table's own
 * stays, and is counted. Manifests and manifest lists that lie elsewhere are not even read.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "avro/avro.h"
#include "budget.h"
#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "maint/drop_purge.h"
#include "maint/owned_files.h"
#include "maint/path_set.h"
#include "storage/storage.h"
#include "store/store_event.h"
#include "store/store_location.h"
#include "store/store_table.h"

#define SLICE_FILES 200

typedef struct Run
{
	IcePurge      *purge;
	IceOwner       owner;
	path_set_hash *manifests; /* canonical */
	List          *slice;     /* canonical files that are to be deleted next, in slice_context */
	MemoryContext  slice_context;
} Run;

/* Adds a copy of a path; false if it is in the set. The set lies in a context of its own, which is counted. */
static bool
add_path(path_set_hash *set, const char *path)
{
	MemoryContext old = MemoryContextSwitchTo(set->ctx);
	char         *copy = pstrdup(path);
	bool          found;

	ice_step();
	(void) path_set_insert(set, copy, &found);
	if (found)
		pfree(copy);
	MemoryContextSwitchTo(old);
	return !found;
}

static path_set_hash *
make_path_set(const char *name)
{
	return path_set_create(
		AllocSetContextCreateInternal(CurrentMemoryContext, name, ALLOCSET_DEFAULT_SIZES), 256,
		NULL);
}

/* Deletes what has come together. */
static void
flush(Run *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->slice_context);
	int           count = list_length(run->slice);
	IceOwnedFile *files = palloc0(sizeof(IceOwnedFile) * Max(count, 1));

	for (int i = 0; i < count; i++)
		files[i].location = list_nth(run->slice, i);
	if (count > 0)
		(void) ice_owned_delete(&run->owner, files, count);
	if (run->owner.refused != NULL)
		ice_raise(ICE_ERR_STORAGE, "%s", run->owner.refused);
	for (int i = 0; i < count; i++)
		if (files[i].error != NULL)
			ice_raise(ICE_ERR_STORAGE, "%s", files[i].error);
	run->slice = NIL;
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->slice_context);
}

/* A file is deleted with those that follow. One outside of the allowed roots stays. */
static void
delete_file(Run *run, const char *location)
{
	MemoryContext old = MemoryContextSwitchTo(run->slice_context);
	char         *file = ice_storage_canonical(location);

	CHECK_FOR_INTERRUPTS();
	if (file == NULL)
		run->owner.kept_count++;
	else
		run->slice = lappend(run->slice, file);
	MemoryContextSwitchTo(old);
	if (list_length(run->slice) >= SLICE_FILES)
		flush(run);
}

/* Does a file lie in the table's own folders, by its letters? Who else holds it is asked before it is deleted. */
static bool
is_own(const Run *run, const char *file)
{
	ListCell *cell;

	foreach (cell, run->purge->folders)
		if (ice_storage_is_below(file, lfirst(cell)))
			return true;
	return false;
}

/* Reads an Avro file and visits a field of its records; nothing if the file is gone already, or not the table's. */
static void
visit_file(Run *run, const char *location, const char *const *path, IceAvroVisit visit)
{
	MemoryContext  context = AllocSetContextCreate(CurrentMemoryContext, "icecat manifest",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext  old = MemoryContextSwitchTo(context);
	char          *file = ice_storage_canonical(location);
	const IceStorage *storage;
	StringInfoData content;

	if (file != NULL && is_own(run, file) && ice_storage_exists(file))
	{
		initStringInfo(&content);
		storage = ice_storage_open(file, NULL);
		storage->read(storage, file, (size_t) ice_guc_metadata_file_bytes_max, &content);
		ice_avro_visit(content.data, (size_t) content.len, path, visit, run);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
add_manifest(Run *run, const char *path)
{
	char *file = ice_storage_canonical(path);

	if (file == NULL)
	{
		run->owner.kept_count++;
		return;
	}
	(void) add_path(run->manifests, file);
	pfree(file);
}

static void
visit_manifest(const char *value, size_t len, void *arg)
{
	char *path = pnstrdup(value, len);

	add_manifest(arg, path);
	pfree(path);
}

static void
visit_data_file(const char *value, size_t len, void *arg)
{
	char *location = pnstrdup(value, len);

	delete_file(arg, location);
	pfree(location);
}

static IceJson *
parse(const char *text)
{
	return ice_json_parse(text, strlen(text), ice_guc_json_depth_max);
}

/* Was a manifest list met before? Those outside of the allowed roots are not read anyway. */
static bool
is_new_list(path_set_hash *seen, const char *list)
{
	char *file = ice_storage_canonical(list);
	bool  is_new = file == NULL || add_path(seen, file);

	if (file != NULL)
		pfree(file);
	return is_new;
}

/* Collects the manifests of all snapshots; returns their manifest lists. Many snapshots may name one list. */
static List *
collect_manifests(Run *run)
{
	static const char *const field[] = {"manifest_path", NULL};
	path_set_hash           *seen = make_path_set("icecat manifest lists");
	List                    *lists = NIL;
	ListCell                *cell;

	foreach (cell, run->purge->files.snapshots)
	{
		IceJson    *snapshot = parse(lfirst(cell));
		const char *list = ice_json_opt_string(snapshot, "manifest-list");
		IceJson    *manifests = ice_json_opt_array(snapshot, "manifests");

		if (list != NULL && is_new_list(seen, list))
		{
			lists = lappend(lists, pstrdup(list));
			visit_file(run, list, field, visit_manifest);
		}
		for (int i = 0; manifests != NULL && i < manifests->count; i++)
			add_manifest(run, ice_json_to_string(manifests->items[i], "manifests"));
	}
	return lists;
}

static bool
gc_enabled(const IcePurge *purge)
{
	const char *value;

	if (purge->files.properties == NULL)
		return true;
	value = ice_json_opt_string(parse(purge->files.properties), "gc.enabled");
	return value == NULL || pg_strcasecmp(value, "true") == 0;
}

static void
delete_files(Run *run, List *locations)
{
	ListCell *cell;

	foreach (cell, locations)
		delete_file(run, lfirst(cell));
}

static void
delete_data_files(Run *run)
{
	static const char *const field[] = {"data_file", "file_path", NULL};
	path_set_iterator        iterator;
	PathEntry               *entry;

	path_set_start_iterate(run->manifests, &iterator);
	while ((entry = path_set_iterate(run->manifests, &iterator)) != NULL)
		visit_file(run, entry->path, field, visit_data_file);
}

static void
delete_manifests(Run *run)
{
	path_set_iterator iterator;
	PathEntry        *entry;

	path_set_start_iterate(run->manifests, &iterator);
	while ((entry = path_set_iterate(run->manifests, &iterator)) != NULL)
		delete_file(run, entry->path);
}

static void
delete_statistics(Run *run)
{
	ListCell *cell;

	foreach (cell, run->purge->files.statistics)
	{
		const char *path = ice_json_opt_string(parse(lfirst(cell)), "statistics-path");

		if (path != NULL)
			delete_file(run, path);
	}
}

static void
start_run(Run *run, IcePurge *purge, const IceTransactions *transactions)
{
	*run = (Run){.purge = purge};
	run->owner = (IceOwner){.warehouse_id = purge->warehouse_id,
							.object_id = purge->table_id,
							.transactions = transactions};
	run->manifests = make_path_set("icecat manifests");
	run->slice_context = AllocSetContextCreate(CurrentMemoryContext, "icecat purge",
											   ALLOCSET_DEFAULT_SIZES);
}

/* In this order, each slice before the next: what names other files goes after these. */
static void
delete_all(Run *run)
{
	List *manifest_lists = collect_manifests(run);

	if (gc_enabled(run->purge))
		delete_data_files(run);
	flush(run);
	delete_manifests(run);
	flush(run);
	delete_files(run, manifest_lists);
	delete_files(run, run->purge->files.metadata_log);
	delete_statistics(run);
	flush(run);
	delete_file(run, run->purge->files.metadata_location);
	flush(run);
}

void
ice_purge_run(IcePurge *purge, const IceTransactions *transactions)
{
	Run       run;
	ListCell *cell;

	start_run(&run, purge, transactions);
	if (!ice_owned_allowed(&run.owner))
	{
		purge->refused = run.owner.refused;
		return;
	}
	if (purge->folders == NIL)
		ereport(
			LOG,
			(errmsg("files of the dropped table \"%s\" stay in place", purge->files.name),
			 errdetail(
				 "Other tables or views hold something around its location %s, or it is not known.",
						   purge->files.location)));
	else
		delete_all(&run);
	foreach (cell, purge->folders)
		if (ice_storage_canonical(lfirst(cell)) != NULL)
			ice_owned_prune(&run.owner, lfirst(cell));
	purge->deleted_count = run.owner.deleted_count;
	purge->kept_count = run.owner.kept_count;
}

bool
ice_purge_waits(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	List     *paths = NIL;
	ListCell *cell;

	foreach (cell, ice_task_write_locations(warehouse_id, table_id))
		paths = list_concat(paths, ice_storage_spellings(lfirst(cell)));
	return paths != NIL && ice_holds_known() &&
		   ice_holds_of_others(warehouse_id, table_id, paths) != NIL;
}

IcePurge *
ice_purge_prepare(const IceTask *task)
{
	IcePurge *purge = palloc0(sizeof(IcePurge));
	IceOwner  owner;

	purge->warehouse_id = task->warehouse_id;
	purge->table_id = task->table_id;
	purge->version = task->version;
	if (!ice_purge_read_table(&task->warehouse_id, &task->table_id, &purge->files))
		return NULL;
	owner = (IceOwner){.warehouse_id = task->warehouse_id, .object_id = task->table_id};
	purge->folders = ice_owned_folders(&owner);
	return purge;
}

void
ice_purge_finish(const IcePurge *purge)
{
	char *details = psprintf("{\"location\":%s,\"files-deleted\":" INT64_FORMAT
							 ",\"files-kept\":" INT64_FORMAT "}",
							 ice_json_text(ice_json_make_string(purge->files.location)),
							 purge->deleted_count, purge->kept_count);

	ice_store_delete_table(&purge->warehouse_id, &purge->table_id);
	ice_task_delete_all(&purge->warehouse_id, &purge->table_id);
	ice_event_insert(&purge->warehouse_id, "purge-table", "table", &purge->table_id,
					 purge->files.namespace_levels, purge->files.name, purge->version, details);
}
