/*
 * part.c
 *		Lists of parts: filling and writing them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/part.h"

static IcePart *
push_part(IcePartList *list, int64 id, const char *key)
{
	IcePart *part = palloc0(sizeof(IcePart));

	part->id = id;
	part->key = key;
	if (list->count == list->capacity)
	{
		list->capacity = Max(list->capacity * 2, 8);
		if (list->items == NULL)
			list->items = palloc(sizeof(IcePart *) * list->capacity);
		else
			list->items = repalloc(list->items, sizeof(IcePart *) * list->capacity);
	}
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

int32
ice_part_list_next_id(const IcePartList *list, int32 first, const char *what)
{
	int64 next = first;

	for (int i = 0; i < list->count; i++)
		if (!list->items[i]->removed)
			next = Max(next, list->items[i]->id + 1);
	if (next > PG_INT32_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add a %s: no id is left", what);
	return (int32) next;
}

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
