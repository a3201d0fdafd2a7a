/*
 * cache.c
 *		Answers by key; see cache.h.
 *
 * A hash table of chains that doubles as it fills, and one list in the order of use. An entry is
 * one piece of memory: the struct, its key, its tag and its body; the compressed form is another.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/cache.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS_FIRST 64

struct GwCache
{
	TAILQ_HEAD(GwUsed, GwCacheEntry) used;
	GwCacheEntry **buckets;
	size_t         bucket_count; /* a power of two */
	GwCacheStats   stats;
};

GwCache *
gw_cache_create(void)
{
	GwCache *cache = gw_alloc(sizeof(*cache));

	TAILQ_INIT(&cache->used);
	cache->bucket_count = BUCKETS_FIRST;
	cache->buckets = gw_alloc(cache->bucket_count * sizeof(GwCacheEntry *));
	return cache;
}

void
gw_cache_destroy(GwCache *cache)
{
	gw_cache_trim(cache, 0);
	free(cache->buckets);
	free(cache);
}

/* FNV-1a. Keys that collide on purpose cost a chain's walk; only names of tables that exist get
 * in. */
static uint64_t
hash_of(GwSlice key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char) key.data[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static GwCacheEntry **
bucket_of(GwCache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

/* Where the entry of a key hangs, or where one would be hung. */
static GwCacheEntry **
place_of(GwCache *cache, GwSlice key, uint64_t hash)
{
	GwCacheEntry **place = bucket_of(cache, hash);

	while (*place != NULL && ((*place)->hash != hash || (*place)->key.len != key.len ||
							  memcmp((*place)->key.data, key.data, key.len) != 0))
		place = &(*place)->next;
	return place;
}

static uint64_t
size_of(const GwCacheEntry *entry)
{
	return sizeof(*entry) + entry->key.len + strlen(entry->etag) + 1 + entry->body.len +
		   entry->gzip.cap;
}

static void
free_unheld(GwCacheEntry *entry)
{
	if (entry->cache != NULL || entry->holders > 0)
		return;
	gw_text_free(&entry->gzip);
	free(entry);
}

/* Takes an entry out of the cache; a request that holds it keeps it. */
static void
drop(GwCache *cache, GwCacheEntry *entry)
{
	GwCacheEntry **place = place_of(cache, entry->key, entry->hash);

	assert(*place == entry);
	*place = entry->next;
	TAILQ_REMOVE(&cache->used, entry, use);
	cache->stats.entries--;
	cache->stats.bytes -= size_of(entry);
	entry->cache = NULL;
	free_unheld(entry);
}

static void
grow(GwCache *cache)
{
	GwCacheEntry *entry;

	free(cache->buckets);
	cache->bucket_count *= 2;
	cache->buckets = gw_alloc(cache->bucket_count * sizeof(GwCacheEntry *));
	TAILQ_FOREACH (entry, &cache->used, use)
	{
		GwCacheEntry **bucket = bucket_of(cache, entry->hash);

		entry->next = *bucket;
		*bucket = entry;
	}
}

GwCacheEntry *
gw_cache_find(GwCache *cache, GwSlice key)
{
	GwCacheEntry *entry = *place_of(cache, key, hash_of(key));

	if (entry == NULL)
		return NULL;
	TAILQ_REMOVE(&cache->used, entry, use);
	TAILQ_INSERT_HEAD(&cache->used, entry, use);
	entry->holders++;
	return entry;
}

static GwCacheEntry *
make_entry(GwSlice key, const char *etag, GwSlice body)
{
	size_t        etag_size = strlen(etag) + 1;
	GwCacheEntry *entry = gw_alloc(sizeof(*entry) + key.len + etag_size + body.len);
	char         *at = (char *) (entry + 1);

	entry->key = (GwSlice){memcpy(at, key.data, key.len), key.len};
	entry->etag = memcpy(at + key.len, etag, etag_size);
	entry->body = (GwSlice){memcpy(at + key.len + etag_size, body.data, body.len), body.len};
	entry->hash = hash_of(key);
	entry->holders = 1;
	return entry;
}

GwCacheEntry *
gw_cache_put(GwCache *cache, GwSlice key, const char *etag, GwSlice body, uint64_t bytes_max)
{
	GwCacheEntry **place = place_of(cache, key, hash_of(key));
	GwCacheEntry  *entry;

	if (strlen(etag) > GW_ETAG_BYTES_MAX || body.len + key.len + sizeof(*entry) > bytes_max)
		return NULL;
	if (*place != NULL)
		drop(cache, *place);
	entry = make_entry(key, etag, body);
	entry->cache = cache;
	place = bucket_of(cache, entry->hash);
	entry->next = *place;
	*place = entry;
	TAILQ_INSERT_HEAD(&cache->used, entry, use);
	cache->stats.entries++;
	cache->stats.bytes += size_of(entry);
	if (cache->stats.entries > cache->bucket_count)
		grow(cache);
	gw_cache_trim(cache, bytes_max);
	return entry;
}

void
gw_cache_add_gzip(GwCacheEntry *entry, GwText *gzip, uint64_t bytes_max)
{
	if (entry->gzip.data != NULL)
	{
		gw_text_free(gzip);
		return;
	}
	gw_text_fit(gzip);
	entry->gzip = *gzip;
	*gzip = (GwText){0};
	if (entry->cache == NULL)
		return;
	entry->cache->stats.bytes += entry->gzip.cap;
	gw_cache_trim(entry->cache, bytes_max);
}

void
gw_cache_release(GwCacheEntry *entry)
{
	if (entry == NULL)
		return;
	entry->holders--;
	free_unheld(entry);
}

void
gw_cache_trim(GwCache *cache, uint64_t bytes_max)
{
	GwCacheEntry *last;

	while (cache->stats.bytes > bytes_max && (last = TAILQ_LAST(&cache->used, GwUsed)) != NULL)
	{
		drop(cache, last);
		cache->stats.evictions++;
	}
}

GwCacheStats *
gw_cache_stats(GwCache *cache)
{
	return &cache->stats;
}
