/*
 * table_metadata_validate.c
 *		What must hold in any metadata value, as far as the lists are loaded.
 *
 * Snapshots and log entries are looked into only where they are new: what is stored was checked
 * when it came. Messages follow the constructor of the Java class TableMetadata.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/clock_skew.h"
#include "spec/table_metadata.h"


static void
check_scalars(const IceTableMetadata *metadata)
{
	int32 version = metadata->format_version;

	if (version < 1 || version > ICE_FORMAT_VERSION_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Unsupported format version: v%d (supported: v%d)", version,
				  ICE_FORMAT_VERSION_MAX);
	if (metadata->table_uuid == NULL)
		ice_raise(ICE_ERR_VALIDATION, "UUID is required in format v%d", version);
	if (metadata->location == NULL || *metadata->location == '\0')
		ice_raise(ICE_ERR_VALIDATION, "Table location is required in format v%d", version);
	if (version == 1 && metadata->last_sequence_number != 0)
		ice_raise(ICE_ERR_VALIDATION, "Sequence number must be 0 in v1: " INT64_FORMAT,
				  metadata->last_sequence_number);
}

/* There are schemas, specs and orders, and those that are in use exist. */
static void
check_structure(const IceTableMetadata *metadata)
{
	const IcePartList *lists = metadata->lists;

	if (lists[ICE_PART_SCHEMA].loaded &&
		ice_table_part_find(metadata, ICE_PART_SCHEMA, metadata->current_schema_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find schema with current-schema-id=%d from schemas",
				  metadata->current_schema_id);
	if (lists[ICE_PART_PARTITION_SPEC].loaded)
	{
		if (ice_table_part_count(metadata, ICE_PART_PARTITION_SPEC) == 0)
			ice_raise(ICE_ERR_VALIDATION, "Partition specs cannot be null or empty");
		if (ice_table_part_find(metadata, ICE_PART_PARTITION_SPEC, metadata->default_spec_id) ==
			NULL)
			ice_raise(ICE_ERR_VALIDATION,
					  "Cannot find partition spec with default-spec-id=%d from partition-specs",
					  metadata->default_spec_id);
	}
	if (lists[ICE_PART_SORT_ORDER].loaded)
	{
		if (ice_table_part_count(metadata, ICE_PART_SORT_ORDER) == 0)
			ice_raise(ICE_ERR_VALIDATION, "Sort orders cannot be null or empty");
		if (ice_table_part_find(metadata, ICE_PART_SORT_ORDER, metadata->default_sort_order_id) ==
			NULL)
			ice_raise(ICE_ERR_VALIDATION,
					  "Cannot find sort order with default-sort-order-id=%d from sort-orders",
					  metadata->default_sort_order_id);
	}
}

static void
check_main_branch(const IceTableMetadata *metadata)
{
	if (!metadata->lists[ICE_PART_REF].loaded)
		return;

	const IcePart *main = ice_table_part_find_key(metadata, ICE_PART_REF, ICE_MAIN_BRANCH);

	if (main == NULL)
		return;
	if (metadata->current_snapshot_id == ICE_NO_SNAPSHOT)
		ice_raise(ICE_ERR_VALIDATION,
				  "Current snapshot is not set, but main branch exists: " INT64_FORMAT, main->id);
	if (metadata->current_snapshot_id != main->id)
		ice_raise(ICE_ERR_VALIDATION,
				  "Current snapshot ID does not match main branch (" INT64_FORMAT
				  " != " INT64_FORMAT ")",
				  metadata->current_snapshot_id, main->id);
}

/* New refs need their snapshot in the list: it was asked for, or is new too. */
static void
check_new_refs(const IceTableMetadata *metadata)
{
	const IcePartList *refs = &metadata->lists[ICE_PART_REF];

	for (int i = 0; i < refs->count; i++)
		if (ice_part_is_new(refs->items[i]) &&
			ice_table_part_find(metadata, ICE_PART_SNAPSHOT, refs->items[i]->id) == NULL)
			ice_raise(ICE_ERR_VALIDATION,
					  "Snapshot for reference %s does not exist in the existing snapshots list",
					  refs->items[i]->key);
}

static void
check_new_snapshots(const IceTableMetadata *metadata)
{
	const IcePartList *snapshots = &metadata->lists[ICE_PART_SNAPSHOT];
	int64              sequence_number;

	for (int i = 0; i < snapshots->count; i++)
	{
		IcePart *part = snapshots->items[i];

		if (ice_part_is_new(part) &&
			ice_json_opt_int64(ice_part_json(part), "sequence-number", &sequence_number) &&
			sequence_number > metadata->last_sequence_number)
			ice_raise(ICE_ERR_VALIDATION,
					  "Invalid snapshot with sequence number " INT64_FORMAT
					  " greater than last sequence number " INT64_FORMAT,
					  sequence_number, metadata->last_sequence_number);
	}
}

/* New entries of a log must not run backwards, nor be later than the last update. */
static void
check_new_log(const IceTableMetadata *metadata, IcePartKind kind, const char *order_message,
			  const char *update_message)
{
	const IcePartList *log = &metadata->lists[kind];
	int64              previous = 0;
	bool               has_previous = false;

	for (int i = 0; i < log->count; i++)
	{
		if (!ice_part_is_new(log->items[i]))
			continue;

		int64 timestamp = ice_json_int64(ice_part_json(log->items[i]), "timestamp-ms");

		if (has_previous && ice_time_is_before_in_java(timestamp, previous))
			ice_raise(ICE_ERR_VALIDATION, "%s", order_message);
		previous = timestamp;
		has_previous = true;
	}
	if (has_previous && ice_time_is_before_in_java(metadata->last_updated_ms, previous))
		ice_raise(ICE_ERR_VALIDATION,
				  "Invalid update timestamp " INT64_FORMAT ": before %s at " INT64_FORMAT,
				  metadata->last_updated_ms, update_message, previous);
}

void
ice_table_metadata_validate(const IceTableMetadata *metadata)
{
	check_scalars(metadata);
	check_structure(metadata);
	check_main_branch(metadata);
	check_new_refs(metadata);
	check_new_snapshots(metadata);
	check_new_log(metadata, ICE_PART_SNAPSHOT_LOG, "Expected sorted snapshot log entries",
				  "last snapshot log entry");
	check_new_log(metadata, ICE_PART_METADATA_LOG, "Expected sorted previous metadata log entries",
				  "the latest metadata log entry timestamp");
}
