/*
 * update_snapshot.c
 *		Updates of snapshots, refs, the snapshot log and statistics.
 *
 * An append loads no other snapshots than those it names, and of the snapshot log nothing, or the
 * last entry: what it adds to the log is only appended. Snapshots that main pointed to only in the
 * middle of a commit leave no trace in the log, as in the Java implementation.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/update.h"

#include "spec/clock_skew.h"
#include "spec/commit_read.h"
#include "spec/needs.h"
#include "spec/statistics.h"
#include "spec/table_metadata.h"

/* The Java catalog puts this before a rule that the client can meet by trying again. */
#define RETRY_PREFIX "Validation failed, please retry: "

/* -- add-snapshot ----------------------------------------------------------------------------- */

void
ice_parse_add_snapshot(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "snapshot");
	ice_snapshot_parse(&update->snapshot, update->value, true);
	update->id = update->snapshot.snapshot_id;
}

void
ice_needs_add_snapshot(const IceUpdate *update, IceCommitNeeds *needs)
{
	ice_needs_snapshot(needs, update->id);
}

/* A stored table has each of these lists; only a table that is being created may lack one. */
static void
check_not_empty(const IceTableMetadata *metadata, IcePartKind kind, const char *what)
{
	if (metadata->lists[kind].loaded && ice_part_list_is_empty(&metadata->lists[kind]))
		ice_raise(ICE_ERR_VALIDATION, "Attempting to add a snapshot before a %s is added", what);
}

/* A sequence number that is not new means that another commit came first: the client can retry. */
void
ice_update_check_new_snapshot(const IceTableMetadata *metadata, const IceSnapshot *snapshot,
							  const IceJson *json)
{
	int32 version = metadata->format_version;

	check_not_empty(metadata, ICE_PART_SCHEMA, "schema");
	check_not_empty(metadata, ICE_PART_PARTITION_SPEC, "partition spec");
	check_not_empty(metadata, ICE_PART_SORT_ORDER, "sort order");
	if (snapshot->snapshot_id < 0)
		ice_raise(ICE_ERR_VALIDATION, "Invalid snapshot id (cannot be negative): " INT64_FORMAT,
				  snapshot->snapshot_id);
	if (ice_table_part_find(metadata, ICE_PART_SNAPSHOT, snapshot->snapshot_id) != NULL)
		ice_raise(ICE_ERR_VALIDATION, "Snapshot already exists for id: " INT64_FORMAT,
				  snapshot->snapshot_id);
	if (version > 1 && snapshot->has_parent &&
		snapshot->sequence_number <= metadata->last_sequence_number)
		ice_raise(ICE_ERR_COMMIT_FAILED,
				  RETRY_PREFIX "Cannot add snapshot with sequence number " INT64_FORMAT
							   " older than last sequence number " INT64_FORMAT,
				  snapshot->sequence_number, metadata->last_sequence_number);
	if (version > 1 && ice_json_get(json, "manifest-list") == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add a snapshot without a manifest list in format v%d",
				  version);
	if (version > 1 && !snapshot->has_operation)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add a snapshot without an operation in its summary in format v%d",
				  version);
}

/* Row ids of version 3: the snapshot's rows must come after all rows that have an id. */
static void
assign_rows(IceTableMetadata *metadata, const IceSnapshot *snapshot)
{
	if (!snapshot->has_first_row_id)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add a snapshot: first-row-id is null");
	if (snapshot->first_row_id < metadata->next_row_id)
		ice_raise(ICE_ERR_COMMIT_FAILED,
				  RETRY_PREFIX
				  "Cannot add a snapshot, first-row-id is behind table next-row-id: " INT64_FORMAT
				  " < " INT64_FORMAT,
				  snapshot->first_row_id, metadata->next_row_id);
	metadata->next_row_id = ice_snapshot_end_row_id(snapshot);
}

/* A snapshot without parent may have an old sequence number; the table's never goes back. */
void
ice_apply_add_snapshot(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;

	ice_update_check_new_snapshot(metadata, &update->snapshot, update->value);
	metadata->last_sequence_number = Max(metadata->last_sequence_number,
										 update->snapshot.sequence_number);
	if (metadata->format_version >= 3)
		assign_rows(metadata, &update->snapshot);
	ice_table_part_add(metadata, ICE_PART_SNAPSHOT, update->id, NULL, update->value);
	context->changed = true;
}

/* -- refs ------------------------------------------------------------------------------------- */

void
ice_parse_set_snapshot_ref(IceUpdate *update)
{
	update->text = ice_json_string(update->json, "ref-name");
	ice_ref_parse(&update->ref, update->json);
	update->id = update->ref.snapshot_id;
}

void
ice_needs_set_snapshot_ref(const IceUpdate *update, IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_REF);
	ice_needs_snapshot(needs, update->id);
}

/* When main came to a snapshot: the snapshot's own time if it is new, else now. */
static int64
time_of_change(const IceUpdateContext *context, IcePart *snapshot)
{
	if (!snapshot->added)
		return Max(context->now_ms, context->before_ms);
	return ice_json_int64(ice_part_json(snapshot), "timestamp-ms");
}

static IceJson *
log_entry(int64 snapshot_id, int64 timestamp_ms)
{
	IceJson *entry = ice_json_make_object();

	ice_json_set(entry, "timestamp-ms", ice_json_make_int(timestamp_ms));
	ice_json_set(entry, "snapshot-id", ice_json_make_int(snapshot_id));
	return entry;
}

static void
log_main(IceUpdateContext *context, IcePart *snapshot)
{
	IceJson *entry = log_entry(snapshot->id, time_of_change(context, snapshot));

	ice_table_part_add(context->metadata, ICE_PART_SNAPSHOT_LOG, snapshot->id, NULL, entry);
	context->main_changed = true;
}

/* Setting a ref to what it is changes nothing, whether or not its snapshot is there. */
void
ice_apply_set_snapshot_ref(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	IcePart          *old = ice_table_part_find_key(metadata, ICE_PART_REF, update->text);
	IcePart          *snapshot = ice_table_part_find(metadata, ICE_PART_SNAPSHOT, update->id);
	bool              is_main = strcmp(update->text, ICE_MAIN_BRANCH) == 0;

	if (old != NULL)
	{
		IceRef old_ref;

		ice_ref_parse(&old_ref, ice_part_json(old));
		if (ice_ref_equal(&old_ref, &update->ref))
			return;
	}
	if (snapshot == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set %s to unknown snapshot: " INT64_FORMAT,
				  update->text, update->id);
	if (is_main && !update->ref.is_branch)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set main to a tag, it must be a branch");
	if (is_main)
	{
		log_main(context, snapshot);
		metadata->current_snapshot_id = update->id;
	}
	if (old != NULL)
		ice_part_remove(old);
	ice_table_part_add(metadata, ICE_PART_REF, update->id, update->text,
					   ice_ref_to_json(&update->ref));
	context->changed = true;
}

static void
remove_ref(IceUpdateContext *context, IcePart *ref)
{
	if (strcmp(ref->key, ICE_MAIN_BRANCH) == 0)
	{
		context->metadata->current_snapshot_id = ICE_NO_SNAPSHOT;
		context->main_removed = true;
	}
	ice_part_remove(ref);
	context->changed = true;
}

void
ice_parse_remove_snapshot_ref(IceUpdate *update)
{
	update->text = ice_json_string(update->json, "ref-name");
}

void
ice_needs_remove_snapshot_ref(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_REF);
}

void
ice_apply_remove_snapshot_ref(IceUpdateContext *context, const IceUpdate *update)
{
	IcePart *ref = ice_table_part_find_key(context->metadata, ICE_PART_REF, update->text);

	if (ref != NULL)
		remove_ref(context, ref);
}

/* -- remove-snapshots ------------------------------------------------------------------------- */

void
ice_parse_remove_snapshots(IceUpdate *update)
{
	if (ice_json_get(update->json, "snapshot-ids") == NULL)
		ice_json_raise(update->json, ICE_ERR_BAD_REQUEST,
					   "Invalid set of snapshot ids to remove: must be non-null");
	update->value = ice_json_array(update->json, "snapshot-ids");
	update->id_count = update->value->count;
	update->ids = ice_commit_read_ids(update->value, "snapshot-ids", false);
}

void
ice_needs_remove_snapshots(const IceUpdate *update, IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_REF);
	ice_needs_list(needs, ICE_PART_SNAPSHOT_LOG);
	ice_needs_list(needs, ICE_PART_STATISTICS);
	ice_needs_list(needs, ICE_PART_PARTITION_STATISTICS);
	for (int i = 0; i < update->id_count; i++)
		ice_needs_snapshot(needs, update->ids[i]);
}

/* Whether this commit took the snapshot away. One that is not loaded was not. */
static bool
snapshot_is_gone(const IceTableMetadata *metadata, int64 snapshot_id)
{
	return ice_table_part_find(metadata, ICE_PART_SNAPSHOT, snapshot_id) == NULL &&
		   ice_table_part_find_any(metadata, ICE_PART_SNAPSHOT, snapshot_id) != NULL;
}

/* A snapshot has at most one file of each kind; documents may have more. */
static bool
remove_file(IceTableMetadata *metadata, IcePartKind kind, int64 snapshot_id)
{
	IcePart *file;
	bool     removed = false;

	while ((file = ice_table_part_find(metadata, kind, snapshot_id)) != NULL)
	{
		ice_part_remove(file);
		removed = true;
	}
	return removed;
}

/* Puts the refs that came since into the index by snapshot. */
static void
target_refs(IceUpdateContext *context)
{
	const IcePartList *refs = &context->metadata->lists[ICE_PART_REF];

	if (context->ref_targets == NULL)
		context->ref_targets = ice_map_make();
	for (; context->refs_targeted < refs->count; context->refs_targeted++)
	{
		IcePart *ref = refs->items[context->refs_targeted];
		void   **first = ice_map_at(context->ref_targets, &ref->id, sizeof(ref->id));

		ref->twin = *first;
		*first = ref;
	}
}

/* Takes them out of the index, so that none is met twice. */
static void
remove_dangling_refs(IceUpdateContext *context, int64 snapshot_id)
{
	void   **first = ice_map_at(context->ref_targets, &snapshot_id, sizeof(snapshot_id));
	IcePart *ref = *first;

	*first = NULL;
	for (; ref != NULL; ref = ref->twin)
	{
		ice_step();
		if (!ref->removed)
			remove_ref(context, ref);
	}
}

static void
note_gone(IceUpdateContext *context, int64 snapshot_id)
{
	if (context->gone_count == context->gone_capacity)
	{
		size_t size = sizeof(int64) * Max((size_t) context->gone_capacity * 2, 8);

		ice_budget_reserve(size);
		context->gone = context->gone == NULL ? palloc(size) : repalloc(context->gone, size);
		context->gone_capacity = (int) (size / sizeof(int64));
	}
	context->gone[context->gone_count++] = snapshot_id;
}

/* Ids that the table does not have are passed over. */
void
ice_apply_remove_snapshots(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	bool              removed = false;

	for (int i = 0; i < update->id_count; i++)
	{
		IcePart *snapshot = ice_table_part_find(metadata, ICE_PART_SNAPSHOT, update->ids[i]);

		if (snapshot == NULL)
			continue;
		ice_part_remove(snapshot);
		note_gone(context, update->ids[i]);
		removed = true;
	}
	context->snapshots_removed |= removed;
	context->removal_pending |= removed;
	context->changed |= removed;
}

/* Refs and statistics go with their snapshot. */
void
ice_update_finish_removal(IceUpdateContext *context)
{
	if (!context->removal_pending)
		return;
	context->removal_pending = false;
	target_refs(context);
	for (int i = 0; i < context->gone_count; i++)
	{
		ice_step();
		remove_file(context->metadata, ICE_PART_STATISTICS, context->gone[i]);
		remove_file(context->metadata, ICE_PART_PARTITION_STATISTICS, context->gone[i]);
		remove_dangling_refs(context, context->gone[i]);
	}
	context->gone_count = 0;
}

/* -- snapshot log ----------------------------------------------------------------------------- */

/* Added and made current by this commit, but not current at its end. */
static bool
is_intermediate(const IceTableMetadata *metadata, const IcePart *entry)
{
	const IcePart *snapshot = ice_table_part_find(metadata, ICE_PART_SNAPSHOT, entry->id);

	return entry->added && entry->id != metadata->current_snapshot_id && snapshot != NULL &&
		   snapshot->added;
}

/* An entry whose snapshot is gone takes all entries before it along: otherwise it would seem
 * that an older snapshot had been current in its time. */
static void
drop_gone_history(IcePartList *log, const IceTableMetadata *metadata)
{
	int last_gone = -1;

	for (int i = 0; i < log->count; i++)
		if (!log->items[i]->removed && snapshot_is_gone(metadata, log->items[i]->id))
			last_gone = i;
	for (int i = 0; i <= last_gone; i++)
		ice_part_remove(log->items[i]);
}

/*
 * A client whose clock is far behind must not make the log run backwards, since readers would
 * refuse the whole table: its entry gets the time of the one before. That one is the last stored
 * entry where the log or its end was asked for (ice_commit_request_needs_log_end); elsewhere the
 * new snapshots are no older than the last update, which no entry is after.
 */
static void
raise_times(IcePartList *log)
{
	int64 previous = PG_INT64_MIN;

	for (int i = 0; i < log->count; i++)
	{
		IcePart *entry = log->items[i];

		if (entry->removed || (!entry->added && i + 1 < log->count && !log->items[i + 1]->added))
			continue;

		int64 timestamp = ice_json_int64(ice_part_json(entry), "timestamp-ms");

		if (entry->added && ice_time_is_before(timestamp, previous))
			ice_part_replace(entry, log_entry(entry->id, timestamp = previous));
		previous = timestamp;
	}
}

void
ice_update_finish_snapshot_log(IceUpdateContext *context)
{
	IceTableMetadata *metadata = context->metadata;
	IcePartList      *log = &metadata->lists[ICE_PART_SNAPSHOT_LOG];

	if (!context->snapshots_removed && !context->main_changed)
		return;
	for (int i = 0; i < log->count; i++)
		if (!log->items[i]->removed && is_intermediate(metadata, log->items[i]))
			ice_part_remove(log->items[i]);
	if (context->snapshots_removed)
		drop_gone_history(log, metadata);
	raise_times(log);

	const IcePart *last = ice_table_part_only(metadata, ICE_PART_SNAPSHOT_LOG);

	if (log->loaded && last != NULL && metadata->current_snapshot_id != ICE_NO_SNAPSHOT &&
		last->id != metadata->current_snapshot_id)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot set invalid snapshot log: latest entry is not the current snapshot");
}

/* -- statistics ------------------------------------------------------------------------------- */

static void
set_file(IceUpdateContext *context, const IceUpdate *update, IcePartKind kind)
{
	remove_file(context->metadata, kind, update->id);
	ice_table_part_add(context->metadata, kind, update->id, NULL, update->value);
	context->changed = true;
}

void
ice_parse_set_statistics(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "statistics");
	update->id = ice_statistics_parse(update->value);
}

void
ice_needs_set_statistics(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_STATISTICS);
}

void
ice_apply_set_statistics(IceUpdateContext *context, const IceUpdate *update)
{
	set_file(context, update, ICE_PART_STATISTICS);
}

void
ice_parse_remove_statistics(IceUpdate *update)
{
	update->id = ice_json_int64(update->json, "snapshot-id");
}

void
ice_needs_remove_statistics(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_STATISTICS);
}

void
ice_apply_remove_statistics(IceUpdateContext *context, const IceUpdate *update)
{
	context->changed |= remove_file(context->metadata, ICE_PART_STATISTICS, update->id);
}

void
ice_parse_set_partition_statistics(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "partition-statistics");
	update->id = ice_statistics_parse_partition(update->value);
}

void
ice_needs_set_partition_statistics(const IceUpdate *update pg_attribute_unused(),
								   IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_PARTITION_STATISTICS);
}

void
ice_apply_set_partition_statistics(IceUpdateContext *context, const IceUpdate *update)
{
	set_file(context, update, ICE_PART_PARTITION_STATISTICS);
}

void
ice_parse_remove_partition_statistics(IceUpdate *update)
{
	update->id = ice_json_int64(update->json, "snapshot-id");
}

void
ice_needs_remove_partition_statistics(const IceUpdate *update pg_attribute_unused(),
									  IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_PARTITION_STATISTICS);
}

void
ice_apply_remove_partition_statistics(IceUpdateContext *context, const IceUpdate *update)
{
	context->changed |= remove_file(context->metadata, ICE_PART_PARTITION_STATISTICS, update->id);
}
