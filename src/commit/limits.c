/*
 * limits.c
 *		Limits on a table that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/limits.h"
#include "guc.h"

/* Checks the property sets that a change added. */
static void
check_properties(const IcePartList *sets, const char *what)
{
	for (int i = 0; i < sets->count; i++)
	{
		IcePart *set = sets->items[i];

		if (ice_part_is_new(set) && ice_part_json(set)->count > ice_guc_properties_max)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "%s has %d properties, more than the limit of %d",
					  what, set->json->count, ice_guc_properties_max);
	}
}

void
ice_limits_check(const IceTableMetadata *metadata)
{
	check_properties(&metadata->lists[ICE_PART_PROPERTIES], "Table");
}

void
ice_limits_check_view(const IceViewMetadata *metadata)
{
	check_properties(&metadata->lists[ICE_VIEW_PART_PROPERTIES], "View");
}
