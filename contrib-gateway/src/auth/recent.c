/*
 * recent.c
 *		A hash table with a list in order of use; see recent.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/recent.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <openssl/rand.h>

#define BUCKET_BITS 12
#define BUCKETS     (1 << BUCKET_BITS)

typedef struct Entry
{
	TAILQ_ENTRY(Entry) use;
	struct Entry *next; /* in its bucket */
	unsigned char digest[GW_DIGEST_BYTES];
	max_align_t   content[];
} Entry;

struct GwRecent
{
	TAILQ_HEAD(Uses, Entry) used; /* most recently used first */
	size_t   entry_bytes;
	int64_t  count;
	uint64_t secret; /* odd */
	Entry   *buckets[BUCKETS];
};

GwRecent *
gw_recent_create(size_t entry_bytes)
{
	GwRecent *recent = gw_alloc(sizeof(*recent));

	memset(recent, 0, sizeof(*recent));
	TAILQ_INIT(&recent->used);
	recent->entry_bytes = entry_bytes;
	if (RAND_bytes((unsigned char *) &recent->secret, sizeof(recent->secret)) != 1)
		abort();
	recent->secret |= 1;
	return recent;
}

/* A product with a secret number: its upper bits. */
static Entry **
bucket_of(GwRecent *recent, const unsigned char *digest)
{
	uint64_t number;

	memcpy(&number, digest, sizeof(number));
	return &recent->buckets[number * recent->secret >> (64 - BUCKET_BITS)];
}

static void
forget(GwRecent *recent, Entry *entry)
{
	Entry **at = bucket_of(recent, entry->digest);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	TAILQ_REMOVE(&recent->used, entry, use);
	recent->count--;
	free(entry);
}

static Entry *
find(GwRecent *recent, const unsigned char *digest)
{
	for (Entry *entry = *bucket_of(recent, digest); entry != NULL; entry = entry->next)
		if (memcmp(entry->digest, digest, GW_DIGEST_BYTES) == 0)
			return entry;
	return NULL;
}

void
gw_recent_destroy(GwRecent *recent)
{
	while (!TAILQ_EMPTY(&recent->used))
		forget(recent, TAILQ_FIRST(&recent->used));
	free(recent);
}

void *
gw_recent_find(GwRecent *recent, const unsigned char *digest)
{
	Entry *entry = find(recent, digest);

	if (entry == NULL)
		return NULL;
	TAILQ_REMOVE(&recent->used, entry, use);
	TAILQ_INSERT_HEAD(&recent->used, entry, use);
	return entry->content;
}

void *
gw_recent_take(GwRecent *recent, const unsigned char *digest, int64_t max)
{
	void   *known = gw_recent_find(recent, digest);
	Entry **bucket = bucket_of(recent, digest);
	Entry  *entry;

	if (known != NULL)
		return known;
	while (recent->count > 0 && recent->count >= max)
		forget(recent, TAILQ_LAST(&recent->used, Uses));
	if (max <= 0)
		return NULL;
	entry = gw_alloc(offsetof(Entry, content) + recent->entry_bytes);
	memset(entry, 0, offsetof(Entry, content) + recent->entry_bytes);
	memcpy(entry->digest, digest, GW_DIGEST_BYTES);
	entry->next = *bucket;
	*bucket = entry;
	TAILQ_INSERT_HEAD(&recent->used, entry, use);
	recent->count++;
	return entry->content;
}

void
gw_recent_forget(GwRecent *recent, const unsigned char *digest)
{
	Entry *entry = find(recent, digest);

	if (entry != NULL)
		forget(recent, entry);
}

int64_t
gw_recent_count(const GwRecent *recent)
{
	return recent->count;
}
