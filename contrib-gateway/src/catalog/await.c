/*
 * await.c
 *		Answers that wait for metadata files; see await.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/await.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/process.h"
#include "catalog/catalog.h"
#include "catalog/files.h"
#include "catalog/statements.h"

static GwFiles *files;
static GwPool  *listener;
static GwCall
	greeting; /* repeats LISTEN now and then: finds a dead connection, and whether a worker runs */
static uint64_t greeted_us;
static bool     worker_runs;
static GwCall   question; /* which of these are still queued? */
static GwText   asked;    /* its parameter */

static GwRequest *
request_of(GwFileWaiter *waiter)
{
	return (GwRequest *) ((char *) waiter - offsetof(GwRequest, file_wait));
}

/* Sends an answer that waits no more. */
static void
release(GwFileWaiter *waiter, bool written)
{
	gw_counters.file_wait_us += gw_clock_us() - waiter->since_us;
	gw_counters.file_waits_given_up += !written;
	gw_process.buffered_bytes -= request_of(waiter)->kept.value_len;
	request_of(waiter)->files_done(request_of(waiter));
}

/* Each answer may make others stop waiting, as its client goes: so the list is begun again each
 * time. */
static void
release_ready(void)
{
	GwFileWaiter *waiter;

	while ((waiter = gw_files_ready(files)) != NULL)
		release(waiter, true);
}

static void
on_announcement(const char *keys)
{
	gw_files_written(files, keys);
	release_ready();
}

static void
give_up(GwFileWaiter *waiter)
{
	gw_files_cancel(files, waiter);
	release(waiter, false);
}

bool
gw_await_begin(GwRequest *request, GwPgResult *result, void (*done)(GwRequest *request))
{
	if (gw_conf.metadata_wait_ms == 0 || result->pending == NULL ||
		!gw_files_wait(files, &request->file_wait, result->pending, gw_clock_us()))
		return false;
	gw_state_set(&request->state, GW_STATE_FILES);
	request->files_done = done;
	gw_counters.file_waits++;
	gw_process.buffered_bytes += result->value_len;
	request->kept = *result;
	*result = (GwPgResult){0};
	return true;
}

void
gw_await_cancel(GwRequest *request)
{
	gw_files_cancel(files, &request->file_wait);
	gw_process.buffered_bytes -= request->kept.value_len;
	gw_pg_result_free(&request->kept);
}

size_t
gw_await_waiting(void)
{
	return gw_files_waiting(files);
}

bool
gw_await_listens(void)
{
	return gw_pool_listens(listener);
}

bool
gw_await_worker(void)
{
	return worker_runs;
}

/* The question is answered. No value: no worker comes, so nobody needs to wait. */
static void
question_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	bool answered = outcome == GW_CALL_ANSWERED && !result->is_error;

	(void) call;
	if (answered && result->is_null)
	{
		uint64_t      now = gw_clock_us();
		GwFileWaiter *waiter;

		while ((waiter = gw_files_oldest(files, now)) != NULL)
			give_up(waiter);
	}
	else if (answered)
		gw_files_answered(files, asked.data, result->value);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
	release_ready();
}

/* Asks for those that wait long: at once where nobody listens. */
static void
ask(uint64_t now)
{
	uint64_t before = gw_await_listens() ? now - GW_FILE_ASK_MS * 1000 : now;

	if (question.state != GW_CALL_IDLE || gw_files_oldest(files, before) == NULL)
		return;
	asked.len = 0;
	gw_files_keys(files, before, GW_FILE_ASK_MAX, &asked);
	gw_text_add(&asked, "", 1);
	gw_call_begin(&question, 0);
	gw_call_role(&question);
	gw_call_param(gw_call_step(&question, GW_STATEMENT_QUEUED_FILES), asked.data);
	question.done = question_done;
	(void) gw_pool_submit(gw_catalog.reads, &question, false);
}

static void
greeting_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	bool answered = outcome == GW_CALL_ANSWERED && !result->is_error;

	(void) call;
	worker_runs = answered && !result->is_null && result->value[0] == 't';
	if (outcome == GW_CALL_ANSWERED)
	{
		gw_pool_set_listens(listener, answered);
		gw_pg_result_free(result);
	}
}

/* Also the first LISTEN of a connection, as soon as it is ready. */
static void
greet(uint64_t now)
{
	if (greeting.state != GW_CALL_IDLE || !gw_pool_is_ready(listener) ||
		(gw_await_listens() && now - greeted_us < GW_FILE_GREET_MS * 1000) ||
		(!gw_await_listens() && now - greeted_us < GW_FILE_GREET_MS * 100))
		return;
	greeted_us = now;
	gw_call_begin(&greeting, 0);
	gw_call_role(&greeting);
	gw_call_step(&greeting, GW_STATEMENT_LISTEN_FILES);
	greeting.done = greeting_done;
	(void) gw_pool_submit(listener, &greeting, true);
}

void
gw_await_start(struct event_base *base)
{
	files = gw_files_create();
	listener = gw_catalog_pool(base, "listening", GW_POOL_LISTENS, 1);
	gw_pool_on_notify(listener, on_announcement);
}

void
gw_await_tick(uint64_t now)
{
	uint64_t      limit = (uint64_t) gw_conf.metadata_wait_ms * 1000;
	GwFileWaiter *waiter;

	gw_pool_tick(listener, now);
	greet(now);
	while (now > limit && (waiter = gw_files_oldest(files, now - limit)) != NULL)
		give_up(waiter);
	ask(now);
}

void
gw_await_flush(void)
{
	gw_pool_flush(listener);
}
