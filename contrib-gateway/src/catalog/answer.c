/*
 * answer.c
 *		What stands between a result and the client; see answer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "catalog/catalog.h"
#include "http/conditional.h"
#include "http/cors.h"

static char *
append(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	return (char *) memcpy(at, text, size) + size;
}

/* All that an answer depends on, except the state of what it shows: the database, the operation,
 * its parameters, the role, the wish for access. If-None-Match is no part of it: it only says
 * whether the answer is sent. */
static GwSlice
cache_key(GwRequest *request)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long) request->database->realm.number);
	return gw_router_key(request->route, request->values,
						 1u << GW_SOURCE_PATH | 1u << GW_SOURCE_QUERY | 1u << GW_SOURCE_SETTING,
						 (const char *[]){request->route->operation, number,
										  request->role ? request->role : gw_conf.database_role,
										  request->delegation ? request->delegation : "", NULL},
						 &request->arena);
}

void
gw_answer_prepare(GwRequest *request)
{
	const char *tags = request->client_tags;
	char       *list;

	gw_answer_end(request);
	request->values[GW_PARAM_HEADER_IF_NONE_MATCH] = *tags != '\0' ? tags : NULL;
	if (gw_conf.cache_bytes == 0 || !(request->route->flags & GW_ROUTE_CACHED))
		return;
	request->cache_key = cache_key(request);
	request->cached = gw_cache_find(gw_catalog.cache, request->cache_key);
	if (request->cached == NULL || strcmp(tags, "*") == 0)
		return;
	list = gw_arena_take(&request->arena, strlen(tags) + strlen(request->cached->etag) + 2);
	request->values[GW_PARAM_HEADER_IF_NONE_MATCH] = list;
	if (*tags != '\0')
	{
		list = append(list, tags);
		list[-1] = ',';
	}
	append(list, request->cached->etag);
}

static void
release_entry(const void *data, size_t len, void *handle)
{
	(void) data;
	(void) len;
	gw_cache_release(handle);
}

/* Sends a 200 out of an entry; its body, or the compressed form of it, goes to the socket
 * uncopied. */
static void
send_entry(GwRequest *request, GwCacheEntry *entry)
{
	GwReply reply = {.status = 200, .retry_after_s = -1, .etag = entry->etag};

	entry->holders++;
	reply.body = entry->body.data;
	reply.body_len = entry->body.len;
	reply.handle = entry;
	reply.release = release_entry;
	gw_answer_send(request, &reply);
}

static void
send_not_modified(GwRequest *request, const char *etag)
{
	GwReply reply = {.status = 304, .retry_after_s = -1, .etag = etag};

	reply.is_secret = request->delegation != NULL;
	gw_answer_send(request, &reply);
}

/* Puts a new answer into the cache and sends it from there. */
static bool
keep_and_send(GwRequest *request, const GwPgResult *result)
{
	GwCacheStats *stats = gw_cache_stats(gw_catalog.cache);

	if (request->cached != NULL)
		stats->stale++;
	else
		stats->misses++;
	gw_cache_release(request->cached);
	request->cached = NULL;
	if (result->value_len > (size_t) gw_conf.cache_entry_bytes_max)
		return false;
	request->cached = gw_cache_put(gw_catalog.cache, request->cache_key, result->etag,
								   (GwSlice){result->value, result->value_len},
								   (uint64_t) gw_conf.cache_bytes);
	if (request->cached == NULL)
		return false;
	send_entry(request, request->cached);
	return true;
}

bool
gw_answer_tagged(GwRequest *request, GwPgResult *result)
{
	if (result->etag == NULL)
		return false;
	if (result->is_secret)
		return false;
	if (!result->is_null)
		return request->cache_key.len > 0 && keep_and_send(request, result);
	if (gw_conditional_matches(request->client_tags, result->etag))
		send_not_modified(request, result->etag);
	else if (request->cached != NULL && strcmp(request->cached->etag, result->etag) == 0)
	{
		gw_cache_stats(gw_catalog.cache)->hits++;
		send_entry(request, request->cached);
	}
	else
		return false;
	return true;
}

static bool
wants_gzip(const GwRequest *request, const GwReply *reply)
{
	if (!request->accept.gzip || reply->body_len > (size_t) gw_conf.gzip_bytes_max)
		return false;
	return reply->body_len >= (size_t) gw_conf.gzip_bytes_min || !request->accept.identity;
}

/* What a compressed body was made of. The reply's fields may lie in the same memory, so it goes
 * after the reply. */
typedef struct Original
{
	const char *body;
	size_t      body_len;
	void       *handle;
	void (*release)(const void *data, size_t len, void *handle);
} Original;

/* The body becomes its compressed form: kept with its entry, or in memory that respond() copies
 * from. */
static void
compress(GwReply *reply, GwCacheEntry *entry, GwText *scratch, Original *original)
{
	int level = (int) gw_conf.gzip_level;

	if (entry == NULL)
	{
		*original = (Original){reply->body, reply->body_len, reply->handle, reply->release};
		gw_coding_gzip(scratch, reply->body, reply->body_len, level);
		reply->handle = NULL;
		reply->release = NULL;
	}
	else if (entry->gzip.data == NULL)
	{
		GwText fresh = {0};

		gw_coding_gzip(&fresh, reply->body, reply->body_len, level);
		gw_cache_add_gzip(entry, &fresh, (uint64_t) gw_conf.cache_bytes);
	}
	reply->body = entry ? entry->gzip.data : scratch->data;
	reply->body_len = entry ? entry->gzip.len : scratch->len;
	reply->content_encoding = "gzip";
}

/* A request is answered once: the state ends the process at a second answer, which would mix up two
 * clients. */
void
gw_answer_give(GwRequest *request, GwReply *reply)
{
	gw_state_set(&request->state, reply->flows ? GW_STATE_FLOW : GW_STATE_OVER);
	gw_cors_answer(reply, gw_conf.cors_origins, request->origin);
	request->exchange.respond(&request->exchange, reply);
}

/* Vary goes with all answers that could have come in the other form. */
void
gw_answer_send(GwRequest *request, GwReply *reply)
{
	static GwText scratch;
	bool          coded = gw_conf.gzip_level > 0 && request->route != NULL &&
				 (reply->status == 304 || reply->body_len > 0);
	GwCacheEntry *entry = reply->release == release_entry ? reply->handle : NULL;
	Original      original = {0};

	reply->vary = coded;
	scratch.len = 0;
	if (coded && reply->body_len > 0 && wants_gzip(request, reply))
		compress(reply, entry, &scratch, &original);
	gw_answer_give(request, reply);
	if (original.release != NULL)
		original.release(original.body, original.body_len, original.handle);
	if (scratch.cap > GW_KEPT_BYTES_MAX)
		gw_text_free(&scratch);
}

void
gw_answer_end(GwRequest *request)
{
	gw_cache_release(request->cached);
	request->cached = NULL;
}
