/*
 * drop_purge.c
 *		Deletes the files of a table that was dropped with purge, then its rows.
 *
 * What is deleted is what the reference implementation deletes: every data and delete file named by a manifest of any
 * snapshot (not with gc.enabled=false, since the files may belong to other tables then), the
 * manifests, manifest lists, statistics files, earlier metadata files and the current one. Then the
 * directories of the table's location, as far as they are empty.
 *
 * A client chooses what its manifests name. A file is left alone if it lies below the location of
 * another live table of the warehouse (the deepest location above a file is its owner) or outside the
 * allowed roots; if a live table shares the very location, all files stay.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "maint/avro.h"
#include "maint/drop_purge.h"
#include "storage/storage.h"
#include "store/store_outbox.h"
#include "store/store_table.h"

/* A set of file locations. */
typedef struct PathEntry
{
	char  *path;
	uint32 status;
	uint32 hash;
} PathEntry;

#define SH_PREFIX path_set
#define SH_ELEMENT_TYPE PathEntry
#define SH_KEY_TYPE char *
#define SH_KEY path
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) key, (int) strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Run
{
	IcePurge     *purge;
	path_set_hash *live;     /* canonical locations of the other live tables */
	path_set_hash *manifests;
	char         *location; /* canonical; NULL: not on a storage that may be used */
	MemoryContext scratch;  /* reset after each file */
} Run;

/* Adds a copy of a path that need not be NUL-terminated. */
static void
add_path(path_set_hash *set, const char *path, size_t len)
{
	char *copy = MemoryContextAllocExtended(set->ctx, len + 1, 0);
	bool  found;

	memcpy(copy, path, len);
	copy[len] = '\0';
	(void) path_set_insert(set, copy, &found);
	if (found)
		pfree(copy);
}

/* Does a live table own the file? Looks for the deepest location above it, this table's included. */
static bool
belongs_to_another(const Run *run, const char *canonical)
{
	char *path = pstrdup(canonical);
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL && slash > path && slash[-1] != '/')
	{
		*slash = '\0';
		if (path_set_lookup(run->live, path) != NULL)
			return true;
		if (run->location != NULL && strcmp(path, run->location) == 0)
			return false;
	}
	return false;
}

/* The canonical form of a file that may be deleted or read; NULL, and counted, if it is left alone. */
static char *
own_file(Run *run, const char *location)
{
	char *canonical = ice_storage_canonical(location);

	if (canonical != NULL && !belongs_to_another(run, canonical))
		return canonical;
	run->purge->kept_count++;
	return NULL;
}

static void
delete_file(Run *run, const char *location)
{
	MemoryContext old = MemoryContextSwitchTo(run->scratch);
	char         *file;

	CHECK_FOR_INTERRUPTS();
	file = own_file(run, location);
	if (file != NULL && ice_storage_for(file)->remove(file))
		run->purge->deleted_count++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}

/* Reads an Avro file and visits a field of its records; nothing if the file is gone already. */
static void
visit_file(Run *run, const char *location, const char *const *path, IceAvroVisit visit)
{
	MemoryContext  context = AllocSetContextCreate(CurrentMemoryContext, "icecat manifest",
												   ALLOCSET_DEFAULT_SIZES);
	MemoryContext  old = MemoryContextSwitchTo(context);
	char          *file = ice_storage_canonical(location);
	StringInfoData content;

	if (file != NULL && ice_storage_for(file)->exists(file))
	{
		initStringInfo(&content);
		ice_storage_for(file)->read(file, (size_t) ice_guc_metadata_file_bytes_max, &content);
		ice_avro_visit(content.data, (size_t) content.len, path, visit, run);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
visit_manifest(const char *value, size_t len, void *arg)
{
	Run *run = arg;

	add_path(run->manifests, value, len);
}

static void
visit_data_file(const char *value, size_t len, void *arg)
{
	Run          *run = arg;
	MemoryContext old = MemoryContextSwitchTo(run->scratch);
	char         *location = pnstrdup(value, len);

	MemoryContextSwitchTo(old);
	delete_file(run, location);
}

static IceJson *
parse(const char *text)
{
	return ice_json_parse(text, strlen(text), ice_guc_json_depth_max);
}

/* Collects the manifests of all snapshots; returns their manifest lists. */
static List *
collect_manifests(Run *run)
{
	static const char *const field[] = {"manifest_path", NULL};
	List                    *lists = NIL;
	ListCell                *cell;

	foreach (cell, run->purge->files.snapshots)
	{
		IceJson    *snapshot = parse(lfirst(cell));
		const char *list = ice_json_opt_string(snapshot, "manifest-list");
		IceJson    *manifests = ice_json_opt_array(snapshot, "manifests");

		if (list != NULL)
		{
			lists = lappend(lists, pstrdup(list));
			visit_file(run, list, field, visit_manifest);
		}
		for (int i = 0; manifests != NULL && i < manifests->count; i++)
		{
			const char *path = ice_json_to_string(manifests->items[i], "manifests");

			add_path(run->manifests, path, strlen(path));
		}
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

/* A table that never was on a storage of ours has no location here; its files are then all left alone. */
static void
start_run(Run *run, IcePurge *purge)
{
	ListCell *cell;

	run->purge = purge;
	run->live = path_set_create(CurrentMemoryContext, 256, NULL);
	run->manifests = path_set_create(CurrentMemoryContext, 256, NULL);
	run->location = ice_storage_canonical(purge->files.location);
	run->scratch = AllocSetContextCreate(CurrentMemoryContext, "icecat purge",
										 ALLOCSET_DEFAULT_SIZES);
	foreach (cell, purge->live_locations)
	{
		char *location = ice_storage_canonical(lfirst(cell));

		if (location != NULL)
			add_path(run->live, location, strlen(location));
	}
}

void
ice_purge_run(IcePurge *purge)
{
	Run   run;
	List *manifest_lists;

	purge->deleted_count = 0;
	purge->kept_count = 0;
	start_run(&run, purge);
	if (run.location == NULL || path_set_lookup(run.live, run.location) != NULL)
	{
		ereport(LOG, (errmsg("files of the dropped table \"%s\" stay in place", purge->files.name),
				 errdetail(run.location == NULL ? "The server may not use location %s."
													 : "Another table has the same location %s.",
						   purge->files.location)));
		return;
	}
	manifest_lists = collect_manifests(&run);
	if (gc_enabled(purge))
		delete_data_files(&run);
	delete_manifests(&run);
	delete_files(&run, manifest_lists);
	delete_files(&run, purge->files.metadata_log);
	delete_statistics(&run);
	delete_file(&run, purge->files.metadata_location);
	ice_storage_for(run.location)->prune(run.location);
}

IcePurge *
ice_purge_prepare(const IceTask *task)
{
	IcePurge *purge = palloc0(sizeof(IcePurge));

	purge->warehouse_id = task->warehouse_id;
	purge->table_id = task->table_id;
	purge->version = task->version;
	if (!ice_purge_read_table(&task->warehouse_id, &task->table_id, &purge->files))
		return NULL;
	purge->live_locations = ice_purge_live_locations(&task->warehouse_id);
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
