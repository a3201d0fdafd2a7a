/*
 * files.c
 *		Who waits for which metadata files; see files.h.
 *
 * What was written is remembered for a while, because the word of it can come before the answer
 * that names it: a table of hashes, in which a new one takes the place of an older one. A hash of
 * 64 bits stands for its key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/files.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS    1024  /* a power of two */
#define REMEMBERED 16384 /* the same; a batch of the worker is a few hundred files */

typedef struct GwFileKey
{
	TAILQ_ENTRY(GwFileKey) link;
	GwFileWaiter *waiter; /* NULL: written, and in no bucket */
	uint64_t      hash;
	GwSlice       text;
} GwFileKey;

typedef TAILQ_HEAD(KeyList, GwFileKey) KeyList;

typedef TAILQ_HEAD(WaiterList, GwFileWaiter) WaiterList;

struct GwFiles
{
	KeyList    buckets[BUCKETS];
	uint64_t   written[REMEMBERED]; /* 0: nothing */
	WaiterList waiters;
	WaiterList ready;
	size_t     waiting;
};

GwFiles *
gw_files_create(void)
{
	GwFiles *files = gw_alloc(sizeof(*files));

	for (int i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&files->buckets[i]);
	TAILQ_INIT(&files->waiters);
	TAILQ_INIT(&files->ready);
	return files;
}

/* Everybody has stopped waiting by now. */
void
gw_files_destroy(GwFiles *files)
{
	assert(files->waiting == 0 && TAILQ_EMPTY(&files->ready));
	free(files);
}

/* Cuts the next word off a text; false at its end. */
static bool
next_key(const char **rest, GwSlice *key)
{
	*rest += strspn(*rest, " ");
	*key = (GwSlice){*rest, strcspn(*rest, " ")};
	*rest += key->len;
	return key->len > 0;
}

static int
count_keys(const char *keys)
{
	GwSlice key;
	int     count = 0;

	while (next_key(&keys, &key))
		count++;
	return count;
}

static KeyList *
bucket_of(GwFiles *files, uint64_t h)
{
	return &files->buckets[h & (BUCKETS - 1)];
}

/* Takes a waiter's keys out of the buckets. */
static void
drop_keys(GwFiles *files, GwFileWaiter *waiter)
{
	for (int i = 0; i < waiter->key_count; i++)
		if (waiter->keys[i].waiter != NULL)
			TAILQ_REMOVE(bucket_of(files, waiter->keys[i].hash), &waiter->keys[i], link);
	free(waiter->keys);
	waiter->keys = NULL;
	waiter->key_count = waiter->left = 0;
}

bool
gw_files_wait(GwFiles *files, GwFileWaiter *waiter, const char *keys, uint64_t now)
{
	int     count = count_keys(keys);
	size_t  size = strlen(keys) + 1;
	GwSlice key;
	char   *copy;

	assert(waiter->state == GW_FILE_WAIT_NONE);
	waiter->keys = gw_alloc((size_t) count * sizeof(GwFileKey) + size);
	copy = (char *) (waiter->keys + count);
	keys = memcpy(copy, keys, size);
	waiter->key_count = waiter->left = 0;
	while (next_key(&keys, &key))
	{
		GwFileKey *mine = &waiter->keys[waiter->key_count++];

		mine->text = key;
		mine->hash = gw_text_slice_hash(key);
		mine->waiter = NULL;
		if (files->written[mine->hash & (REMEMBERED - 1)] == mine->hash)
			continue;
		mine->waiter = waiter;
		TAILQ_INSERT_TAIL(bucket_of(files, mine->hash), mine, link);
		waiter->left++;
	}
	if (waiter->left == 0)
	{
		drop_keys(files, waiter);
		return false;
	}
	waiter->since_us = now;
	waiter->state = GW_FILE_WAIT_WAITING;
	TAILQ_INSERT_TAIL(&files->waiters, waiter, link);
	files->waiting++;
	return true;
}

void
gw_files_cancel(GwFiles *files, GwFileWaiter *waiter)
{
	assert(waiter->state != GW_FILE_WAIT_NONE);
	if (waiter->state == GW_FILE_WAIT_WAITING)
	{
		TAILQ_REMOVE(&files->waiters, waiter, link);
		files->waiting--;
	}
	else
		TAILQ_REMOVE(&files->ready, waiter, link);
	drop_keys(files, waiter);
	waiter->state = GW_FILE_WAIT_NONE;
}

/* One of a waiter's files is there. */
static void
take_off(GwFiles *files, GwFileKey *key)
{
	GwFileWaiter *waiter = key->waiter;

	TAILQ_REMOVE(bucket_of(files, key->hash), key, link);
	key->waiter = NULL;
	if (--waiter->left > 0)
		return;
	TAILQ_REMOVE(&files->waiters, waiter, link);
	files->waiting--;
	TAILQ_INSERT_TAIL(&files->ready, waiter, link);
	waiter->state = GW_FILE_WAIT_READY;
}

static void
written(GwFiles *files, GwSlice key)
{
	uint64_t   h = gw_text_slice_hash(key);
	GwFileKey *at = TAILQ_FIRST(bucket_of(files, h));

	files->written[h & (REMEMBERED - 1)] = h;
	while (at != NULL)
	{
		GwFileKey *next = TAILQ_NEXT(at, link);

		if (at->hash == h && at->text.len == key.len &&
			memcmp(at->text.data, key.data, key.len) == 0)
			take_off(files, at);
		at = next;
	}
}

void
gw_files_written(GwFiles *files, const char *keys)
{
	GwSlice key;

	while (next_key(&keys, &key))
		written(files, key);
}

static bool
is_among(GwSlice wanted, const char *keys)
{
	GwSlice key;

	while (next_key(&keys, &key))
		if (key.len == wanted.len && memcmp(key.data, wanted.data, key.len) == 0)
			return true;
	return false;
}

void
gw_files_answered(GwFiles *files, const char *asked, const char *still)
{
	GwSlice key;

	while (next_key(&asked, &key))
		if (!is_among(key, still))
			written(files, key);
}

GwFileWaiter *
gw_files_ready(GwFiles *files)
{
	GwFileWaiter *waiter = TAILQ_FIRST(&files->ready);

	if (waiter != NULL)
		gw_files_cancel(files, waiter);
	return waiter;
}

GwFileWaiter *
gw_files_oldest(GwFiles *files, uint64_t before_us)
{
	GwFileWaiter *oldest = TAILQ_FIRST(&files->waiters);

	return oldest != NULL && oldest->since_us < before_us ? oldest : NULL;
}

void
gw_files_keys(GwFiles *files, uint64_t before_us, int most, GwText *out)
{
	GwFileWaiter *waiter;

	TAILQ_FOREACH (waiter, &files->waiters, link)
	{
		if (waiter->since_us >= before_us)
			return;
		for (int i = 0; i < waiter->key_count; i++)
		{
			if (waiter->keys[i].waiter == NULL)
				continue;
			if (most-- <= 0)
				return;
			if (out->len > 0)
				gw_text_puts(out, " ");
			gw_text_add(out, waiter->keys[i].text.data, waiter->keys[i].text.len);
		}
	}
}

size_t
gw_files_waiting(const GwFiles *files)
{
	return files->waiting;
}
