/*
 * json_tree.c
 *		Members, items and look-ups; making, editing, copying and comparing values.
 *
 * Objects with more than INDEX_MIN members have an index: a hash table of their positions. No
 * choice of keys makes it slow, for nobody knows the hash's seed. To remove a member takes as long
 * as there are members.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include <errno.h>

#include "json/json_private.h"

#define INDEX_MIN    16
#define CAPACITY_MIN 4

/* -- members and items ------------------------------------------------------------------------ */

/* Makes room for one more entry of the given size; returns the array. One that the parser made is
 * part of a block. */
static void *
grow(IceJson *container, void *entries, size_t entry_size)
{
	size_t capacity = Max((size_t) container->count * 2, CAPACITY_MIN);
	void  *grown;

	if (container->count < container->capacity)
		return entries;
	ice_budget_reserve(entry_size * capacity);
	if (container->capacity > 0)
		grown = repalloc(entries, entry_size * capacity);
	else
	{
		grown = palloc(entry_size * capacity);
		if (container->count > 0)
			memcpy(grown, entries, entry_size * container->count);
	}
	container->capacity = (int) capacity;
	return grown;
}

void
ice_json_tree_push_member(IceJson *object, const char *key, IceJson *value)
{
	object->members = grow(object, object->members, sizeof(IceJsonMember));
	object->members[object->count].key = key;
	object->members[object->count].value = value;
	object->count++;
}

void
ice_json_tree_push_item(IceJson *array, IceJson *value)
{
	array->items = grow(array, array->items, sizeof(IceJson *));
	array->items[array->count++] = value;
}

/* -- index of large objects ------------------------------------------------------------------- */

/* A hash table of positions, at most half full. */
struct IceJsonIndex
{
	int    count; /* members that are in it: the first ones */
	uint32 mask;
	int    slots[FLEXIBLE_ARRAY_MEMBER];
};

#define SLOT_FREE (-1)

/* The slot of the member with this key, or the free one where it would be. */
static int *
find_slot(const IceJson *object, const char *key)
{
	IceJsonIndex *index = object->index;
	uint32        slot = (uint32) ice_budget_hash(key, strlen(key)) & index->mask;

	for (;; slot = (slot + 1) & index->mask)
	{
		int position = index->slots[slot];

		ice_step();
		if (position == SLOT_FREE || strcmp(object->members[position].key, key) == 0)
			return &index->slots[slot];
	}
}

/* Puts the members into the index that are not in it yet. Returns a key that was there before, or
 * NULL. */
static const char *
fill_index(IceJson *object)
{
	const char *duplicate = NULL;

	while (object->index->count < object->count)
	{
		int  position = object->index->count++;
		int *slot = find_slot(object, object->members[position].key);

		if (*slot != SLOT_FREE && duplicate == NULL)
			duplicate = object->members[position].key;
		*slot = position;
	}
	return duplicate;
}

/* Makes a new index, with room for more members. */
static const char *
build_index(IceJson *object)
{
	uint32 size = INDEX_MIN * 4;
	size_t bytes;

	while (size < (uint32) object->count * 3)
		size *= 2;
	bytes = offsetof(IceJsonIndex, slots) + sizeof(int) * size;
	ice_budget_reserve(bytes);
	if (object->index != NULL)
		pfree(object->index);
	object->index = palloc(bytes);
	object->index->count = 0;
	object->index->mask = size - 1;
	memset(object->index->slots, 0xFF, sizeof(int) * size);
	return fill_index(object);
}

const char *
ice_json_tree_find_duplicate(IceJson *object)
{
	if (object->count > INDEX_MIN)
		return build_index(object);
	for (int i = 1; i < object->count; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(object->members[i].key, object->members[j].key) == 0)
				return object->members[i].key;
	return NULL;
}

int
ice_json_tree_find_member(const IceJson *object, const char *key)
{
	if (object->index != NULL)
		return *find_slot(object, key);
	for (int i = 0; i < object->count; i++)
	{
		ice_step();
		if (strcmp(object->members[i].key, key) == 0)
			return i;
	}
	return -1;
}

/* Puts the last member into the index, or makes one when the object has become large. */
static void
index_last_member(IceJson *object)
{
	if (object->index == NULL ? object->count > INDEX_MIN
							  : (uint32) object->count * 2 > object->index->mask)
		(void) build_index(object);
	else if (object->index != NULL)
		(void) fill_index(object);
}

/* -- look-ups --------------------------------------------------------------------------------- */

IceJson *
ice_json_member(const IceJson *object, const char *key)
{
	if (object->kind != ICE_JSON_OBJECT)
		return NULL;

	int position = ice_json_tree_find_member(object, key);

	return position < 0 ? NULL : object->members[position].value;
}

IceJson *
ice_json_get(const IceJson *object, const char *key)
{
	IceJson *value = ice_json_member(object, key);

	return value == NULL || value->kind == ICE_JSON_NULL ? NULL : value;
}

/* -- making ----------------------------------------------------------------------------------- */

/* A node without source; edited, so that the writer looks at its content. */
static IceJson *
make_node(IceJsonKind kind)
{
	IceJson *node = palloc0(sizeof(IceJson));

	node->kind = kind;
	node->edited = true;
	return node;
}

IceJson *
ice_json_make_object(void)
{
	return make_node(ICE_JSON_OBJECT);
}

IceJson *
ice_json_make_array(void)
{
	return make_node(ICE_JSON_ARRAY);
}

IceJson *
ice_json_make_string(const char *value)
{
	IceJson *node = make_node(ICE_JSON_STRING);

	node->string = pstrdup(value);
	return node;
}

IceJson *
ice_json_make_int(int64 value)
{
	IceJson *node = make_node(ICE_JSON_NUMBER);
	char     text[24];

	snprintf(text, sizeof(text), INT64_FORMAT, value);
	node->string = pstrdup(text);
	return node;
}

IceJson *
ice_json_make_number(const char *spelling)
{
	IceJson *node = make_node(ICE_JSON_NUMBER);

	node->string = pstrdup(spelling);
	return node;
}

IceJson *
ice_json_make_bool(bool value)
{
	IceJson *node = make_node(ICE_JSON_BOOL);

	node->boolean = value;
	return node;
}

IceJson *
ice_json_make_null(void)
{
	return make_node(ICE_JSON_NULL);
}

/* Recursion is bounded by the depth that the parser allowed. */
static IceJson *
copy_tree(const IceJson *value)
{
	IceJson *copy = palloc(sizeof(IceJson));

	ice_budget_stack_check();
	ice_step();
	*copy = *value;
	copy->capacity = 0;
	if (value->kind == ICE_JSON_OBJECT && value->count > 0)
	{
		ice_budget_reserve(sizeof(IceJsonMember) * value->count);
		copy->capacity = value->count;
		copy->members = palloc(sizeof(IceJsonMember) * value->count);
		copy->index = NULL;
		for (int i = 0; i < value->count; i++)
		{
			copy->members[i].key = value->members[i].key;
			copy->members[i].value = copy_tree(value->members[i].value);
			copy->members[i].value->parent = copy;
		}
		if (value->index != NULL)
			(void) build_index(copy);
	}
	else if (value->kind == ICE_JSON_ARRAY && value->count > 0)
	{
		ice_budget_reserve(sizeof(IceJson *) * value->count);
		copy->capacity = value->count;
		copy->items = palloc(sizeof(IceJson *) * value->count);
		for (int i = 0; i < value->count; i++)
		{
			copy->items[i] = copy_tree(value->items[i]);
			copy->items[i]->parent = copy;
		}
	}
	return copy;
}

/* Below the document of the original, so that errors can say where the copy comes from. */
IceJson *
ice_json_copy(const IceJson *value)
{
	IceJson *copy = copy_tree(value);

	while (value->parent != NULL)
		value = value->parent;
	copy->parent = (IceJson *) value;
	return copy;
}

/* -- editing ---------------------------------------------------------------------------------- */

static void
mark_edited(IceJson *node)
{
	for (; node != NULL && !node->edited; node = node->parent)
		node->edited = true;
}

void
ice_json_set(IceJson *object, const char *key, IceJson *value)
{
	int position = ice_json_tree_find_member(object, key);

	value->parent = object;
	mark_edited(object);
	if (position >= 0)
	{
		object->members[position].value = value;
		return;
	}
	ice_json_tree_push_member(object, pstrdup(key), value);
	index_last_member(object);
}

bool
ice_json_remove(IceJson *object, const char *key)
{
	int position = ice_json_tree_find_member(object, key);

	if (position < 0)
		return false;
	mark_edited(object);
	memmove(object->members + position, object->members + position + 1,
			sizeof(IceJsonMember) * (object->count - position - 1));
	object->count--;
	if (object->index != NULL)
		(void) build_index(object);
	return true;
}

void
ice_json_drop_nulls(IceJson *object, const char *const *keys, int count)
{
	for (int i = 0; i < count; i++)
	{
		const IceJson *value = ice_json_member(object, keys[i]);

		if (value != NULL && value->kind == ICE_JSON_NULL)
			ice_json_remove(object, keys[i]);
	}
}

void
ice_json_append(IceJson *array, IceJson *value)
{
	value->parent = array;
	mark_edited(array);
	ice_json_tree_push_item(array, value);
}

bool
ice_json_is_int64(const IceJson *value, int64 *result)
{
	if (value->kind != ICE_JSON_NUMBER || strpbrk(value->string, ".eE") != NULL)
		return false;
	errno = 0;
	*result = strtoll(value->string, NULL, 10);
	return errno == 0;
}

IceJson *
ice_json_with_int(IceJson *object, const char *key, int64 value)
{
	const IceJson *old = ice_json_get(object, key);
	int64          old_value;
	IceJson       *copy;

	if (old != NULL && ice_json_is_int64(old, &old_value) && old_value == value)
		return object;
	copy = ice_json_copy(object);
	ice_json_set(copy, key, ice_json_make_int(value));
	return copy;
}

/* -- comparing -------------------------------------------------------------------------------- */

static bool
numbers_equal(const IceJson *a, const IceJson *b)
{
	int64 a_value;
	int64 b_value;

	if (strcmp(a->string, b->string) == 0)
		return true;
	return ice_json_is_int64(a, &a_value) && ice_json_is_int64(b, &b_value) && a_value == b_value;
}

bool
ice_json_equal(const IceJson *a, const IceJson *b)
{
	ice_budget_stack_check();
	ice_step();
	if (a == b)
		return true;
	if (a->kind != b->kind)
		return false;
	switch (a->kind)
	{
		case ICE_JSON_NULL:
			return true;
		case ICE_JSON_BOOL:
			return a->boolean == b->boolean;
		case ICE_JSON_NUMBER:
			return numbers_equal(a, b);
		case ICE_JSON_STRING:
			return strcmp(a->string, b->string) == 0;
		case ICE_JSON_ARRAY:
			if (a->count != b->count)
				return false;
			for (int i = 0; i < a->count; i++)
				if (!ice_json_equal(a->items[i], b->items[i]))
					return false;
			return true;
		case ICE_JSON_OBJECT:
			if (a->count != b->count)
				return false;
			for (int i = 0; i < a->count; i++)
			{
				IceJson *other = ice_json_member(b, a->members[i].key);

				if (other == NULL || !ice_json_equal(a->members[i].value, other))
					return false;
			}
			return true;
	}
	return false;
}
