/*
 * snapshot.c
 *		Snapshots: reading and checking one by itself.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/snapshot.h"

/* In stored documents a summary may lack the operation: the Java library reads it as an
 * overwrite. */
static void
check_summary(IceSnapshot *snapshot, const IceJson *json)
{
	const IceJson *summary = ice_json_member(json, "summary");

	if (summary == NULL)
		return;
	if (summary->kind != ICE_JSON_OBJECT)
		ice_json_raise(summary, ICE_ERR_BAD_REQUEST,
					   "Cannot parse summary from non-object value: %s", ice_json_shown(summary));
	ice_json_check_string_map(summary, "summary");
	snapshot->has_operation = ice_json_opt_string(summary, "operation") != NULL;
}

/* The list's location, or in version 1 the manifests themselves; both only in old documents. */
static void
check_manifests(const IceJson *json, bool is_new)
{
	const IceJson *manifests = ice_json_member(json, "manifests");

	if (ice_json_member(json, "manifest-list") != NULL)
	{
		ice_json_string(json, "manifest-list");
		if (is_new && manifests != NULL && manifests->kind != ICE_JSON_NULL)
			ice_json_raise(json, ICE_ERR_BAD_REQUEST,
						   "Cannot parse snapshot: manifests must be omitted beside manifest-list");
		return;
	}
	if (manifests == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing list: manifests");
	if (manifests->kind != ICE_JSON_ARRAY)
		ice_json_raise(manifests, ICE_ERR_BAD_REQUEST,
					   "Cannot parse JSON array from non-array value: manifests: %s",
					   ice_json_shown(manifests));
	for (int i = 0; i < manifests->count; i++)
		ice_json_to_string(manifests->items[i], "manifests");
}

static void
parse_rows(IceSnapshot *snapshot, const IceJson *json)
{
	bool has_added_rows = ice_json_opt_int64(json, "added-rows", &snapshot->added_rows);

	snapshot->has_first_row_id = ice_json_opt_int64(json, "first-row-id", &snapshot->first_row_id);
	if (snapshot->has_first_row_id && snapshot->first_row_id < 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Invalid first-row-id (cannot be negative): " INT64_FORMAT,
					   snapshot->first_row_id);
	if (has_added_rows && snapshot->added_rows < 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Invalid added-rows (cannot be negative): " INT64_FORMAT,
					   snapshot->added_rows);
	if (snapshot->has_first_row_id && !has_added_rows)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Invalid added-rows (required when first-row-id is set): null");
}

static const char *const optional_members[] = {"sequence-number", "parent-snapshot-id", "schema-id",
											   "first-row-id",    "added-rows",         "key-id"};

void
ice_snapshot_parse(IceSnapshot *snapshot, IceJson *json, bool is_new)
{
	int32 schema_id;

	memset(snapshot, 0, sizeof(*snapshot));
	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Cannot parse table version from a non-object: %s", ice_json_shown(json));
	ice_json_opt_int64(json, "sequence-number", &snapshot->sequence_number);
	if (snapshot->sequence_number < 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Invalid sequence number (cannot be negative): " INT64_FORMAT,
					   snapshot->sequence_number);
	snapshot->snapshot_id = ice_json_int64(json, "snapshot-id");
	snapshot->has_parent = ice_json_opt_int64(json, "parent-snapshot-id", &snapshot->parent_id);
	snapshot->timestamp_ms = ice_json_int64(json, "timestamp-ms");
	check_summary(snapshot, json);
	ice_json_opt_int32(json, "schema-id", &schema_id);
	parse_rows(snapshot, json);
	ice_json_opt_string(json, "key-id");
	check_manifests(json, is_new);
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));
}

int64
ice_snapshot_end_row_id(const IceSnapshot *snapshot)
{
	if (snapshot->added_rows > PG_INT64_MAX - snapshot->first_row_id)
		ice_raise(ICE_ERR_VALIDATION, "Invalid added-rows (too many row ids): " INT64_FORMAT,
				  snapshot->added_rows);
	return snapshot->first_row_id + snapshot->added_rows;
}
