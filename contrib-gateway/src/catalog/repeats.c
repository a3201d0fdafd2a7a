/*
 * repeats.c
 *		What comes again and again is counted; see repeats.h.
 *
 * An array that is read from end to end: there are few kinds, and two numbers tell most of them
 * apart.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/repeats.h"

#include <stdlib.h>
#include <string.h>

typedef struct Kind
{
	uint64_t hash;
	uint64_t until_us;
	uint64_t times; /* after the first one */
	char    *text;
	size_t   len;
} Kind;

struct GwRepeats
{
	int      room;
	int      count;
	uint64_t waiting;
	uint64_t first_end_us; /* no window ends before it */
	Kind    *kinds;
};

GwRepeats *
gw_repeats_create(int room)
{
	GwRepeats *repeats = gw_alloc(sizeof(GwRepeats));

	*repeats = (GwRepeats){.room = room, .kinds = gw_alloc((size_t) room * sizeof(Kind))};
	return repeats;
}

void
gw_repeats_destroy(GwRepeats *repeats)
{
	for (int i = 0; i < repeats->count; i++)
		free(repeats->kinds[i].text);
	free(repeats->kinds);
	free(repeats);
}

static Kind *
find(GwRepeats *repeats, GwSlice kind, uint64_t hash)
{
	for (int i = 0; i < repeats->count; i++)
	{
		Kind *at = &repeats->kinds[i];

		if (at->hash == hash && at->len == kind.len && memcmp(at->text, kind.data, kind.len) == 0)
			return at;
	}
	return NULL;
}

/* A kind whose window is over, and which nobody has fetched yet, goes on. */
GwRepeat
gw_repeats_count(GwRepeats *repeats, GwSlice kind, uint64_t now_us, uint64_t window_us)
{
	uint64_t hash = gw_text_slice_hash(kind);
	Kind    *at = find(repeats, kind, hash);

	if (at != NULL)
	{
		at->times++;
		repeats->waiting++;
		return GW_REPEAT_AGAIN;
	}
	if (repeats->count == repeats->room)
		return GW_REPEAT_NO_ROOM;
	at = &repeats->kinds[repeats->count++];
	*at = (Kind){hash, now_us + window_us, 0, gw_alloc(kind.len + 1), kind.len};
	memcpy(at->text, kind.data, kind.len);
	at->text[kind.len] = '\0';
	if (repeats->count == 1 || at->until_us < repeats->first_end_us)
		repeats->first_end_us = at->until_us;
	return GW_REPEAT_FIRST;
}

char *
gw_repeats_ended(GwRepeats *repeats, uint64_t now_us, uint64_t *times)
{
	uint64_t next = UINT64_MAX;

	if (repeats->count == 0 || now_us < repeats->first_end_us)
		return NULL;
	for (int i = 0; i < repeats->count; i++)
	{
		Kind ended = repeats->kinds[i];

		if (ended.until_us <= now_us)
		{
			repeats->kinds[i] = repeats->kinds[--repeats->count];
			repeats->waiting -= ended.times;
			*times = ended.times;
			return ended.text;
		}
		if (ended.until_us < next)
			next = ended.until_us;
	}
	repeats->first_end_us = next;
	return NULL;
}

uint64_t
gw_repeats_waiting(const GwRepeats *repeats)
{
	return repeats->waiting;
}
