/*
 * view_successor.c
 *		A view's commit that comes as a whole document, as successor.c has it for tables.
 *
 * A view is small: all of its parts are written again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/schema.h"
#include "spec/successor.h"

/* What both have under one id must mean the same. */
static void
check_same(IceViewMetadata *present, IceViewMetadata *next, IceViewPartKind kind, const char *what)
{
	const IcePartList *list = &next->lists[kind];

	for (int i = 0; i < list->count; i++)
	{
		IceJson *json = ice_part_json(list->items[i]);
		IcePart *old = ice_view_part_find(present, kind, list->items[i]->id);
		bool     same = old == NULL || ice_json_equal(ice_part_json(old), json);

		if (!same && kind == ICE_VIEW_PART_SCHEMA)
			same = ice_schema_same(ice_schema_parse(ice_part_json(old)), ice_schema_parse(json));
		if (!same)
			ice_raise(ICE_ERR_VALIDATION, "%s " INT64_FORMAT " is another one than the view's",
					  what, list->items[i]->id);
	}
}

/* Puts the stored parts, which go, before the new ones. */
static void
replace_parts(const IcePartList *old, IcePartList *new)
{
	IcePartList both = {.loaded = true, .count = old->count + new->count};

	both.capacity = both.count + 1;
	both.items = palloc(sizeof(IcePart *) * both.capacity);
	for (int i = 0; i < old->count; i++)
	{
		ice_part_remove(old->items[i]);
		both.items[i] = old->items[i];
	}
	for (int i = 0; i < new->count; i++)
		both.items[old->count + i] = new->items[i];
	*new = both;
}

IceViewMetadata *
ice_view_successor_of_view(IceViewMetadata *present, IceViewMetadata *next)
{
	if (pg_strcasecmp(present->view_uuid, next->view_uuid) != 0)
		ice_raise(ICE_ERR_VALIDATION, "View UUID does not match: current=%s != refreshed=%s",
				  present->view_uuid, next->view_uuid);
	check_same(present, next, ICE_VIEW_PART_SCHEMA, "Schema");
	check_same(present, next, ICE_VIEW_PART_VERSION, "Version");
	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
		replace_parts(&present->lists[kind], &next->lists[kind]);
	return next;
}
