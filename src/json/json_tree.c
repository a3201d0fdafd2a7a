/*
 * json_tree.c
 *		Members, items and look-ups; making, editing, copying and comparing values.
 *
 * Objects with more than INDEX_MIN members have an index: their positions in the order of their
 * keys. It is sorted by merging, so no choice of keys makes it slow.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include <errno.h>

#include "json/json_private.h"

#define INDEX_MIN 16
#define CAPACITY_MIN 4

/* -- members and items ------------------------------------------------------------------------ */

/* Makes room for one more entry of the given size; returns the array. */
static void *
grow(IceJson *container, void *entries, size_t entry_size)
{
	if (container->count < container->capacity)
		return entries;

	int capacity = Max(container->capacity * 2, CAPACITY_MIN);

	if (entries == NULL)
		entries = palloc(entry_size * capacity);
	else
		entries = repalloc(entries, entry_size * capacity);
	container->capacity = capacity;
	return entries;
}

void
ice_json_members_push(IceJson *object, const char *key, IceJson *value)
{
	object->members = grow(object, object->members, sizeof(IceJsonMember));
	object->members[object->count].key = key;
	object->members[object->count].value = value;
	object->count++;
}

void
ice_json_items_push(IceJson *array, IceJson *value)
{
	array->items = grow(array, array->items, sizeof(IceJson *));
	array->items[array->count++] = value;
}

/* -- index of large objects ------------------------------------------------------------------- */

/* Merges two sorted runs of positions, left and right, into out. */
static void
merge_runs(const IceJsonMember *members, const int *left, int left_count, const int *right,
		   int right_count, int *out)
{
	while (left_count > 0 && right_count > 0)
	{
		if (strcmp(members[*left].key, members[*right].key) <= 0)
		{
			*out++ = *left++;
			left_count--;
		}
		else
		{
			*out++ = *right++;
			right_count--;
		}
	}
	memcpy(out, left, sizeof(int) * left_count);
	memcpy(out + left_count, right, sizeof(int) * right_count);
}

/* Sorts all members' positions by key, bottom up, and keeps the result as the object's index. */
static void
build_index(IceJson *object)
{
	int  count = object->count;
	int *from = palloc(sizeof(int) * count);
	int *to = palloc(sizeof(int) * count);

	for (int i = 0; i < count; i++)
		from[i] = i;
	for (int64 width = 1; width < count; width *= 2)
	{
		for (int64 start = 0; start < count; start += 2 * width)
		{
			int64 middle = Min(start + width, count);
			int64 end = Min(start + 2 * width, count);

			merge_runs(object->members, from + start, (int) (middle - start), from + middle,
					   (int) (end - middle), to + start);
		}

		int *swap = from;

		from = to;
		to = swap;
	}
	pfree(to);
	object->index = from;
	object->index_count = count;
}

/* Binary search: the first place in the index whose key is not before the given one. */
static int
index_lower_bound(const IceJson *object, const char *key)
{
	int low = 0;
	int high = object->index_count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (strcmp(object->members[object->index[middle]].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *
ice_json_find_duplicate(IceJson *object)
{
	if (object->count <= INDEX_MIN)
	{
		for (int i = 1; i < object->count; i++)
			for (int j = 0; j < i; j++)
				if (strcmp(object->members[i].key, object->members[j].key) == 0)
					return object->members[i].key;
		return NULL;
	}

	build_index(object);
	for (int i = 1; i < object->count; i++)
	{
		const char *key = object->members[object->index[i]].key;

		if (strcmp(object->members[object->index[i - 1]].key, key) == 0)
			return key;
	}
	return NULL;
}

int
ice_json_find_member(const IceJson *object, const char *key)
{
	if (object->index != NULL)
	{
		int place = index_lower_bound(object, key);

		if (place < object->index_count &&
			strcmp(object->members[object->index[place]].key, key) == 0)
			return object->index[place];
		return -1;
	}
	for (int i = 0; i < object->count; i++)
		if (strcmp(object->members[i].key, key) == 0)
			return i;
	return -1;
}

/* Puts the last member into the index, or makes one when the object has become large. */
static void
index_last_member(IceJson *object)
{
	if (object->index == NULL)
	{
		if (object->count > INDEX_MIN)
			build_index(object);
		return;
	}

	int last = object->count - 1;
	int place = index_lower_bound(object, object->members[last].key);

	object->index = repalloc(object->index, sizeof(int) * object->capacity);
	memmove(object->index + place + 1, object->index + place,
			sizeof(int) * (object->index_count - place));
	object->index[place] = last;
	object->index_count++;
}

/* Takes a position out of the index; later members move up by one. */
static void
unindex_member(IceJson *object, int position)
{
	int kept = 0;

	for (int i = 0; i < object->index_count; i++)
	{
		int indexed = object->index[i];

		if (indexed != position)
			object->index[kept++] = indexed > position ? indexed - 1 : indexed;
	}
	object->index_count = kept;
}

/* -- look-ups --------------------------------------------------------------------------------- */

IceJson *
ice_json_member(const IceJson *object, const char *key)
{
	if (object->kind != ICE_JSON_OBJECT)
		return NULL;

	int position = ice_json_find_member(object, key);

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

	node->string = psprintf(INT64_FORMAT, value);
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

	*copy = *value;
	if (value->kind == ICE_JSON_OBJECT && value->count > 0)
	{
		copy->capacity = value->count;
		copy->members = palloc(sizeof(IceJsonMember) * value->count);
		copy->index = NULL;
		copy->index_count = 0;
		for (int i = 0; i < value->count; i++)
		{
			copy->members[i].key = value->members[i].key;
			copy->members[i].value = copy_tree(value->members[i].value);
			copy->members[i].value->parent = copy;
		}
		if (value->index != NULL)
			build_index(copy);
	}
	else if (value->kind == ICE_JSON_ARRAY && value->count > 0)
	{
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
	int position = ice_json_find_member(object, key);

	value->parent = object;
	mark_edited(object);
	if (position >= 0)
	{
		object->members[position].value = value;
		return;
	}
	ice_json_members_push(object, pstrdup(key), value);
	index_last_member(object);
}

bool
ice_json_remove(IceJson *object, const char *key)
{
	int position = ice_json_find_member(object, key);

	if (position < 0)
		return false;
	mark_edited(object);
	if (object->index != NULL)
		unindex_member(object, position);
	memmove(object->members + position, object->members + position + 1,
			sizeof(IceJsonMember) * (object->count - position - 1));
	object->count--;
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
	ice_json_items_push(array, value);
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
