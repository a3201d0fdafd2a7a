/*
 * rates.c
 *		How many requests a second of each key; see rates.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/rates.h"

#include <stdlib.h>
#include <sys/queue.h>

#define BUCKETS 1024 /* a power of two */

typedef struct Entry
{
	TAILQ_ENTRY(Entry) use;
	struct Entry *next; /* with the same hash */
	uint64_t      hash;
	uint64_t      ahead_us; /* all that was taken is paid then */
	size_t        len;
	char          key[GW_RATE_KEY_BYTES_MAX];
} Entry;

struct GwRates
{
	TAILQ_HEAD(Uses, Entry) used; /* most recently used first */
	int64_t count;
	Entry  *buckets[BUCKETS];
};

GwRates *
gw_rates_create(void)
{
	GwRates *rates = gw_alloc(sizeof(*rates));

	TAILQ_INIT(&rates->used);
	rates->count = 0;
	memset(rates->buckets, 0, sizeof(rates->buckets));
	return rates;
}

static void
forget(GwRates *rates, Entry *entry)
{
	Entry **at = &rates->buckets[entry->hash % BUCKETS];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	TAILQ_REMOVE(&rates->used, entry, use);
	rates->count--;
	free(entry);
}

void
gw_rates_destroy(GwRates *rates)
{
	while (!TAILQ_EMPTY(&rates->used))
		forget(rates, TAILQ_FIRST(&rates->used));
	free(rates);
}

static GwSlice
cut(GwSlice key)
{
	return (GwSlice){key.data, key.len < GW_RATE_KEY_BYTES_MAX ? key.len : GW_RATE_KEY_BYTES_MAX};
}

static Entry *
find(const GwRates *rates, GwSlice key, uint64_t hash)
{
	Entry *entry = rates->buckets[hash % BUCKETS];

	while (entry != NULL && (entry->hash != hash || entry->len != key.len ||
							 memcmp(entry->key, key.data, key.len) != 0))
		entry = entry->next;
	return entry;
}

static uint64_t
interval_us(GwRate rate)
{
	return 1000000 / (uint64_t) rate.per_s;
}

uint64_t
gw_rates_wait(const GwRates *rates, GwSlice key, GwRate rate, uint64_t now_us)
{
	const Entry *entry = find(rates, cut(key), gw_text_slice_hash(cut(key)));
	uint64_t     allowed = (uint64_t) (rate.burst - 1) * interval_us(rate);

	if (entry == NULL || entry->ahead_us <= now_us + allowed)
		return 0;
	return entry->ahead_us - now_us - allowed;
}

static Entry *
make(GwRates *rates, GwSlice key, uint64_t hash)
{
	Entry *entry = gw_alloc(sizeof(*entry));

	entry->hash = hash;
	entry->ahead_us = 0;
	entry->len = key.len;
	memcpy(entry->key, key.data, key.len);
	entry->next = rates->buckets[hash % BUCKETS];
	rates->buckets[hash % BUCKETS] = entry;
	TAILQ_INSERT_HEAD(&rates->used, entry, use);
	rates->count++;
	return entry;
}

void
gw_rates_take(GwRates *rates, GwSlice key, GwRate rate, int64_t max, uint64_t now_us)
{
	uint64_t hash = gw_text_slice_hash(cut(key));
	Entry   *entry = find(rates, cut(key), hash);

	if (entry == NULL)
	{
		while (rates->count > 0 && rates->count >= max)
			forget(rates, TAILQ_LAST(&rates->used, Uses));
		entry = make(rates, cut(key), hash);
	}
	TAILQ_REMOVE(&rates->used, entry, use);
	TAILQ_INSERT_HEAD(&rates->used, entry, use);
	if (entry->ahead_us < now_us)
		entry->ahead_us = now_us;
	entry->ahead_us += interval_us(rate);
}

int64_t
gw_rates_count(const GwRates *rates)
{
	return rates->count;
}
