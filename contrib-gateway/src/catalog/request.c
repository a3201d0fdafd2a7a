/*
 * request.c
 *		One request from its head to its answer: who does what next. See request.h.
 *
 * The gateway holds no Iceberg rule: what a request means is the database's business.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/request.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/process.h"
#include "catalog/answer.h"
#include "catalog/await.h"
#include "catalog/dispatch.h"
#include "catalog/group.h"
#include "catalog/head.h"
#include "catalog/identify.h"
#include "catalog/large.h"
#include "catalog/operation.h"
#include "catalog/principal.h"
#include "catalog/rate.h"
#include "catalog/respond.h"
#include "catalog/retry.h"
#include "catalog/share.h"
#include "catalog/streamer.h"

static GwRequest *
request_of_call(GwCall *call)
{
	return (GwRequest *) ((char *) call - offsetof(GwRequest, call));
}

/* Forgets all of the request before. */
void
gw_request_begin(GwRequest *request, const GwHttpHead *head)
{
	gw_state_set(&request->state, GW_STATE_READING);
	gw_arena_open(&request->arena);
	request->database = NULL;
	request->word = (GwSlice){0};
	request->route = NULL;
	request->operation = GW_OPERATION_NONE;
	request->allow[0] = '\0';
	request->foreign = request->preflight = false;
	request->origin = request->accept_socket = NULL;
	request->spaces = false;
	memset(request->values, 0, sizeof(request->values));
	request->body = (GwSlice){0};
	request->accept = (GwAccept){.identity = true};
	request->client_tags = "";
	request->cache_key = (GwSlice){0};
	request->key[0] = '\0';
	request->deduplicate = false;
	request->delegation = NULL;
	request->waits = request->alone = false;
	request->losses = 0;
	request->gate_us = 0;
	request->share = NULL;
	request->auth = (GwAuthTicket){.token = {NULL, 0}};
	request->role = request->principal = NULL;
	request->deserted = request->told_419 = false;
	request->outcome[0] = '\0';
	request->stream = NULL;
	request->call.queued_us = request->call.sent_us = request->call.done_us = 0;
	if (head == NULL)
		return;
	gw_head_read(request, head);
	if (gw_head_wants_body(request) && (head->chunked || head->length > GW_UNLOOKED_BYTES_MAX))
		gw_identify_look(request);
}

/* The answer goes now: whole, or in pieces. */
static void
answer_at_once(GwRequest *request, GwPgResult *result)
{
	if ((request->route->flags & GW_ROUTE_STREAM) && !result->is_null)
		gw_streamer->begin(request, result);
	else if (result->is_large)
		gw_large_start(request);
	else
		gw_respond_value(request, result);
}

/* The files of a kept answer are there, or will not be waited for any longer. */
static void
files_done(GwRequest *request)
{
	GwPgResult result = request->kept;

	request->kept = (GwPgResult){0};
	gw_state_set(&request->state, GW_STATE_RESULT);
	answer_at_once(request, &result);
	gw_pg_result_free(&result);
}

/* As soon as the files that the answer names can be read. The request has left gate and connection
 * by now. */
static void
answer_value(GwRequest *request, GwPgResult *result)
{
	if (!gw_await_begin(request, result, files_done))
		answer_at_once(request, result);
}

/* Turns an outcome into an answer. After a loss, what is no outcome leaves it open what
 * happened. */
static void
answer_outcome(GwRequest *request, GwOutcome outcome, GwPgResult *result)
{
	const char *problem;

	if (outcome == GW_CALL_LOST || gw_retry_wants(request, outcome, result) ||
		(outcome == GW_CALL_EXPIRED && request->losses > 0))
		gw_respond_lost(request);
	else if (outcome == GW_CALL_EXPIRED)
	{
		problem = gw_pool_problem(gw_dispatch_pool(request));
		gw_counters.queue_expired++;
		gw_respond_refuse(request, 503,
						  problem ? problem : "No database connection became free in time", false);
	}
	else if (result->is_error)
		gw_respond_database_error(request, result);
	else
		answer_value(request, result);
}

/* The call that stores an error is over, or could not be sent. What came of it is the answer if it
 * is an outcome: another call with the key may have succeeded in between. */
static void
answer_stored(GwRequest *request, GwOutcome outcome, GwPgResult *result)
{
	GwPgResult first;
	bool       stored = gw_retry_stored(request, outcome, result, &first);
	bool       is_error = outcome != GW_CALL_ANSWERED || result->is_error;

	if (!is_error && !stored)
		answer_value(request, result);
	else if (outcome == GW_CALL_ANSWERED && is_error && gw_respond_is_own_error(result))
		gw_respond_database_error(request, result);
	else
		gw_respond_database_error(request, &first);
	gw_pg_result_free(&first);
}

static void
store_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest *request = request_of_call(call);

	gw_dispatch_leave(request);
	answer_stored(request, outcome, result);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

/* The pool's done(), or that of a call that asked the same. One of these answers, or sends a call
 * that does: each is the last that is done with the request. */
static void
call_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest    *request = request_of_call(call);
	bool          answered = outcome == GW_CALL_ANSWERED;
	GwShareTakers takers;

	gw_dispatch_leave(request);
	gw_share_take(request, outcome, result, &takers);
	if (answered &&
		(gw_retry_reads_spaces(request, result) || gw_retry_has_to_wait(request, result)))
		gw_dispatch_start(request, call_done);
	else if (answered && gw_retry_is_final(request, result))
	{
		if (!gw_retry_store(request, result, store_done))
			answer_stored(request, GW_CALL_EXPIRED, NULL);
	}
	else if (!gw_retry_wants(request, outcome, result) || !gw_retry_later(request))
		answer_outcome(request, outcome, result);
	if (answered)
		gw_pg_result_free(result);
	gw_share_give(&takers);
}

/* Is it a change that was not made yet, and the gateway in maintenance mode? One with a key may
 * have been made: the database knows. Reports of reads are no changes. */
static bool
is_held_off(const GwRequest *request)
{
	return gw_database_in_maintenance(request->database) && request->route->access == GW_WRITE &&
		   !(request->route->flags & GW_ROUTE_ASIDE) && request->key[0] == '\0';
}

/* It is known whose request it is. */
static void
start_call(GwRequest *request)
{
	if (is_held_off(request))
	{
		gw_counters.held_off++;
		request->database->held_off++;
		gw_respond_error(request, 503, "ServiceUnavailableException",
						 "The catalog is in maintenance mode");
	}
	else if (gw_rate_admit(request))
		gw_share_start(request, call_done);
}

void
gw_request_run(GwRequest *request, GwSlice body)
{
	const GwFault *fault = &request->exchange.fault;

	if (gw_head_wants_body(request))
		gw_head_take_body(request, body);
	if (fault->status != 0)
		gw_respond_refuse(request, fault->status, fault->message, false);
	else if (request->preflight)
		gw_respond_preflight(request);
	else if (gw_process.buffered_bytes > (uint64_t) gw_conf.buffered_bytes_max)
		gw_respond_refuse(request, 503, "The gateway holds too much unsent data", false);
	else
		gw_identify_start(request, start_call);
}

/* How a request stops waiting. False: its call is in the database, and goes on. */
static bool
stop_waiting(GwRequest *request)
{
	switch (request->state)
	{
		case GW_STATE_KEYS:
			gw_identify_cancel(request);
			return true;
		case GW_STATE_GATE:
			gw_dispatch_cancel_ticket(request);
			return true;
		case GW_STATE_SHARE:
			gw_share_cancel(request);
			return true;
		case GW_STATE_PAUSE:
			gw_retry_cancel(request);
			return true;
		case GW_STATE_FILES:
			gw_await_cancel(request);
			return true;
		case GW_STATE_PIECES:
			return gw_large_cancel(request);
		case GW_STATE_GROUP:
			return gw_group_leave(request);
		case GW_STATE_ASK:
		case GW_STATE_INSIDE:
		case GW_STATE_CALL:
		case GW_STATE_STORE:
			if (!gw_dispatch_cancel_call(request))
				return false;
			gw_dispatch_leave(request);
			return true;
		default:
			return false; /* it waits for nothing */
	}
}

bool
gw_request_abandon(GwRequest *request)
{
	request->deserted = !stop_waiting(request);
	if (!request->deserted)
		gw_state_set(&request->state, GW_STATE_OVER);
	return !request->deserted;
}

GwUsage
gw_request_usage(const GwRequest *request)
{
	const GwCall *call = &request->call;
	GwUsage       usage = {
			  .operation = gw_operation_counted(request->operation),
			  .wait_us = request->gate_us,
			  .database = gw_database_label(request->database),
			  .principal = request->principal != NULL ? request->principal
													  : request->auth.verdict.principal,
    };

	if (call->sent_us > 0)
		usage.wait_us += gw_clock_since(call->sent_us, call->queued_us);
	if (call->sent_us > 0)
		usage.db_us = gw_clock_since(call->done_us, call->sent_us);
	return usage;
}

/* A client may also leave before its body has come. */
void
gw_request_end(GwRequest *request)
{
	if (request->state == GW_STATE_READING)
		gw_state_set(&request->state, GW_STATE_OVER);
	gw_state_set(&request->state, GW_STATE_IDLE);
	gw_share_end(request);
	gw_answer_end(request);
	if (request->database != NULL)
		request->database->requests++;
	gw_database_release(request->database);
	request->database = NULL;
	gw_principal_end(request);
	gw_retry_forget(request);
	gw_arena_close(&request->arena);
}

void
gw_request_free(GwRequest *request)
{
	gw_retry_forget(request);
	gw_arena_free(&request->arena);
}

void
gw_request_tick(uint64_t now)
{
	gw_retry_tick(now);
	gw_dispatch_tick(now);
	gw_share_tick(now);
}
