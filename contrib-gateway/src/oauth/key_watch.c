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
#include "catalog/database.h"
#include "catalog/statements.h"

static GwDatabase *
database_of_call(GwCall *call)
{
	return (GwDatabase *) ((char *) call - offsetof(GwDatabase, keys.call));
}

static void
fail(GwDatabase *database, const char *why)
{
	gw_own_take(&database->realm, (GwSlice){NULL, 0}, why);
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
made(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_call(call);
	const char *why = problem_of(outcome, result);

	if (why != NULL)
		fail(database, why);
	else
		gw_key_watch_ask(&database->realm.own);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

static bool
submit(GwCall *call, GwPool *pool, int statement, void (*done)(GwCall *, GwOutcome, GwPgResult *))
{
	gw_call_begin(call, 0);
	gw_call_role(call);
	gw_call_step(call, statement);
	call->done = done;
	return gw_pool_offers(pool, statement) && gw_pool_submit(pool, call, true);
}

/* The answer is the one place where private keys pass through; its memory is libpq's. */
static void
told(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_call(call);
	const char *why = problem_of(outcome, result);

	if (why != NULL)
		fail(database, why);
	else if (gw_signer_has_none((GwSlice){result->value, result->value_len}))
	{
		if (!gw_pool_is_ready(database->writes) ||
			!submit(call, database->writes, GW_STATEMENT_MAKE_SIGNING_KEY, made))
			fail(database, "the database has none yet, and takes no changes here");
	}
	else
	{
		gw_own_take(&database->realm, (GwSlice){result->value, result->value_len}, NULL);
		explicit_bzero((char *) (uintptr_t) result->value, result->value_len);
	}
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

static void
send_question(GwDatabase *database)
{
	database->keys.since_us = 0;
	if (!submit(&database->keys.call, database->reads, GW_STATEMENT_SIGNING_KEYS, told))
		fail(database,
			 "the extension in the database is too old: run ALTER EXTENSION icecat UPDATE");
}

static void
tick(GwDatabase *database, uint64_t now)
{
	if (database->keys.since_us == 0 || database->keys.call.state != GW_CALL_IDLE)
		return;
	if (gw_pool_is_ready(database->reads))
		send_question(database);
	else if (gw_clock_since(now, database->keys.since_us) >
			 (uint64_t) gw_conf.auth_fetch_timeout_ms * 1000)
	{
		database->keys.since_us = 0;
		fail(database, "there is no connection to the database");
	}
}

void
gw_key_watch_ask(GwIssuer *own)
{
	GwDatabase *database = (GwDatabase *) ((char *) own - offsetof(GwDatabase, realm.own));

	database->keys.since_us = gw_clock_us();
	tick(database, database->keys.since_us);
}

void
gw_key_watch_tick(uint64_t now)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		tick(database, now);
}
