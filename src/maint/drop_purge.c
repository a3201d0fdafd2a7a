/*
 * drop_purge.c
 *		Deletes the files of a table that was dropped with purge, then its rows, slice by slice. See
 *		drop_purge.h.
 *
 * First its files (purge_walk.h), then the directories of its location as far as they are empty,
 * then its rows.
 *
 * A client chooses what its manifests name, so each file goes through ice_owned_files_delete():
 * what is not the table's own stays, and is counted.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "json/json.h"
#include "maint/drop_purge.h"
#include "maint/purge_walk.h"
#include "storage/storage.h"
#include "store/store_event.h"
#include "store/store_hold.h"
#include "store/store_table.h"

#define DELETED_AT_ONCE        64 /* files whose owner is looked up together: some milliseconds */
#define DELETED_AT_ONCE_REMOTE 1000
#define DELETED                "files-deleted"
#define KEPT                   "files-kept"
#define SEEN                   "seen-us" /* see ice_drop_purge_seen() */

struct IcePurge
{
	IceTask         task;
	MemoryContext   context;
	MemoryContext   scratch; /* of one step */
	IceDroppedTable table;
	bool            is_known; /* the table's rows are there */
	IceOwner        owner;
	int64           deleted_before; /* by those who began the purge before */
	TimestampTz     seen;           /* DT_NOEND: not noted */
	List           *folders;        /* that were its own when it began: canonical C strings */
	IcePurgeQueue   queue;
	IcePurgeWalk   *walk;
	bool            is_allowed; /* this database deletes files of its owner, it was found */
	bool            winds_up;
	int             folder_at; /* of those that are pruned */
	IceStorageWalk *prune;
	MemoryContext   prune_context;
	int             files_left; /* in this slice */
};

bool
ice_drop_purge_waits(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	List     *paths = NIL;
	ListCell *cell;

	foreach (cell, ice_task_write_locations(warehouse_id, table_id))
		paths = list_concat(paths, ice_storage_spellings(lfirst(cell)));
	return paths != NIL && ice_holds_known() &&
		   ice_holds_of_others(warehouse_id, table_id, paths) != NIL;
}

/* -- begin ------------------------------------------------------------------------------------ */

static IceJson *
progress_of(const IceTask *task)
{
	const char *noted = task->head_json != NULL ? task->head_json : "{}";

	return ice_json_parse(noted, strlen(noted), ice_guc_json_depth_max);
}

/* What those who began it before have counted. */
static void
read_progress(IcePurge *purge)
{
	IceJson *progress = progress_of(&purge->task);

	(void) ice_json_opt_int64(progress, DELETED, &purge->deleted_before);
	(void) ice_json_opt_int64(progress, KEPT, &purge->owner.kept_count);
	purge->seen = ice_drop_purge_seen(&purge->task);
}

TimestampTz
ice_drop_purge_seen(const IceTask *task)
{
	int64 seen = DT_NOEND;

	(void) ice_json_opt_int64(progress_of(task), SEEN, &seen);
	return seen;
}

void
ice_drop_purge_note_seen(const IceTask *task, TimestampTz seen)
{
	int64    deleted = 0;
	int64    kept = 0;
	IceJson *progress = progress_of(task);

	(void) ice_json_opt_int64(progress, DELETED, &deleted);
	(void) ice_json_opt_int64(progress, KEPT, &kept);
	(void) ice_task_note_progress(task,
								  psprintf("{\"" DELETED "\":" INT64_FORMAT ",\"" KEPT
										   "\":" INT64_FORMAT ",\"" SEEN "\":" INT64_FORMAT "}",
										   deleted, kept, seen));
}

static void
say_that_files_stay(const IcePurge *purge)
{
	ereport(LOG, (errmsg("files of the dropped table \"%s\" stay in place", purge->table.name),
				  errdetail("Other tables or views hold something around its location %s, or it is "
							"not known.",
							purge->table.location)));
}

/* Its location is not among the folders where others hold something around it: then nothing is
 * looked for. */
static void
read_table(IcePurge *purge)
{
	const IceTask *task = &purge->task;

	purge->is_known = ice_purge_read_table(&task->warehouse_id, &task->table_id, &purge->table);
	if (!purge->is_known)
		return;
	ice_owned_files_find_profile(&purge->owner);
	purge->folders = ice_owned_files_folders(&purge->owner);
	if (purge->folders == NIL)
		say_that_files_stay(purge);
	else
		purge->walk = ice_purge_walk_begin(&purge->table, purge->folders, &purge->owner,
										   &purge->queue);
}

IcePurge *
ice_drop_purge_begin(const IceTask *task, const IceTransactions *transactions,
					 MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	IcePurge     *purge = palloc0(sizeof(IcePurge));

	purge->task = *task;
	purge->context = context;
	purge->scratch = AllocSetContextCreate(context, "icecat purge step", ALLOCSET_DEFAULT_SIZES);
	purge->prune_context = AllocSetContextCreate(context, "icecat prune", ALLOCSET_SMALL_SIZES);
	purge->owner = (IceOwner){.warehouse_id = task->warehouse_id,
							  .object_id = task->table_id,
							  .transactions = transactions};
	ice_purge_queue_init(&purge->queue);
	read_progress(purge);
	read_table(purge);
	MemoryContextSwitchTo(old);
	return purge;
}

const IceStorageProfile *
ice_drop_purge_profile(const IcePurge *purge)
{
	return purge->owner.profile;
}

/* -- slices ----------------------------------------------------------------------------------- */

/* Must files be deleted before any more are looked for? */
static bool
must_delete(const IcePurge *purge)
{
	bool empty = ice_purge_queue_empty(&purge->queue);

	if (purge->winds_up || ice_purge_walk_heavy(purge->walk))
		return !empty;
	return ice_purge_queue_full(&purge->queue);
}

/* Finds files, or deletes some that were found; false: all are gone. */
static bool
step_files(IcePurge *purge)
{
	int at_once = purge->owner.profile != NULL ? DELETED_AT_ONCE_REMOTE : DELETED_AT_ONCE;
	int deleted;

	if (!must_delete(purge))
	{
		if (purge->winds_up)
			return true;
		if (ice_purge_walk_heavy(purge->walk))
			ice_purge_walk_forget(purge->walk);
		if (ice_purge_walk_step(purge->walk))
			return true;
		if (ice_purge_queue_empty(&purge->queue))
			return false;
	}
	deleted = ice_purge_queue_delete(&purge->queue, &purge->owner, Min(purge->files_left, at_once));
	purge->files_left -= deleted;
	return true;
}

/* Takes away empty folders; false: all were looked at. The walk through a folder outlives the
 * step. */
static bool
step_folders(IcePurge *purge)
{
	char *folder;

	if (purge->folder_at == list_length(purge->folders))
		return false;
	folder = list_nth(purge->folders, purge->folder_at);
	if (purge->prune == NULL)
		MemoryContextSwitchTo(purge->prune_context);
	if (ice_storage_canonical(folder, purge->owner.profile) != NULL &&
		!ice_owned_files_prune(&purge->owner, folder, &purge->prune))
		return true;
	MemoryContextReset(purge->prune_context);
	purge->prune = NULL;
	purge->folder_at++;
	return true;
}

static void
delete_rows(void *arg)
{
	IcePurge              *purge = arg;
	const IceTransactions *transactions = purge->owner.transactions;

	if (transactions != NULL)
		transactions->forgo_flush();
	if (ice_purge_delete_parts(&purge->task.warehouse_id, &purge->task.table_id))
		purge->is_known = false;
}

/* One step of what comes first; false: nothing is left to do. */
static bool
step(IcePurge *purge)
{
	if (!purge->is_known)
		return false;
	if (purge->walk != NULL && step_files(purge))
		return true;
	purge->walk = NULL;
	if (step_folders(purge))
		return true;
	ice_transaction_run(purge->owner.transactions, delete_rows, purge);
	return true;
}

/* Steps until the slice is over; false: nothing is left to do. */
static bool
take_steps(IcePurge *purge)
{
	bool more = purge->is_known;

	if (more && !purge->is_allowed)
		purge->is_allowed = ice_owned_files_allowed(&purge->owner);
	while (more && purge->owner.refused == NULL && !ice_drop_purge_is_idle(purge))
	{
		MemoryContextReset(purge->scratch);
		MemoryContextSwitchTo(purge->scratch);
		more = step(purge);
		if (purge->files_left <= 0 || ice_owned_files_must_stop(&purge->owner))
			break;
	}
	return more;
}

IcePurgeState
ice_drop_purge_slice(IcePurge *purge)
{
	MemoryContext old = MemoryContextSwitchTo(purge->scratch);
	bool          more;

	purge->owner.stop_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													   ice_guc_purge_slice_ms);
	purge->files_left = ice_guc_purge_slice_files;
	more = take_steps(purge);
	MemoryContextSwitchTo(old);
	if (purge->owner.refused != NULL)
		return ICE_PURGE_REFUSED;
	return more ? ICE_PURGE_GOES_ON : ICE_PURGE_OVER;
}

const char *
ice_drop_purge_refused(const IcePurge *purge)
{
	return purge->owner.refused;
}

void
ice_drop_purge_wind_up(IcePurge *purge)
{
	purge->winds_up = true;
}

bool
ice_drop_purge_is_idle(const IcePurge *purge)
{
	return purge->winds_up && ice_purge_queue_empty(&purge->queue);
}

bool
ice_drop_purge_may_end(const IcePurge *purge)
{
	return purge->walk != NULL && purge->owner.deleted_count > 0;
}

/* -- finish ----------------------------------------------------------------------------------- */

/* The counts, as fields of an object. What a purge that was ended left in place is counted by the
 * next one again. */
static char *
counts(const IcePurge *purge)
{
	return psprintf("\"" DELETED "\":" INT64_FORMAT ",\"" KEPT "\":" INT64_FORMAT,
					purge->deleted_before + purge->owner.deleted_count, purge->owner.kept_count);
}

bool
ice_drop_purge_note(const IcePurge *purge)
{
	const char *seen =
		purge->seen == DT_NOEND ? "" : psprintf(",\"" SEEN "\":" INT64_FORMAT, purge->seen);

	return ice_task_note_progress(&purge->task, psprintf("{%s%s}", counts(purge), seen));
}

void
ice_drop_purge_finish(const IcePurge *purge)
{
	const IceTask *task = &purge->task;
	char          *details;

	ice_task_delete_all(&task->warehouse_id, &task->table_id);
	if (purge->table.name == NULL)
		return;
	details = psprintf("{\"location\":%s,%s}",
					   ice_json_text(ice_json_make_string(purge->table.location)), counts(purge));
	ice_store_table_delete(&task->warehouse_id, &task->table_id);
	ice_event_insert(&task->warehouse_id, "purge-table", "table", &task->table_id,
					 purge->table.namespace_levels, purge->table.name, task->version, details);
}
