/*
 * share.c
 *		Reads that ask the same; see share.h.
 *
 * A share is what is known of one question while somebody asks it: who asks, and, in the order in
 * which they came, who waits. A number tells those that came before the call was sent from those
 * that came later, for whom the call that follows is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/share.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "catalog/answer.h"
#include "catalog/dispatch.h"
#include "http/conditional.h"

#define BUCKETS 1024 /* a power of two */

typedef struct GwShare
{
	LIST_ENTRY(GwShare) link; /* of its bucket */
	TAILQ_ENTRY(GwShare) all;
	GwSlice     key;
	uint64_t    hash;
	GwRequest  *asking; /* its call is under way; NULL only while the next one is chosen */
	uint64_t    asked_us;
	uint64_t    turn; /* of the call that is under way */
	bool        choosing;
	GwShareList waiting;
	GwShareDone done;
} GwShare;

static LIST_HEAD(, GwShare) buckets[BUCKETS];
static TAILQ_HEAD(, GwShare) shares = TAILQ_HEAD_INITIALIZER(shares);
static size_t waiting_count = 0;

/* Is the answer the same for all who ask, and is nothing noted of those who do? */
static bool
may_share(const GwRequest *request)
{
	const GwRoute *route = request->route;

	if (gw_conf.share_wait_ms == 0 || route->access == GW_WRITE ||
		route->answer == GW_ANSWER_VOID ||
		(route->flags & (GW_ROUTE_SECRET | GW_ROUTE_GATED | GW_ROUTE_ASIDE | GW_ROUTE_STREAM)))
		return false;
	return request->delegation == NULL && request->key[0] == '\0' && !request->waits &&
		   gw_conf.database_request_id != GW_REQUEST_ID_ALL && !gw_router_has(route, GW_PARAM_BODY);
}

/* All that the call depends on, except the tag of what is kept. */
static GwSlice
key_of(GwRequest *request)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long) request->database->realm.number);
	return gw_router_key(
		request->route, request->values,
		1u << GW_SOURCE_PATH | 1u << GW_SOURCE_QUERY | 1u << GW_SOURCE_SETTING,
		(const char *[]){request->route->operation, number, request->role ? request->role : "",
						 request->principal ? request->principal : "", request->client_tags,
						 gw_arena_copy(&request->arena, request->word), NULL},
		&request->arena);
}

static GwShare *
find(GwSlice key, uint64_t hash)
{
	GwShare *share;

	LIST_FOREACH(share, &buckets[hash & (BUCKETS - 1)], link)
	{
		if (share->hash == hash && share->key.len == key.len &&
			memcmp(share->key.data, key.data, key.len) == 0)
			break;
	}
	return share;
}

static GwShare *
create(GwSlice key, uint64_t hash, GwShareDone done)
{
	GwShare *share = gw_alloc(sizeof(*share) + key.len);

	share->key = (GwSlice){memcpy(share + 1, key.data, key.len), key.len};
	share->hash = hash;
	share->done = done;
	TAILQ_INIT(&share->waiting);
	LIST_INSERT_HEAD(&buckets[hash & (BUCKETS - 1)], share, link);
	TAILQ_INSERT_TAIL(&shares, share, all);
	return share;
}

static void
unlist(GwRequest *request)
{
	TAILQ_REMOVE(request->share_list, request, share_link);
	request->share_list = NULL;
	waiting_count--;
}

/* Asks for itself, and for those that wait by now. */
static void
ask(GwShare *share, GwRequest *request)
{
	share->asking = request;
	share->asked_us = gw_clock_us();
	share->turn++;
	request->share = share;
	gw_dispatch_start(request, share->done);
}

static void
ask_alone(GwRequest *request, GwShareDone done)
{
	gw_state_set(&request->state, GW_STATE_RESULT);
	gw_dispatch_start(request, done);
}

/* Lets the next one ask. Where its call cannot be sent, it has been answered, and gw_share_end()
 * has told: then the one after it. */
static void
choose(GwShare *share)
{
	GwRequest *next;

	if (share->choosing)
		return;
	share->choosing = true;
	while (share->asking == NULL && (next = TAILQ_FIRST(&share->waiting)) != NULL)
	{
		unlist(next);
		gw_state_set(&next->state, GW_STATE_RESULT);
		ask(share, next);
	}
	share->choosing = false;
	if (share->asking != NULL)
		return;
	LIST_REMOVE(share, link);
	TAILQ_REMOVE(&shares, share, all);
	free(share);
}

void
gw_share_start(GwRequest *request, GwShareDone done)
{
	GwSlice  key;
	uint64_t hash;
	GwShare *share;

	if (!may_share(request))
	{
		gw_dispatch_start(request, done);
		return;
	}
	key = key_of(request);
	hash = gw_text_slice_hash(key);
	share = find(key, hash);
	if (share == NULL)
		ask(create(key, hash, done), request);
	else if (gw_clock_since(gw_clock_us(), share->asked_us) >
			 (uint64_t) gw_conf.share_wait_ms * 1000)
		gw_dispatch_start(request, done);
	else
	{
		gw_state_set(&request->state, GW_STATE_SHARE);
		request->share_turn = share->turn + 1;
		request->share_list = &share->waiting;
		TAILQ_INSERT_TAIL(&share->waiting, request, share_link);
		waiting_count++;
	}
}

/* A copy of an outcome, for others: what it is made of goes with the answer to the first. */
static void
keep(GwShareTakers *takers, GwOutcome outcome, const GwPgResult *result)
{
	takers->outcome = outcome;
	takers->result = (GwPgResult){.is_error = true};
	if (outcome != GW_CALL_ANSWERED || result->is_error || result->is_large || result->is_secret ||
		result->pending != NULL ||
		(result->etag != NULL && strlen(result->etag) > GW_ETAG_BYTES_MAX))
		return;
	takers->result = (GwPgResult){.is_null = result->is_null};
	if (result->etag != NULL)
	{
		/* Those that have not what did not change get what is kept now, or ask. */
		takers->result.etag = strcpy(takers->etag, result->etag);
		takers->result.is_null = true;
		return;
	}
	gw_text_add(&takers->value, result->value, result->is_null ? 0 : result->value_len);
	gw_text_add(&takers->value, "", 1);
	takers->result.value = takers->value.data;
	takers->result.value_len = takers->value.len - 1;
}

void
gw_share_take(GwRequest *request, GwOutcome outcome, const GwPgResult *result, GwShareTakers *out)
{
	GwShare   *share = request->share;
	GwRequest *taker;

	*out = (GwShareTakers){.value = {0}};
	TAILQ_INIT(&out->list);
	if (share == NULL)
		return;
	out->done = share->done;
	while ((taker = TAILQ_FIRST(&share->waiting)) != NULL && taker->share_turn <= share->turn)
	{
		unlist(taker);
		taker->share_list = &out->list;
		TAILQ_INSERT_TAIL(&out->list, taker, share_link);
		waiting_count++;
	}
	if (!TAILQ_EMPTY(&out->list))
		keep(out, outcome, result);
	gw_share_end(request);
}

/* Is the outcome one for this request? What is kept under its key may have changed. */
static bool
is_for(GwRequest *request, const GwShareTakers *takers)
{
	const char *etag = takers->result.etag;

	if (takers->outcome != GW_CALL_ANSWERED)
		return true;
	if (takers->result.is_error || etag == NULL)
		return !takers->result.is_error;
	gw_answer_prepare(request);
	return gw_conditional_matches(request->client_tags, etag) ||
		   (request->cached != NULL && strcmp(request->cached->etag, etag) == 0);
}

void
gw_share_give(GwShareTakers *takers)
{
	GwRequest *taker;

	while ((taker = TAILQ_FIRST(&takers->list)) != NULL)
	{
		GwPgResult result = takers->result;

		unlist(taker);
		if (!is_for(taker, takers))
		{
			ask_alone(taker, takers->done);
			continue;
		}
		gw_counters.reads_shared += takers->outcome == GW_CALL_ANSWERED;
		takers->done(&taker->call, takers->outcome, &result);
	}
	gw_text_free(&takers->value);
}

void
gw_share_cancel(GwRequest *request)
{
	unlist(request);
}

void
gw_share_end(GwRequest *request)
{
	GwShare *share = request->share;

	if (share == NULL)
		return;
	request->share = NULL;
	share->asking = NULL;
	choose(share);
}

/* What waits for a call that is not sent yet. */
static void
release_late(GwShare *share)
{
	GwShareDone done = share->done;
	GwRequest  *last;

	while ((last = TAILQ_LAST(&share->waiting, GwShareList)) != NULL &&
		   last->share_turn > share->turn)
	{
		unlist(last);
		ask_alone(last, done);
	}
}

void
gw_share_tick(uint64_t now)
{
	uint64_t limit = (uint64_t) gw_conf.share_wait_ms * 1000;
	GwShare *share;

	TAILQ_FOREACH (share, &shares, all)
	{
		if (gw_clock_since(now, share->asked_us) > limit)
			release_late(share);
	}
}

size_t
gw_share_waiting(void)
{
	return waiting_count;
}
