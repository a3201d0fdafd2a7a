/*
 * ref.c
 *		Snapshot references: branches and tags.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/ref.h"

static bool
parse_type(const IceJson *json)
{
	const char *type = ice_json_string(json, "type");

	if (pg_strcasecmp(type, "branch") == 0)
		return true;
	if (pg_strcasecmp(type, "tag") != 0)
		ice_json_raise(ice_json_get(json, "type"), ICE_ERR_BAD_REQUEST,
					   "Invalid snapshot ref type: %s", type);
	return false;
}

static void
check_retention(const IceRef *ref, const IceJson *json)
{
	if (!ref->is_branch && ref->has_min_snapshots_to_keep)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Tags do not support setting minSnapshotsToKeep");
	if (ref->has_min_snapshots_to_keep && ref->min_snapshots_to_keep <= 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Min snapshots to keep must be greater than 0");
	if (!ref->is_branch && ref->has_max_snapshot_age_ms)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Tags do not support setting maxSnapshotAgeMs");
	if (ref->has_max_snapshot_age_ms && ref->max_snapshot_age_ms <= 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Max snapshot age must be greater than 0 ms");
	if (ref->has_max_ref_age_ms && ref->max_ref_age_ms <= 0)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Max reference age must be greater than 0");
}

void
ice_ref_parse(IceRef *ref, const IceJson *json)
{
	memset(ref, 0, sizeof(*ref));
	ref->snapshot_id = ice_json_int64(json, "snapshot-id");
	ref->is_branch = parse_type(json);
	ref->has_min_snapshots_to_keep = ice_json_opt_int32(json, "min-snapshots-to-keep",
														&ref->min_snapshots_to_keep);
	ref->has_max_snapshot_age_ms = ice_json_opt_int64(json, "max-snapshot-age-ms",
													  &ref->max_snapshot_age_ms);
	ref->has_max_ref_age_ms = ice_json_opt_int64(json, "max-ref-age-ms", &ref->max_ref_age_ms);
	check_retention(ref, json);
}

void
ice_ref_settle(const IceRef *ref, IceJson *json)
{
	static const char *const optional_members[] = {"min-snapshots-to-keep", "max-snapshot-age-ms",
												   "max-ref-age-ms"};
	const char              *type = ref->is_branch ? "branch" : "tag";

	if (strcmp(ice_json_string(json, "type"), type) != 0)
		ice_json_set(json, "type", ice_json_make_string(type));
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));
}

/* Absent values are zero, so that they compare equal. */
bool
ice_ref_equal(const IceRef *a, const IceRef *b)
{
	return a->snapshot_id == b->snapshot_id && a->is_branch == b->is_branch &&
		   a->has_min_snapshots_to_keep == b->has_min_snapshots_to_keep &&
		   a->has_max_snapshot_age_ms == b->has_max_snapshot_age_ms &&
		   a->has_max_ref_age_ms == b->has_max_ref_age_ms &&
		   a->min_snapshots_to_keep == b->min_snapshots_to_keep &&
		   a->max_snapshot_age_ms == b->max_snapshot_age_ms &&
		   a->max_ref_age_ms == b->max_ref_age_ms;
}

IceJson *
ice_ref_to_json(const IceRef *ref)
{
	IceJson *json = ice_json_make_object();

	ice_json_set(json, "snapshot-id", ice_json_make_int(ref->snapshot_id));
	ice_json_set(json, "type", ice_json_make_string(ref->is_branch ? "branch" : "tag"));
	if (ref->has_min_snapshots_to_keep)
		ice_json_set(json, "min-snapshots-to-keep", ice_json_make_int(ref->min_snapshots_to_keep));
	if (ref->has_max_snapshot_age_ms)
		ice_json_set(json, "max-snapshot-age-ms", ice_json_make_int(ref->max_snapshot_age_ms));
	if (ref->has_max_ref_age_ms)
		ice_json_set(json, "max-ref-age-ms", ice_json_make_int(ref->max_ref_age_ms));
	return json;
}
