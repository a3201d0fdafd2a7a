/*
 * purge_walk.c
 *		Finds the files of a dropped table, step by step. See purge_walk.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "avro/avro.h"
#include "guc.h"
#include "json/json.h"
#include "maint/path_set.h"
#include "maint/purge_walk.h"
#include "storage/storage.h"

#define MET_BYTES_MAX (8 * 1024 * 1024)

/* An Avro file that is being read. */
typedef struct Reading
{
	MemoryContext context;
	IceAvroFile  *file; /* NULL: none */
	char         *path; /* canonical */
} Reading;

struct IcePurgeWalk
{
	MemoryContext          context;
	const IceDroppedTable *table;
	List                  *folders;
	IceOwner              *owner;
	IcePurgeQueue         *queue;
	bool                   gc_enabled;
	IcePurgeList           at;    /* the list of rows that is read; ICE_PURGE_LISTS: all were */
	int64                  after; /* the last row of it that was read */
	MemoryContext          page_context;
	List                  *page; /* C strings */
	int                    page_at;
	Reading                manifest_list;
	MemoryContext          file_context; /* of one look at a name */
	MemoryContext          names_context;
	List                  *names; /* manifests of the block that was read last: C strings */
	int                    names_at;
	Reading                manifest;
	path_set_hash         *met; /* manifests and manifest lists; canonical */
};

static MemoryContext
make_context(const char *name)
{
	return AllocSetContextCreateInternal(CurrentMemoryContext, name, ALLOCSET_DEFAULT_SIZES);
}

static bool
gc_enabled(const char *properties)
{
	const char *value;

	if (properties == NULL)
		return true;
	value = ice_json_opt_string(
		ice_json_parse(properties, strlen(properties), ice_guc_json_depth_max), "gc.enabled");
	return value == NULL || pg_strcasecmp(value, "true") == 0;
}

IcePurgeWalk *
ice_purge_walk_begin(const IceDroppedTable *table, List *folders, IceOwner *owner,
					 IcePurgeQueue *queue)
{
	IcePurgeWalk *walk = palloc0(sizeof(IcePurgeWalk));

	walk->context = CurrentMemoryContext;
	walk->table = table;
	walk->folders = folders;
	walk->owner = owner;
	walk->queue = queue;
	walk->gc_enabled = gc_enabled(table->properties);
	walk->after = -1;
	walk->page_context = make_context("icecat purge rows");
	walk->names_context = make_context("icecat purge manifests");
	walk->file_context = make_context("icecat purge file");
	walk->manifest_list.context = make_context("icecat manifest list");
	walk->manifest.context = make_context("icecat manifest");
	ice_purge_walk_forget(walk);
	return walk;
}

/* -- what was met ----------------------------------------------------------------------------- */

void
ice_purge_walk_forget(IcePurgeWalk *walk)
{
	MemoryContext old = MemoryContextSwitchTo(walk->context);

	if (walk->met != NULL)
		MemoryContextDelete(walk->met->ctx);
	walk->met = path_set_create(make_context("icecat purge met"), 256, NULL);
	MemoryContextSwitchTo(old);
}

bool
ice_purge_walk_heavy(const IcePurgeWalk *walk)
{
	return MemoryContextMemAllocated(walk->met->ctx, false) > MET_BYTES_MAX;
}

/* Notes a path; false if it was met before. */
static bool
meet(IcePurgeWalk *walk, const char *path)
{
	bool found;

	if (path_set_lookup(walk->met, unconstify(char *, path)) != NULL)
		return false;
	(void) path_set_insert(walk->met, MemoryContextStrdup(walk->met->ctx, path), &found);
	return true;
}

/* Does a file lie in the table's own folders, by its letters? Which others hold it is asked before
 * it is deleted. */
static bool
is_own(const IcePurgeWalk *walk, const char *file)
{
	ListCell *cell;

	foreach (cell, walk->folders)
		if (ice_storage_is_below(file, lfirst(cell)))
			return true;
	return false;
}

/* -- files ------------------------------------------------------------------------------------ */

/* A file is deleted with those of its level. One outside of the allowed roots stays. A manifest
 * names very many: what it takes to look at one is given back at once. */
static void
add_file(IcePurgeWalk *walk, IcePurgeLevel level, const char *location)
{
	MemoryContext old = MemoryContextSwitchTo(walk->file_context);
	char         *file = ice_storage_canonical(location, walk->owner->profile);

	CHECK_FOR_INTERRUPTS();
	if (file != NULL)
		ice_purge_queue_add(walk->queue, level, file);
	else
		walk->owner->kept_count++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(walk->file_context);
}

static void
begin_reading(Reading *reading, const IceStorageProfile *profile, const char *file,
			  const char *const *field)
{
	MemoryContext     old = MemoryContextSwitchTo(reading->context);
	const IceStorage *storage = ice_storage_open(file, profile);
	StringInfoData    content;

	initStringInfo(&content);
	storage->read(storage, file, (size_t) ice_guc_metadata_file_bytes_max, &content);
	reading->path = pstrdup(file);
	reading->file = ice_avro_open(content.data, (size_t) content.len, field);
	MemoryContextSwitchTo(old);
}

/* The next block of a file. At its end nothing is left of it but the file itself, which goes after
 * what it named. */
static void
go_on_reading(IcePurgeWalk *walk, Reading *reading, IceAvroVisit visit, IcePurgeLevel level)
{
	MemoryContext old = MemoryContextSwitchTo(reading->context);
	bool          more = ice_avro_next_block(reading->file, visit, walk);

	MemoryContextSwitchTo(old);
	if (more)
		return;
	ice_purge_queue_add(walk->queue, level, reading->path);
	MemoryContextReset(reading->context);
	reading->file = NULL;
}

/* Begins with a manifest or manifest list, or only has it deleted: where there is nothing to read.
 * One that is gone was dealt with before. */
static void
take_file(IcePurgeWalk *walk, const char *location, Reading *reading, const char *const *field,
		  IcePurgeLevel level)
{
	char *file = ice_storage_canonical(location, walk->owner->profile);

	if (file == NULL)
	{
		walk->owner->kept_count++;
		return;
	}
	if (meet(walk, file))
	{
		if (!is_own(walk, file) || reading == NULL)
			ice_purge_queue_add(walk->queue, level, file);
		else if (ice_storage_exists(file, walk->owner->profile))
			begin_reading(reading, walk->owner->profile, file, field);
	}
	pfree(file);
}

/* A file of whose name no text can be made stays: nothing could be said about it. */
static bool
is_text(IcePurgeWalk *walk, const char *name, size_t len)
{
	bool valid = ice_storage_is_text(name, len);

	walk->owner->kept_count += !valid;
	return valid;
}

static void
visit_data_file(const char *value, size_t len, void *arg)
{
	char *location;

	if (!is_text(arg, value, len))
		return;
	location = pnstrdup(value, len);
	add_file(arg, ICE_PURGE_DATA, location);
	pfree(location);
}

static void
add_name(IcePurgeWalk *walk, const char *name, size_t len)
{
	MemoryContext old = MemoryContextSwitchTo(walk->names_context);

	walk->names = lappend(walk->names, pnstrdup(name, len));
	MemoryContextSwitchTo(old);
}

static void
visit_manifest(const char *value, size_t len, void *arg)
{
	if (is_text(arg, value, len))
		add_name(arg, value, len);
}

static void
next_manifest(IcePurgeWalk *walk)
{
	static const char *const field[] = {"data_file", "file_path", NULL};

	take_file(walk, list_nth(walk->names, walk->names_at++),
			  walk->gc_enabled ? &walk->manifest : NULL, field, ICE_PURGE_MANIFEST);
	if (walk->names_at < list_length(walk->names))
		return;
	MemoryContextReset(walk->names_context);
	walk->names = NIL;
	walk->names_at = 0;
}

/* -- rows ------------------------------------------------------------------------------------- */

static IceJson *
parse(const char *text)
{
	return ice_json_parse(text, strlen(text), ice_guc_json_depth_max);
}

/* Many snapshots may name one manifest list. */
static void
take_snapshot(IcePurgeWalk *walk, IceJson *snapshot)
{
	static const char *const field[] = {"manifest_path", NULL};
	const char              *list = ice_json_opt_string(snapshot, "manifest-list");
	IceJson                 *manifests = ice_json_opt_array(snapshot, "manifests");

	if (list != NULL)
		take_file(walk, list, &walk->manifest_list, field, ICE_PURGE_NAMED);
	for (int i = 0; manifests != NULL && i < manifests->count; i++)
	{
		const char *name = ice_json_to_string(manifests->items[i], "manifests");

		add_name(walk, name, strlen(name));
	}
}

static void
take_row(IcePurgeWalk *walk, const char *row)
{
	const char *path = row;

	if (walk->at == ICE_PURGE_SNAPSHOTS)
	{
		take_snapshot(walk, parse(row));
		return;
	}
	if (walk->at == ICE_PURGE_STATISTICS || walk->at == ICE_PURGE_PARTITION_STATISTICS)
		path = ice_json_opt_string(parse(row), "statistics-path");
	if (path != NULL)
		add_file(walk, ICE_PURGE_NAMED, path);
}

/* Of a page: what it takes to read them goes with it. */
static void
next_row(IcePurgeWalk *walk)
{
	MemoryContext old = MemoryContextSwitchTo(walk->page_context);

	take_row(walk, list_nth(walk->page, walk->page_at++));
	MemoryContextSwitchTo(old);
}

static void
read_page(void *arg)
{
	IcePurgeWalk *walk = arg;

	walk->page = ice_purge_read_page(walk->at, &walk->owner->warehouse_id, &walk->owner->object_id,
									 &walk->after);
}

static void
next_page(IcePurgeWalk *walk)
{
	MemoryContext old;

	MemoryContextReset(walk->page_context);
	walk->page = NIL;
	walk->page_at = 0;
	old = MemoryContextSwitchTo(walk->page_context);
	ice_transaction_run(walk->owner->transactions, read_page, walk);
	MemoryContextSwitchTo(old);
	if (walk->page != NIL)
		return;
	walk->at++;
	walk->after = -1;
	if (walk->at == ICE_PURGE_LISTS)
		add_file(walk, ICE_PURGE_LAST, walk->table->metadata_location);
}

bool
ice_purge_walk_step(IcePurgeWalk *walk)
{
	if (walk->manifest.file != NULL)
		go_on_reading(walk, &walk->manifest, visit_data_file, ICE_PURGE_MANIFEST);
	else if (walk->names != NIL)
		next_manifest(walk);
	else if (walk->manifest_list.file != NULL)
		go_on_reading(walk, &walk->manifest_list, visit_manifest, ICE_PURGE_NAMED);
	else if (walk->page_at < list_length(walk->page))
		next_row(walk);
	else if (walk->at < ICE_PURGE_LISTS)
		next_page(walk);
	else
		return false;
	return true;
}
