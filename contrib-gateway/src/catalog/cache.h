/*
 * cache.h
 *		A bounded store of answers by key, with their entity tags; the least recently used go first.
 *		Pure.
 *
 * It never answers by itself: a request that takes an answer from it has asked the database whether
 * its tag is still the right one. An entry that somebody holds lives on when it is replaced or
 * evicted; its bytes no longer count then.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CACHE_H
#define GW_CACHE_H

#include <sys/queue.h>

#include "base/text.h"

#define GW_ETAG_BYTES_MAX 200 /* answers with longer tags are not kept */

typedef struct GwCacheEntry
{
	TAILQ_ENTRY(GwCacheEntry) use; /* most recently used first */
	struct GwCacheEntry *next;     /* in its bucket */
	struct GwCache      *cache;    /* NULL: only its holders know it */
	int                  holders;
	uint64_t             hash;
	GwSlice              key;
	const char          *etag;
	GwSlice              body;
	GwText               gzip; /* data is NULL until somebody has compressed the body */
} GwCacheEntry;

typedef struct GwCacheStats
{
	uint64_t entries;
	uint64_t bytes;
	uint64_t hits;  /* answers that were sent from here */
	uint64_t stale; /* the database had a newer one */
	uint64_t misses;
	uint64_t evictions;
} GwCacheStats;

typedef struct GwCache GwCache;

extern GwCache *gw_cache_create(void);
extern void     gw_cache_destroy(GwCache *cache);

/* Finds an entry and holds it, or NULL. */
extern GwCacheEntry *gw_cache_find(GwCache *cache, GwSlice key);

/* Puts a copy of an answer in the place of what the key has, evicts others until at most bytes_max
 * are kept, and returns the entry, held. NULL: the tag is too long, or the answer larger than
 * everything may be. */
extern GwCacheEntry *gw_cache_put(GwCache *cache, GwSlice key, const char *etag, GwSlice body,
								  uint64_t bytes_max);

/* Gives a held entry the compressed form of its body; takes the memory over. */
extern void gw_cache_add_gzip(GwCacheEntry *entry, GwText *gzip, uint64_t bytes_max);

/* Lets go of an entry. */
extern void gw_cache_release(GwCacheEntry *entry);

/* Evicts until at most so much is kept; 0 empties it. */
extern void gw_cache_trim(GwCache *cache, uint64_t bytes_max);

extern GwCacheStats *gw_cache_stats(GwCache *cache);

#endif
