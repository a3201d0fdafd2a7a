/*
 * large.c
 *		Answers too large to be held; see large.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/large.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "catalog/answer.h"
#include "catalog/principal.h"
#include "catalog/respond.h"
#include "catalog/statements.h"

static GwRequest *
request_of_call(GwCall *call)
{
	return (GwRequest *) ((char *) call - offsetof(GwRequest, call));
}

static void
end_coding(GwRequest *request)
{
	gw_coding_deflate_end(request->deflater);
	request->deflater = NULL;
}

/* Gives a piece to the client, compressed or not; the last one is empty. */
static GwFed
feed(GwRequest *request, GwSlice piece, bool last)
{
	static GwText packed;
	GwFed         fed = GW_FED;

	if (request->deflater == NULL)
		return piece.len > 0 ? request->exchange.feed(&request->exchange, piece) : GW_FED;
	packed.len = 0;
	gw_coding_deflate(request->deflater, piece.data, piece.len, last, &packed);
	if (packed.len > 0)
		fed = request->exchange.feed(&request->exchange, (GwSlice){packed.data, packed.len});
	return fed;
}

/* The first row is the tag: the head of the answer goes out. */
static void
begin_answer(GwRequest *request, const GwPgResult *row)
{
	GwReply reply = {.status = 200, .retry_after_s = -1, .etag = row->value, .flows = true};

	reply.vary = gw_conf.gzip_level > 0;
	reply.is_secret = request->delegation != NULL;
	if (gw_conf.gzip_level > 0 && request->accept.gzip)
	{
		request->deflater = gw_coding_deflate_begin((int) gw_conf.gzip_level);
		reply.content_encoding = "gzip";
	}
	gw_answer_give(request, &reply);
}

static void
on_row(GwCall *call, GwPgResult *row)
{
	GwRequest *request = request_of_call(call);
	GwFed      fed;

	if (request->state == GW_STATE_PIECES)
	{
		begin_answer(request, row);
		gw_pg_result_free(row);
		return;
	}
	fed = feed(request, (GwSlice){row->value, row->value_len}, false);
	gw_pg_result_free(row);
	if (fed == GW_FED_FULL)
		gw_pool_pause(call);
}

/* Nothing was sent yet, so an error can still be told. A change was made in any case. */
static void
reply_failure(GwRequest *request, GwOutcome outcome, const GwPgResult *result)
{
	if (request->route->access == GW_WRITE)
		gw_respond_error(request, 500, "CommitStateUnknownException",
						 "The change was made; its answer could not be read");
	else if (outcome == GW_CALL_ANSWERED && result->is_error)
		gw_respond_database_error(request, result);
	else
		gw_respond_refuse(request, 503, "The answer could not be read from the database", false);
}

/* All was sent, or no more can be. */
static void
finish(GwRequest *request, bool whole)
{
	end_coding(request);
	gw_state_set(&request->state, GW_STATE_OVER);
	request->exchange.finish(&request->exchange, whole);
}

/* The pool's done(): the end of the answer, or what to say when there is none. */
static void
on_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest *request = request_of_call(call);
	bool good = outcome == GW_CALL_ANSWERED && !result->is_error && request->state == GW_STATE_FLOW;

	if (outcome == GW_CALL_ANSWERED && result->is_error)
		gw_log_request(GW_WARNING, request->exchange.id, "%s, in pieces: %s (%s)",
					   request->route->operation, result->message, result->sqlstate);
	call->row = NULL;
	if (request->state == GW_STATE_PIECES)
		reply_failure(request, outcome, result);
	else if (!good)
		finish(request, false);
	else if (feed(request, (GwSlice){NULL, 0}, true) != GW_FED_GONE)
		finish(request, true);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

/* The statements: the time that it may take, the role, the call. */
void
gw_large_start(GwRequest *request)
{
	GwCall    *call = &request->call;
	const int *params = gw_route_pieces[request->operation];
	GwPgStep  *step;

	snprintf(request->tag, sizeof(request->tag), "%lld", (long long) gw_conf.stream_timeout_ms);
	gw_call_begin(call, 0);
	gw_call_param(gw_call_step(call, GW_STATEMENT_LOCAL_TIMEOUT), request->tag);
	gw_principal_step(request, call);
	if (request->delegation != NULL)
	{
		step = gw_call_step(call, GW_STATEMENT_DELEGATION);
		gw_call_param(step, request->delegation);
		gw_call_param(step, "on");
	}
	step = gw_call_step(call, GW_STATEMENT_PIECES_OF(request->operation));
	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
		gw_call_param(step, request->values[params[i]]);
	call->done = on_done;
	call->row = on_row;
	gw_state_set(&request->state, GW_STATE_PIECES);
	gw_counters.streams++;
	if (params[0] != GW_PARAM_NONE && gw_pool_submit(request->database->streams, call, true))
		return;
	call->row = NULL;
	reply_failure(request, GW_CALL_EXPIRED, NULL);
}

void
gw_large_go_on(GwRequest *request)
{
	gw_pool_resume(&request->call);
}

bool
gw_large_cancel(GwRequest *request)
{
	if (!gw_pool_cancel(&request->call))
		return false;
	request->call.row = NULL;
	return true;
}

void
gw_large_stop(GwRequest *request)
{
	gw_state_set(&request->state, GW_STATE_OVER);
	gw_pool_abort(&request->call);
	request->call.row = NULL;
	end_coding(request);
}
