/*
 * part.c
 *		Lists of parts: filling, searching and writing them.
 *
 * Long lists that are looked into (by id or by key) have a hash table of positions, which the
 * look-ups bring up to date, so that filling a list costs nothing extra.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/part.h"

#define CAPACITY_MIN 8
#define SLOTS_FROM   16 /* lists up to this length are searched from the front */
#define SLOT_FREE    (-1)

/* Makes room for one more pointer in an array. */
static IcePart **
grow(IcePart **items, int count, int *capacity)
{
	size_t size;

	if (count < *capacity)
		return items;
	size = sizeof(IcePart *) * Max((size_t) *capacity * 2, CAPACITY_MIN);
	ice_budget_reserve(size);
	*capacity = (int) (size / sizeof(IcePart *));
	return items == NULL ? palloc(size) : repalloc(items, size);
}

static IcePart *
push_part(IcePartList *list, int64 id, const char *key)
{
	IcePart *part = palloc0(sizeof(IcePart));

	ice_step();
	part->id = id;
	part->key = key;
	list->items = grow(list->items, list->count, &list->capacity);
	list->items[list->count++] = part;
	return part;
}

IcePart *
ice_part_list_add(IcePartList *list, int64 id, const char *key, IceJson *json)
{
	IcePart *part = push_part(list, id, key);

	part->added = true;
	ice_part_replace(part, json);
	return part;
}

void
ice_part_replace(IcePart *part, IceJson *json)
{
	part->json = json;
	part->parsed = NULL;
	if (json->edited)
	{
		part->body = ice_json_text(json);
		part->body_len = strlen(part->body);
	}
	else
	{
		part->body = json->text;
		part->body_len = json->text_len;
	}
}

IcePart *
ice_part_list_add_text(IcePartList *list, int64 id, const char *key, const char *body,
					   size_t body_len, const void *parsed)
{
	IcePart *part = push_part(list, id, key);

	part->added = true;
	part->body = body;
	part->body_len = body_len;
	part->parsed = parsed;
	return part;
}

IcePart *
ice_part_list_stored(IcePartList *list, int64 id, const char *key, int64 ordinal, const char *body,
					 size_t body_len)
{
	IcePart *part = push_part(list, id, key);

	part->ordinal = ordinal;
	part->body = body;
	part->body_len = body_len;
	return part;
}

IceJson *
ice_part_json(IcePart *part)
{
	if (part->json == NULL)
		part->json = ice_json_parse(part->body, part->body_len, ICE_JSON_DEPTH_STORED);
	return part->json;
}

void
ice_part_remove(IcePart *part)
{
	part->removed = true;
}

int
ice_part_list_count(const IcePartList *list)
{
	int count = 0;

	for (int i = 0; i < list->count; i++)
		count += !list->items[i]->removed;
	return count;
}

IcePart *
ice_part_list_last(const IcePartList *list)
{
	for (int i = list->count - 1; i >= 0; i--)
		if (!list->items[i]->removed)
			return list->items[i];
	return NULL;
}

/* Removed parts never come back: what was passed over once is not looked at again. */
bool
ice_part_list_is_empty(const IcePartList *list)
{
	IcePartList *cache = unconstify(IcePartList *, list);

	while (cache->first_live < list->count && list->items[cache->first_live]->removed)
	{
		ice_step();
		cache->first_live++;
	}
	return cache->first_live == list->count;
}

/* -- ids -------------------------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	int64 left = (*(IcePart *const *) a)->id;
	int64 right = (*(IcePart *const *) b)->id;

	ice_step();
	return left < right ? -1 : left > right;
}

/* Puts the items that were added since into the order by id. New ones mostly have the highest. */
static void
update_heights(IcePartList *list)
{
	bool sorted = true;

	if (list->heighted < list->count)
	{
		ice_budget_reserve(sizeof(IcePart *) * (size_t) list->count);
		list->heights = list->heights == NULL
							? palloc(sizeof(IcePart *) * list->capacity)
							: repalloc(list->heights, sizeof(IcePart *) * list->capacity);
	}
	for (; list->heighted < list->count; list->heighted++)
	{
		IcePart *part = list->items[list->heighted];

		if (part->removed)
			continue;
		if (list->height_count > 0 && list->heights[list->height_count - 1]->id > part->id)
			sorted = false;
		list->heights[list->height_count++] = part;
	}
	if (!sorted)
		qsort(list->heights, list->height_count, sizeof(IcePart *), compare_ids);
}

/* However often ids are given and taken away, an item is looked at once. */
int32
ice_part_list_next_id(const IcePartList *list, int32 first, const char *what)
{
	IcePartList *cache = unconstify(IcePartList *, list);
	int64        next = first;

	update_heights(cache);
	while (cache->height_count > 0 && cache->heights[cache->height_count - 1]->removed)
	{
		ice_step();
		cache->height_count--;
	}
	if (cache->height_count > 0)
		next = Max(next, cache->heights[cache->height_count - 1]->id + 1);
	if (next > PG_INT32_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add a %s: no id is left", what);
	return (int32) next;
}

/* -- finding ---------------------------------------------------------------------------------- */

static uint32
part_hash(int64 id, const char *key)
{
	return (uint32) (key != NULL ? ice_budget_hash(key, strlen(key))
								 : ice_budget_hash(&id, sizeof(id)));
}

static bool
part_matches(const IcePart *part, int64 id, const char *key)
{
	return key != NULL ? strcmp(part->key, key) == 0 : part->id == id;
}

static bool
is_wanted(const IcePart *part, IcePartWanted wanted)
{
	switch (wanted)
	{
		case ICE_PART_LIVE:
			return !part->removed;
		case ICE_PART_GONE:
			return ice_part_is_gone(part);
		default:
			return true;
	}
}

/* Takes the slot of a part that came and went in this commit, if it has the same id or key: however
 * often that happens, a look-up passes few. */
static void
slot_insert(IcePartList *list, int position, bool by_key)
{
	const IcePart *part = list->items[position];
	const char    *key = by_key ? part->key : NULL;
	uint32         slot = part_hash(part->id, key);

	for (;; slot++)
	{
		const IcePart *other;

		ice_step();
		slot &= list->slot_count - 1;
		if (list->slots[slot] == SLOT_FREE)
			break;
		other = list->items[list->slots[slot]];
		if (other->added && other->removed && part_matches(other, part->id, key))
			break;
	}
	list->slots[slot] = position;
}

/* Puts the items that were added since the last look-up into the hash table; at most half full. */
static void
update_slots(IcePartList *list, bool by_key)
{
	if (list->slot_count < list->count * 2)
	{
		int slot_count = Max(list->slot_count, SLOTS_FROM);

		while (slot_count < list->count * 2)
			slot_count *= 2;
		ice_budget_reserve(sizeof(int) * (size_t) slot_count);
		if (list->slots != NULL)
			pfree(list->slots);
		list->slots = palloc(sizeof(int) * slot_count);
		memset(list->slots, 0xFF, sizeof(int) * slot_count);
		list->slot_count = slot_count;
		list->slotted = 0;
	}
	for (; list->slotted < list->count; list->slotted++)
		slot_insert(list, list->slotted, by_key);
}

IcePart *
ice_part_list_find(const IcePartList *list, int64 id, const char *key, IcePartWanted wanted)
{
	/* the hash table is a cache: building it changes nothing that a caller can see */
	IcePartList *cache = unconstify(IcePartList *, list);

	if (list->count <= SLOTS_FROM)
	{
		for (int i = 0; i < list->count; i++)
			if (part_matches(list->items[i], id, key) && is_wanted(list->items[i], wanted))
				return list->items[i];
		return NULL;
	}

	update_slots(cache, key != NULL);
	for (uint32 slot = part_hash(id, key);; slot++)
	{
		int      position = list->slots[slot & (list->slot_count - 1)];
		IcePart *part;

		ice_step();
		if (position == SLOT_FREE)
			return NULL;
		part = list->items[position];
		if (part_matches(part, id, key) && is_wanted(part, wanted))
			return part;
	}
}

/* -- writing ---------------------------------------------------------------------------------- */

void
ice_part_list_write(StringInfo out, const IcePartList *list)
{
	bool first = true;

	appendStringInfoChar(out, '[');
	for (int i = 0; i < list->count; i++)
	{
		const IcePart *part = list->items[i];

		if (part->removed)
			continue;
		ice_step_bytes(part->body_len);
		if (!first)
			appendStringInfoCharMacro(out, ',');
		first = false;
		appendBinaryStringInfo(out, part->body, (int) part->body_len);
	}
	appendStringInfoCharMacro(out, ']');
}

/* Without the braces; nothing for an empty object. */
void
ice_part_write_members(StringInfo out, const IcePart *part)
{
	const char *start = (const char *) memchr(part->body, '{', part->body_len) + 1;
	const char *end = part->body + part->body_len;

	while (*--end != '}')
		;
	while (start < end && strchr(" \t\r\n", *start) != NULL)
		start++;
	if (start == end)
		return;
	appendStringInfoCharMacro(out, ',');
	appendBinaryStringInfo(out, start, (int) (end - start));
}
