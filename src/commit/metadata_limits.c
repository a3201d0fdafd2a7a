/*
 * metadata_limits.c
 *		Limits on a table that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/metadata_limits.h"
#include "guc.h"
#include "store/quota.h"

/* Checks the property sets that a change added. */
static void
check_properties(const pg_uuid_t *warehouse_id, const IcePartList *sets, const char *what)
{
	bool limited = ice_quota_limits_properties(warehouse_id);

	for (int i = 0; i < sets->count; i++)
	{
		IcePart *set = sets->items[i];

		if (ice_part_is_new(set) && ice_part_json(set)->count > ice_guc_properties_max)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "%s has %d properties, more than the limit of %d",
					  what, set->json->count, ice_guc_properties_max);
		if (ice_part_is_new(set) && limited)
			ice_quota_check_properties(warehouse_id, ice_json_text(ice_part_json(set)));
	}
}

/* These are in an index, whose entries have a size. */
static void
check_keys(const IcePartList *list, const char *what)
{
	for (int i = 0; i < list->count; i++)
	{
		size_t bytes = strlen(list->items[i]->key);

		if (ice_part_is_new(list->items[i]) && bytes > (size_t) ice_guc_key_bytes_max)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "%s is %zu bytes long, more than the limit of %d",
					  what, bytes, ice_guc_key_bytes_max);
	}
}

void
ice_metadata_limits_check(const pg_uuid_t *warehouse_id, const IceTableMetadata *metadata)
{
	check_keys(&metadata->lists[ICE_PART_REF], "Name of a branch or tag");
	check_keys(&metadata->lists[ICE_PART_ENCRYPTION_KEY], "Id of an encryption key");
	check_properties(warehouse_id, &metadata->lists[ICE_PART_PROPERTIES], "Table");
}

void
ice_metadata_limits_check_view(const pg_uuid_t *warehouse_id, const IceViewMetadata *metadata)
{
	check_properties(warehouse_id, &metadata->lists[ICE_VIEW_PART_PROPERTIES], "View");
}
