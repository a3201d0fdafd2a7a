/*
 * retry.c
 *		Calls that are sent again; see retry.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/retry.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "catalog/dispatch.h"
#include "catalog/head.h"
#include "catalog/respond.h"

typedef TAILQ_HEAD(RequestList, GwRequest) RequestList;

static RequestList pauses = TAILQ_HEAD_INITIALIZER(pauses);

bool
gw_retry_reads_spaces(GwRequest *request, const GwPgResult *result)
{
	GwErrorKind kind;
	bool        prefix = false;

	if (request->spaces ||
		memchr(request->exchange.path.data, '+', request->exchange.path.len) == NULL)
		return false;
	if (result->is_error)
	{
		kind = gw_error_map(result->sqlstate, false);
		if (strncmp(kind.type, "NoSuch", 6) != 0 && !gw_error_map_is_key_mismatch(result->sqlstate))
			return false;
		prefix = strcmp(kind.type, "NoSuchWarehouseException") == 0;
	}
	else if (!gw_respond_is_absent(request, result))
		return false;
	return gw_head_read_spaces(request, prefix);
}

bool
gw_retry_has_to_wait(GwRequest *request, const GwPgResult *result)
{
	if (request->waits || !result->is_error || !gw_error_map_is_due(result->sqlstate))
		return false;
	request->waits = true;
	gw_counters.credential_calls++;
	return true;
}

bool
gw_retry_wants(const GwRequest *request, GwOutcome outcome, const GwPgResult *result)
{
	if (request->key[0] == '\0' || outcome == GW_CALL_EXPIRED)
		return false;
	if (outcome == GW_CALL_LOST)
		return true;
	return request->losses > 0 && result->is_error &&
		   gw_respond_error_kind(request, result).status >= 500;
}

bool
gw_retry_later(GwRequest *request)
{
	uint64_t now = gw_clock_us();
	uint64_t pause_ms = GW_KEYED_PAUSE_MIN_MS;

	if (request->losses == 0)
		request->retry_until_us = now + (uint64_t) gw_conf.keyed_retry_ms * 1000;
	request->losses++;
	for (int i = 1; i < request->losses && pause_ms < GW_KEYED_PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	pause_ms = pause_ms / 2 + now % (pause_ms / 2 + 1); /* jitter */
	request->retry_us = now + pause_ms * 1000;
	if (request->retry_us >= request->retry_until_us)
		return false;
	gw_state_set(&request->state, GW_STATE_PAUSE);
	TAILQ_INSERT_TAIL(&pauses, request, retry_link);
	return true;
}

void
gw_retry_cancel(GwRequest *request)
{
	TAILQ_REMOVE(&pauses, request, retry_link);
}

/* The oldest request whose pause is over. */
static GwRequest *
due_retry(uint64_t now)
{
	GwRequest *request;

	TAILQ_FOREACH (request, &pauses, retry_link)
	{
		if (now >= request->retry_us)
			return request;
	}
	return NULL;
}

/* Each goes past the gate: the one before it may have been answered long ago. */
void
gw_retry_tick(uint64_t now)
{
	GwRequest *request;

	while ((request = due_retry(now)) != NULL)
	{
		gw_retry_cancel(request);
		gw_counters.keyed_repeats++;
		gw_dispatch_again(request);
	}
}

bool
gw_retry_is_final(const GwRequest *request, const GwPgResult *result)
{
	return result->is_error && request->key[0] != '\0' && gw_error_map_is_final(result->sqlstate);
}

bool
gw_retry_store(GwRequest *request, GwPgResult *result,
			   void (*done)(GwCall *call, GwOutcome outcome, GwPgResult *result))
{
	request->final_error = *result;
	*result = (GwPgResult){0};
	gw_text_puts(&request->final_text, request->final_error.sqlstate);
	gw_text_puts(&request->final_text, " ");
	gw_respond_put_own_message(&request->final_text, &request->final_error);
	return gw_dispatch_store(request, request->final_text.data, done);
}

bool
gw_retry_stored(GwRequest *request, GwOutcome outcome, const GwPgResult *result, GwPgResult *error)
{
	bool stored = outcome == GW_CALL_ANSWERED && !result->is_error && result->is_null &&
				  result->etag == NULL && !result->is_large;

	*error = request->final_error;
	request->final_error = (GwPgResult){0};
	gw_retry_forget(request);
	gw_counters.keyed_errors_stored += stored;
	return stored;
}

void
gw_retry_forget(GwRequest *request)
{
	gw_pg_result_free(&request->final_error);
	gw_text_free(&request->final_text);
}
