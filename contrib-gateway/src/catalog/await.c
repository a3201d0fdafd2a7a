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
#include "catalog/database.h"
#include "catalog/files.h"
#include "catalog/statements.h"

static GwRequest *
request_of(GwFileWaiter *waiter)
{
	return (GwRequest *) ((char *) waiter - offsetof(GwRequest, file_wait));
}

static GwDatabase *
database_of_question(GwCall *call)
{
	return (GwDatabase *) ((char *) call - offsetof(GwDatabase, await.question));
}

static GwDatabase *
database_of_greeting(GwCall *call)
{
	return (GwDatabase *) ((char *) call - offsetof(GwDatabase, await.greeting));
}

/* Sends an answer that waits no more. */
static void
release(GwFileWaiter *waiter, bool written)
{
	gw_counters.file_wait_us += gw_clock_since(gw_clock_us(), waiter->since_us);
	gw_counters.file_waits_given_up += !written;
	gw_process.buffered_bytes -= request_of(waiter)->kept.value_len;
	request_of(waiter)->files_done(request_of(waiter));
}

/* Each answer may make others stop waiting, as its client goes: so the list is begun again each
 * time. */
static void
release_ready(GwDatabase *database)
{
	GwFileWaiter *waiter;

	while ((waiter = gw_files_ready(database->await.files)) != NULL)
		release(waiter, true);
}

void
gw_await_announced(void *owner, const char *keys)
{
	GwDatabase *database = owner;

	gw_files_written(database->await.files, keys);
	release_ready(database);
}

static void
give_up(GwFileWaiter *waiter)
{
	gw_files_cancel(request_of(waiter)->database->await.files, waiter);
	release(waiter, false);
}

bool
gw_await_begin(GwRequest *request, GwPgResult *result, void (*done)(GwRequest *request))
{
	if (gw_conf.metadata_wait_ms == 0 || result->pending == NULL ||
		!gw_files_wait(request->database->await.files, &request->file_wait, result->pending,
					   gw_clock_us()))
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
	gw_files_cancel(request->database->await.files, &request->file_wait);
	gw_process.buffered_bytes -= request->kept.value_len;
	gw_pg_result_free(&request->kept);
}

size_t
gw_await_waiting(void)
{
	const GwDatabase *database;
	size_t            waiting = 0;

	TAILQ_FOREACH (database, &gw_databases, link)
		waiting += gw_files_waiting(database->await.files);
	return waiting;
}

bool
gw_await_listens(const GwDatabase *database)
{
	return gw_pool_listens(database->listener);
}

bool
gw_await_listens_all(void)
{
	const GwDatabase *database;
	bool              all = true;

	TAILQ_FOREACH (database, &gw_databases, link)
		all = all && gw_await_listens(database);
	return all;
}

bool
gw_await_worker(const GwDatabase *database)
{
	return database->await.worker_runs;
}

/* The question is answered. No value: no worker comes, so nobody needs to wait. */
static void
question_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_question(call);
	GwFiles    *files = database->await.files;
	bool        answered = outcome == GW_CALL_ANSWERED && !result->is_error;

	if (answered && result->is_null)
	{
		uint64_t      now = gw_clock_us();
		GwFileWaiter *waiter;

		while ((waiter = gw_files_oldest(files, now)) != NULL)
			give_up(waiter);
	}
	else if (answered)
		gw_files_answered(files, database->await.asked.data, result->value);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
	release_ready(database);
}

/* Asks for those that wait long: at once where nobody listens. */
static void
ask(GwDatabase *database, uint64_t now)
{
	GwCall  *question = &database->await.question;
	GwText  *asked = &database->await.asked;
	GwFiles *files = database->await.files;
	uint64_t before = gw_await_listens(database) ? now - GW_FILE_ASK_MS * 1000 : now;

	if (question->state != GW_CALL_IDLE || gw_files_oldest(files, before) == NULL)
		return;
	asked->len = 0;
	gw_files_keys(files, before, GW_FILE_ASK_MAX, asked);
	gw_text_add(asked, "", 1);
	gw_call_begin(question, 0);
	gw_call_role(question);
	gw_call_param(gw_call_step(question, GW_STATEMENT_QUEUED_FILES), asked->data);
	question->done = question_done;
	(void) gw_pool_submit(database->reads, question, false);
}

static void
greeting_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_greeting(call);
	bool        answered = outcome == GW_CALL_ANSWERED && !result->is_error;

	database->await.worker_runs = answered && !result->is_null && result->value[0] == 't';
	if (outcome == GW_CALL_ANSWERED)
	{
		gw_pool_set_listens(database->listener, answered);
		gw_pg_result_free(result);
	}
}

/* Also the first LISTEN of a connection, as soon as it is ready. */
static void
greet(GwDatabase *database, uint64_t now)
{
	GwCall  *greeting = &database->await.greeting;
	uint64_t pause = gw_clock_since(now, database->await.greeted_us);
	bool     listens = gw_await_listens(database);

	if (greeting->state != GW_CALL_IDLE || !gw_pool_is_ready(database->listener) ||
		database->leaving || pause < GW_FILE_GREET_MS * (listens ? 1000 : 100))
		return;
	database->await.greeted_us = now;
	gw_call_begin(greeting, 0);
	gw_call_role(greeting);
	gw_call_step(greeting, GW_STATEMENT_LISTEN_FILES);
	greeting->done = greeting_done;
	(void) gw_pool_submit(database->listener, greeting, true);
}

void
gw_await_tick(uint64_t now)
{
	uint64_t      limit = (uint64_t) gw_conf.metadata_wait_ms * 1000;
	GwDatabase   *database;
	GwFileWaiter *waiter;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		greet(database, now);
		while (now > limit &&
			   (waiter = gw_files_oldest(database->await.files, now - limit)) != NULL)
			give_up(waiter);
		ask(database, now);
	}
}
