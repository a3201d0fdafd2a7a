/*
 * verdicts.c
 *		A hash table with a list in order of use; see verdicts.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/verdicts.h"

#include <stdlib.h>
#include <sys/queue.h>

#define BUCKETS 4096 /* a power of two */

typedef struct Entry
{
	TAILQ_ENTRY(Entry) use;
	struct Entry *next; /* in its bucket */
	GwVerdict     verdict;
} Entry;

struct GwVerdicts
{
	TAILQ_HEAD(Uses, Entry) used; /* most recently used first */
	int64_t count;
	Entry  *buckets[BUCKETS];
};

GwVerdicts *
gw_verdicts_create(void)
{
	GwVerdicts *verdicts = gw_alloc(sizeof(*verdicts));

	TAILQ_INIT(&verdicts->used);
	verdicts->count = 0;
	memset(verdicts->buckets, 0, sizeof(verdicts->buckets));
	return verdicts;
}

/* A digest is as good as random, so some of its bits are the hash. */
static Entry **
bucket_of(GwVerdicts *verdicts, const unsigned char *digest)
{
	return &verdicts->buckets[(digest[0] | (unsigned) digest[1] << 8) % BUCKETS];
}

static void
forget(GwVerdicts *verdicts, Entry *entry)
{
	Entry **at = bucket_of(verdicts, entry->verdict.digest);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	TAILQ_REMOVE(&verdicts->used, entry, use);
	verdicts->count--;
	free(entry);
}

static Entry *
find(GwVerdicts *verdicts, const unsigned char *digest)
{
	for (Entry *entry = *bucket_of(verdicts, digest); entry != NULL; entry = entry->next)
		if (memcmp(entry->verdict.digest, digest, GW_DIGEST_BYTES) == 0)
			return entry;
	return NULL;
}

void
gw_verdicts_destroy(GwVerdicts *verdicts)
{
	while (!TAILQ_EMPTY(&verdicts->used))
		forget(verdicts, TAILQ_FIRST(&verdicts->used));
	free(verdicts);
}

const GwVerdict *
gw_verdicts_find(GwVerdicts *verdicts, const unsigned char *digest, uint64_t now_us, int64_t now_s)
{
	Entry *entry = find(verdicts, digest);

	if (entry == NULL)
		return NULL;
	if (now_us >= entry->verdict.until_us || now_s >= entry->verdict.expires_s)
	{
		forget(verdicts, entry);
		return NULL;
	}
	TAILQ_REMOVE(&verdicts->used, entry, use);
	TAILQ_INSERT_HEAD(&verdicts->used, entry, use);
	return &entry->verdict;
}

void
gw_verdicts_put(GwVerdicts *verdicts, const GwVerdict *verdict, int64_t max)
{
	Entry  *entry = find(verdicts, verdict->digest);
	Entry **bucket = bucket_of(verdicts, verdict->digest);

	if (entry != NULL)
		forget(verdicts, entry);
	while (verdicts->count > 0 && verdicts->count >= max)
		forget(verdicts, TAILQ_LAST(&verdicts->used, Uses));
	if (max <= 0)
		return;
	entry = gw_alloc(sizeof(*entry));
	entry->verdict = *verdict;
	entry->next = *bucket;
	*bucket = entry;
	TAILQ_INSERT_HEAD(&verdicts->used, entry, use);
	verdicts->count++;
}

int64_t
gw_verdicts_count(const GwVerdicts *verdicts)
{
	return verdicts->count;
}
