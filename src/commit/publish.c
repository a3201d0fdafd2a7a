/*
 * publish.c
 *		What follows the rows of a new table version: its metadata file, its event, the worker's
 *		wake-up.
 *
 * All of it happens in the transaction of the change. In mode sync, and for a new table's first
 * file, a file appears before the commit; if the transaction then fails, it is left over and
 * nothing refers to it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"

#include "budget_server.h"
#include "commit/location.h"
#include "commit/publish.h"
#include "commit/tenant_root.h"
#include "guc.h"
#include "spec/steering.h"
#include "storage/storage.h"
#include "store/case_mode.h"
#include "store/frozen_head.h"
#include "store/pending.h"
#include "store/store_event.h"
#include "store/store_parts.h"
#include "store/store_profile.h"
#include "store/store_queue.h"
#include "store/store_task.h"
#include "store/warehouse_rules.h"

/* The mode that a table's or view's own property (NULL: not set) and its warehouse ask for. */
static IceMetadataMode
mode_of(const IceWarehouse *warehouse, const char *mode)
{
	if (mode == NULL)
	{
		IceJson *properties = ice_json_parse(warehouse->properties, strlen(warehouse->properties),
											 ice_guc_json_depth_max);

		mode = ice_json_opt_string(properties, ICE_METADATA_MODE_PROPERTY);
	}
	if (mode == NULL || strcmp(mode, "async") == 0)
		return ICE_METADATA_ASYNC;
	if (strcmp(mode, "sync") == 0)
		return ICE_METADATA_SYNC;
	if (strcmp(mode, "none") == 0)
		return ICE_METADATA_NONE;
	ice_raise_full(ICE_ERR_VALIDATION,
				   psprintf("Invalid value of %s: \"%s\"", ICE_METADATA_MODE_PROPERTY, mode),
				   "Expected async, sync or none.", NULL);
}

IceMetadataMode
ice_publish_mode(const IceWarehouse *warehouse, const IceTableMetadata *metadata)
{
	return mode_of(warehouse, ice_table_property(metadata, ICE_METADATA_MODE_PROPERTY));
}

static IceMetadataMode
view_mode(const IceWarehouse *warehouse, const IceViewMetadata *metadata)
{
	return mode_of(warehouse, ice_view_property(metadata, ICE_METADATA_MODE_PROPERTY));
}

bool
ice_publish_wanted_for_view(const IceWarehouse *warehouse, const IceViewMetadata *metadata)
{
	return view_mode(warehouse, metadata) != ICE_METADATA_NONE;
}

bool
ice_publish_wanted(const IceWarehouse *warehouse, const IceTableMetadata *metadata)
{
	return ice_publish_mode(warehouse, metadata) != ICE_METADATA_NONE;
}

void
ice_publish_prepare(const IceWarehouse *warehouse, const IceTableMetadata *metadata)
{
	ice_tenant_root_check_table(&warehouse->id, metadata);
	if (ice_publish_wanted(warehouse, metadata))
		ice_location_prepare(&warehouse->id, metadata);
}

/* Finds the queued write of a file, in whatever warehouse and spelling. */
static const IceTask *
find_queued(const char *location)
{
	List       *tasks = ice_task_writes_named(location);
	const char *wanted = tasks != NIL ? ice_storage_spelling(location) : NULL;
	ListCell   *cell;

	foreach (cell, tasks)
	{
		const IceTask *task = lfirst(cell);

		if (strcmp(ice_storage_spelling(task->location), wanted) == 0)
			return task;
	}
	return NULL;
}

bool
ice_publish_queued_document(const char *location, StringInfo out)
{
	const IceTask *task = find_queued(location);

	if (task == NULL || !ice_task_render(task, out))
		return false;
	ice_pending_note(&task->warehouse_id, &task->table_id, task->version);
	return true;
}

/* Is the current file of a table or view there, or still in the queue? In that case the answer,
 * which names it, can wait for it. Only file storage is looked at: a stat is cheap, a network is
 * not; and a standby may not have the disk. The second look is for a worker that wrote the file and
 * emptied the queue between the first two. */
static bool
file_comes(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version, const char *location)
{
	const IceTask *task;
	bool           own;

	if (!ice_guc_check_metadata_file || RecoveryInProgress() || !ice_storage_missing(location))
		return true;
	if (ice_task_write_pending(warehouse_id, id, version, &own))
	{
		ice_pending_note(warehouse_id, id, version);
		return true;
	}
	/* One that was registered while another table's commit had it queued. */
	task = find_queued(location);
	if (task != NULL)
		ice_pending_note(&task->warehouse_id, &task->table_id, task->version);
	return task != NULL || !ice_storage_missing(location);
}

static void
check_file(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version, const char *location)
{
	if (!file_comes(warehouse_id, id, version, location))
		ice_raise_full(ICE_ERR_NO_SUCH_FILE,
					   psprintf("Failed to open input stream for file: %s", location),
					   "The metadata file was removed from storage.",
					   "icecat.export_metadata() writes it again from the database; "
					   "icecat.missing_metadata_files() lists all that are gone.");
}

void
ice_publish_await(const IceTable *table)
{
	if (table->file_expected)
		(void) file_comes(&table->warehouse_id, &table->id, table->version,
						  table->metadata_location);
}

void
ice_publish_await_view(const IceView *view)
{
	if (view->file_expected)
		(void) file_comes(&view->warehouse_id, &view->id, view->version, view->metadata_location);
}

void
ice_publish_check(const IceTable *table)
{
	if (table->file_expected)
		check_file(&table->warehouse_id, &table->id, table->version, table->metadata_location);
}

void
ice_publish_check_view(const IceView *view)
{
	if (view->file_expected)
		check_file(&view->warehouse_id, &view->id, view->version, view->metadata_location);
}

/* shown: to clients, else as the file has it. */
static bool
render(StringInfo out, const IceTable *table, bool refs_only, bool read_only, bool shown,
	   int bytes_max)
{
	IceTable         current = *table;
	IceTableMetadata metadata = *table->metadata;

	if (!table->complete || refs_only)
	{
		memset(metadata.lists, 0, sizeof(metadata.lists));
		current.metadata = &metadata;
		if (refs_only)
			ice_parts_load_referenced(&current, read_only);
		else if (!ice_parts_load_all(&current, read_only, bytes_max))
			return false;
	}
	if (shown && !ice_warehouse_rules_steering(&table->warehouse_id))
		ice_steering_hide(&metadata);
	if (bytes_max > 0 && ice_table_metadata_size(&metadata) > (size_t) bytes_max)
		return false;
	ice_table_metadata_write(out, &metadata);
	return true;
}

/* What the database holds is not counted as a request's: a table loads however large it has
 * become. */
bool
ice_publish_render(StringInfo out, const IceTable *table, bool refs_only, bool read_only,
				   int bytes_max)
{
	MemoryContext before = ice_budget_exempt(CurrentMemoryContext);
	bool          rendered = render(out, table, refs_only, read_only, true, bytes_max);

	(void) ice_budget_exempt(before);
	return rendered;
}

void
ice_publish_render_current(StringInfo out, const IceTable *table, bool read_only)
{
	MemoryContext before = ice_budget_exempt(CurrentMemoryContext);

	(void) render(out, table, false, read_only, false, 0);
	(void) ice_budget_exempt(before);
}

/* Writes the file of the current version now. */
static void
write_now(const IceTable *table)
{
	StringInfoData document;

	initStringInfo(&document);
	ice_publish_render_current(&document, table, false);
	ice_storage_write_metadata(table->metadata_location,
							   ice_profile_of(&table->warehouse_id, table->metadata_location),
							   document.data, document.len);
}

/* The first file of a new table or view is written at once on a local disk, where its folders are
 * made at once anyway: nobody waits for a lock, and clients find what the answer names. Any other
 * store is never written within the transaction. */
static bool
is_first_on_disk(int64 version, const char *location)
{
	return version == 1 && ice_storage_is_local(location);
}

void
ice_publish_metadata(const IceWarehouse *warehouse, const IceTable *table)
{
	IceMetadataMode mode = ice_publish_mode(warehouse, table->metadata);

	/* Where no file is queued, removed rows would have nobody to delete them. */
	if (mode != ICE_METADATA_ASYNC && table->removal == ICE_REMOVAL_MARKS)
		ice_task_enqueue_trim(&table->warehouse_id, &table->id, table->version);
	if (mode == ICE_METADATA_NONE)
		return;
	if (mode == ICE_METADATA_SYNC || is_first_on_disk(table->version, table->metadata_location))
		write_now(table);
	else
	{
		ice_task_enqueue_write(&table->warehouse_id, &table->id, table->version,
							   table->metadata_location, ice_frozen_head_write(table));
		ice_pending_note(&table->warehouse_id, &table->id, table->version);
	}
}

void
ice_publish_deletes(const IceTable *table, List *files)
{
	const char *wanted = ice_table_property(table->metadata,
											"write.metadata.delete-after-commit.enabled");
	ListCell   *cell;

	if (wanted == NULL || pg_strcasecmp(wanted, "true") != 0)
		return;
	foreach (cell, files)
		if (ice_location_is_metadata_file(table->metadata, lfirst(cell)))
			ice_task_enqueue_delete_file(&table->warehouse_id, &table->id, table->version,
										 lfirst(cell), table->metadata->table_uuid);
}

/* request: NULL for what is no commit. events: of the whole request. */
static char *
version_details(const IceTable *table, const IceCommitRequest *request, int events)
{
	const IceTableMetadata *m = table->metadata;
	StringInfoData          out;
	IceJsonWriter           w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "metadata-location");
	ice_json_write_string(&w, table->metadata_location);
	ice_json_write_key(&w, "last-sequence-number");
	ice_json_write_int(&w, m->last_sequence_number);
	if (m->current_snapshot_id != ICE_NO_SNAPSHOT)
	{
		ice_json_write_key(&w, "current-snapshot-id");
		ice_json_write_int(&w, m->current_snapshot_id);
	}
	if (request != NULL)
		ice_commit_request_tell(request, &w);
	if (events > 1)
	{
		ice_json_write_key(&w, "request-event-count");
		ice_json_write_int(&w, events);
	}
	ice_json_write_end_object(&w);
	return out.data;
}

char *
ice_publish_version_details(const IceTable *table)
{
	return version_details(table, NULL, 1);
}

char *
ice_publish_commit_details(const IceTable *table, const IceCommitRequest *request, int events)
{
	return version_details(table, request, events);
}

char *
ice_publish_rename_details(const IceNamespacePath *source_path, const char *source)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "source-namespace");
	ice_json_write_begin_array(&w);
	for (int i = 0; i < source_path->depth; i++)
		ice_json_write_string(&w, source_path->levels[i]);
	ice_json_write_end_array(&w);
	ice_json_write_key(&w, "source-name");
	ice_json_write_string(&w, source);
	ice_json_write_end_object(&w);
	return out.data;
}

/* Details that begin with the uuid of the metadata: who follows events needs it when the rows of
 * the table or view are gone, too. */
static const char *
with_uuid(const char *key, const char *uuid, const char *details_json)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"%s\":", key);
	ice_json_escape(&out, uuid);
	appendStringInfo(&out, ",%s", details_json + 1);
	return out.data;
}

void
ice_publish_event(const IceTable *table, const char *event_type, const IceNamespacePath *path,
				  const char *name, const char *details_json)
{
	IceNamespacePath spelled = *path;

	ice_case_mode_respell_path(&table->warehouse_id, &table->namespace_id, false, &spelled);
	ice_event_insert(&table->warehouse_id, event_type, "table", &table->id, spelled.array,
					 table->name != NULL ? table->name : name, table->version,
					 with_uuid("table-uuid", table->metadata->table_uuid, details_json));
	ice_queue_signal();
}

/* -- views ------------------------------------------------------------------------------------ */

void
ice_publish_view_prepare(const IceWarehouse *warehouse, const IceViewMetadata *metadata)
{
	ice_tenant_root_check_view(&warehouse->id, metadata);
	if (ice_publish_wanted_for_view(warehouse, metadata))
		ice_location_prepare_view(&warehouse->id, metadata);
}

void
ice_publish_view_metadata(const IceWarehouse *warehouse, const IceView *view,
						  const StringInfoData *document)
{
	IceMetadataMode mode = view_mode(warehouse, view->metadata);

	if (mode == ICE_METADATA_NONE)
		return;
	if (mode == ICE_METADATA_SYNC || is_first_on_disk(view->version, view->metadata_location))
		ice_storage_write_metadata(view->metadata_location,
								   ice_profile_of(&view->warehouse_id, view->metadata_location),
								   document->data, (size_t) document->len);
	else
	{
		ice_task_enqueue_document(&view->warehouse_id, &view->id, view->version,
								  view->metadata_location, document->data, (size_t) document->len);
		ice_pending_note(&view->warehouse_id, &view->id, view->version);
	}
}

char *
ice_publish_view_version_details(const IceView *view)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "metadata-location");
	ice_json_write_string(&w, view->metadata_location);
	ice_json_write_key(&w, "current-version-id");
	ice_json_write_int(&w, view->metadata->current_version_id);
	ice_json_write_end_object(&w);
	return out.data;
}

void
ice_publish_view_event(const IceView *view, const char *event_type, const IceNamespacePath *path,
					   const char *name, const char *details_json)
{
	IceNamespacePath spelled = *path;

	ice_case_mode_respell_path(&view->warehouse_id, &view->namespace_id, false, &spelled);
	ice_event_insert(&view->warehouse_id, event_type, "view", &view->id, spelled.array,
					 view->name != NULL ? view->name : name, view->version,
					 with_uuid("view-uuid", view->metadata->view_uuid, details_json));
}
