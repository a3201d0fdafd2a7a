/*
 * map.c
 *		A hash table from texts to pointers; see map.h.
 *
 * Entries lie in the order in which they came; the table of their positions is at most half full.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/map.h"

#define SIZE_MIN 16

typedef struct Entry
{
	char  *key;
	size_t len;
	uint64 hash;
	void  *value;
} Entry;

struct IceMap
{
	Entry *entries;
	int    count;
	int    size;  /* room for entries; the table has twice as many slots */
	int   *slots; /* positions + 1; 0: free */
};

static void
fill_slot(IceMap *map, int position)
{
	uint32 mask = (uint32) map->size * 2 - 1;
	uint32 slot = (uint32) map->entries[position].hash & mask;

	for (; map->slots[slot] != 0; slot = (slot + 1) & mask)
		ice_step();
	map->slots[slot] = position + 1;
}

/* Doubles the room. */
static void
enlarge(IceMap *map)
{
	size_t size = Max((size_t) map->size * 2, SIZE_MIN);

	ice_budget_reserve(size * (sizeof(Entry) + 2 * sizeof(int)));
	if (map->entries == NULL)
		map->entries = palloc(size * sizeof(Entry));
	else
	{
		map->entries = repalloc(map->entries, size * sizeof(Entry));
		pfree(map->slots);
	}
	map->slots = palloc0(size * 2 * sizeof(int));
	map->size = (int) size;
	for (int i = 0; i < map->count; i++)
		fill_slot(map, i);
}

IceMap *
ice_map_make(void)
{
	IceMap *map = palloc0(sizeof(IceMap));

	enlarge(map);
	return map;
}

void
ice_map_free(IceMap *map)
{
	for (int i = 0; i < map->count; i++)
		pfree(map->entries[i].key);
	pfree(map->entries);
	pfree(map->slots);
	pfree(map);
}

/* The entry of a key, or NULL. */
static Entry *
find_entry(const IceMap *map, const void *key, size_t len, uint64 hash)
{
	uint32 mask = (uint32) map->size * 2 - 1;

	for (uint32 slot = (uint32) hash & mask; map->slots[slot] != 0; slot = (slot + 1) & mask)
	{
		Entry *entry = &map->entries[map->slots[slot] - 1];

		ice_step();
		if (entry->hash == hash && entry->len == len && memcmp(entry->key, key, len) == 0)
			return entry;
	}
	return NULL;
}

void *
ice_map_get(const IceMap *map, const void *key, size_t len)
{
	const Entry *entry = find_entry(map, key, len, ice_budget_hash(key, len));

	return entry == NULL ? NULL : entry->value;
}

/* The entry of a key, made where there was none. */
static Entry *
demand_entry(IceMap *map, const void *key, size_t len, bool *found)
{
	uint64 hash = ice_budget_hash(key, len);
	Entry *entry = find_entry(map, key, len, hash);

	*found = entry != NULL;
	if (entry != NULL)
		return entry;
	if (map->count == map->size)
		enlarge(map);
	entry = &map->entries[map->count++];
	*entry = (Entry){.key = palloc(Max(len, 1)), .len = len, .hash = hash};
	memcpy(entry->key, key, len);
	fill_slot(map, map->count - 1);
	return entry;
}

void **
ice_map_at(IceMap *map, const void *key, size_t len)
{
	bool found;

	return &demand_entry(map, key, len, &found)->value;
}

bool
ice_map_add(IceMap *map, const void *key, size_t len)
{
	bool found;

	(void) demand_entry(map, key, len, &found);
	return !found;
}
