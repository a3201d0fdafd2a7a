/*
 * key_watch.c
 *		Asks the database for keys; see key_watch.h.
 *
 * A database that has none is asked to make one, on a connection for writes. A gateway that has
 * only a replica waits until another one has done so.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "oauth/key_watch.h"

#include "auth/own.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/statements.h"

static GwCall   call;
static uint64_t since_us; /* asked for, and not sent yet; 0: nothing is asked for */

static void
fail(const char *why)
{
	gw_own_take((GwSlice){NULL, 0}, why);
}

/* NULL: there is an answer. */
static const char *
problem_of(GwOutcome outcome, const GwPgResult *result)
{
	if (outcome != GW_CALL_ANSWERED)
		return "the connection to the database was lost";
	if (result->is_error)
		gw_log(GW_DEBUG, "signing keys: %s (%s)", result->message, result->sqlstate);
	if (result->is_error)
		return "the database does not tell: the login role may need icecat.grant_gateway() again";
	return result->is_null ? "the database does not tell" : NULL;
}

/* A key was made, by this gateway or another one: it is asked for. */
static void
made(GwCall *unused, GwOutcome outcome, GwPgResult *result)
{
	const char *why = problem_of(outcome, result);

	(void) unused;
	if (why != NULL)
		fail(why);
	else
		gw_key_watch_ask();
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

static bool
submit(GwPool *pool, int statement, void (*done)(GwCall *, GwOutcome, GwPgResult *))
{
	gw_call_begin(&call, 0);
	gw_call_role(&call);
	gw_call_step(&call, statement);
	call.done = done;
	return gw_pool_offers(pool, statement) && gw_pool_submit(pool, &call, true);
}

/* The answer is the one place where private keys pass through; its memory is libpq's. */
static void
told(GwCall *unused, GwOutcome outcome, GwPgResult *result)
{
	const char *why = problem_of(outcome, result);

	(void) unused;
	if (why != NULL)
		fail(why);
	else if (strcmp(result->value, "[]") == 0)
	{
		if (!gw_pool_is_ready(gw_catalog.writes) ||
			!submit(gw_catalog.writes, GW_STATEMENT_MAKE_SIGNING_KEY, made))
			fail("the database has none yet, and takes no changes here");
	}
	else
	{
		gw_own_take((GwSlice){result->value, result->value_len}, NULL);
		explicit_bzero((char *) (uintptr_t) result->value, result->value_len);
	}
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

static void
send_question(void)
{
	since_us = 0;
	if (!submit(gw_catalog.reads, GW_STATEMENT_SIGNING_KEYS, told))
		fail("the extension in the database is too old: run ALTER EXTENSION icecat UPDATE");
}

void
gw_key_watch_ask(void)
{
	since_us = gw_clock_us();
	gw_key_watch_tick(since_us);
}

void
gw_key_watch_tick(uint64_t now)
{
	if (since_us == 0 || call.state != GW_CALL_IDLE)
		return;
	if (gw_pool_is_ready(gw_catalog.reads))
		send_question();
	else if (now - since_us > (uint64_t) gw_conf.auth_fetch_timeout_ms * 1000)
	{
		since_us = 0;
		fail("there is no connection to the database");
	}
}
