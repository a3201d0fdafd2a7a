/*
 * limits.c
 *		Limits on a table that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/limits.h"
#include "guc.h"

void
ice_limits_check(const IceTableMetadata *metadata)
{
	const IcePartList *sets = &metadata->lists[ICE_PART_PROPERTIES];

	for (int i = 0; i < sets->count; i++)
	{
		IcePart *set = sets->items[i];

		if (set->added && !set->removed && ice_part_json(set)->count > ice_guc_properties_max)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Table has %d properties, more than the limit of %d",
					  set->json->count, ice_guc_properties_max);
	}
}
