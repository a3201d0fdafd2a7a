/*
 * refused.c
 *		Refused calls, for the audit log; see refused.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/refused.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "catalog/database.h"
#include "catalog/statements.h"

#define TEXT_BYTES_MAX 512 /* of one text; the database cuts it again */
#define EVERY_US       1000000

typedef struct GwRefusedEntry
{
	uint64_t at_us;
	char    *members; /* of a JSON object, without its age */
} GwRefusedEntry;

static GwDatabase *
database_of_call(GwCall *call)
{
	return (GwDatabase *) ((char *) call - offsetof(GwDatabase, refused.call));
}

static void
put(GwText *out, const char *name, const char *value)
{
	size_t len;

	if (value == NULL || *value == '\0')
		return;
	len = strlen(value);
	gw_text_puts(out, name);
	gw_text_json(out, value, len < TEXT_BYTES_MAX ? len : TEXT_BYTES_MAX);
}

/* The name of the route's function: commit-table for icecat.rest_commit_table(…). Helpers begin
 * with an underscore. */
static void
put_action(GwText *out, const GwRoute *route)
{
	const char *at = route != NULL ? strstr(route->sql, "icecat.") : NULL;

	while (at != NULL && at[strlen("icecat.")] == '_')
		at = strstr(at + 1, "icecat.");
	gw_text_puts(out, "\"action\":\"");
	at = at != NULL ? at + strlen("icecat.") : "none";
	if (strncmp(at, "rest_", 5) == 0)
		at += 5;
	for (; *at != '\0' && *at != '('; at++)
		gw_text_putc(out, *at == '_' ? '-' : *at);
	gw_text_putc(out, '"');
}

/* The levels are a PostgreSQL array, which must not be cut. */
static void
put_namespace(GwText *out, const char *levels)
{
	if (levels == NULL || strlen(levels) > TEXT_BYTES_MAX)
		return;
	gw_text_puts(out, ",\"namespace\":");
	gw_text_json(out, levels, strlen(levels));
}

void
gw_refused_note(const GwRequest *request, int status)
{
	const char *principal = request->principal ? request->principal
											   : request->auth.verdict.principal;
	GwDatabase *database = request->database;
	GwText      out = {0};

	if (gw_conf.audit_refused_max == 0 || database == NULL)
		return;
	if (database->refused.count >= gw_conf.audit_refused_max ||
		database->refused.count >= GW_REFUSED_MAX)
	{
		gw_counters.audit_dropped++;
		return;
	}
	if (database->refused.entries == NULL)
		database->refused.entries = gw_alloc(GW_REFUSED_MAX * sizeof(GwRefusedEntry));
	put_action(&out, request->route);
	gw_text_printf(&out, ",\"status\":%d", status);
	put(&out, ",\"outcome\":", request->outcome);
	put(&out, ",\"warehouse\":", request->values[GW_PARAM_PREFIX]);
	put_namespace(&out, request->values[GW_PARAM_NAMESPACE]);
	put(&out, ",\"name\":",
		request->values[GW_PARAM_TABLE] ? request->values[GW_PARAM_TABLE]
										: request->values[GW_PARAM_VIEW]);
	put(&out, ",\"role\":", request->role);
	put(&out, ",\"principal\":", principal);
	put(&out, ",\"request-id\":", request->exchange.id);
	put(&out, ",\"client-address\":", request->exchange.client);
	gw_text_add(&out, "", 1);
	database->refused.entries[database->refused.count++] = (GwRefusedEntry){gw_clock_us(),
																			out.data};
}

uint64_t
gw_refused_waiting(void)
{
	const GwDatabase *database;
	int               waiting = 0;

	TAILQ_FOREACH (database, &gw_databases, link)
		waiting += database->refused.count + database->refused.sending;
	return (uint64_t) waiting;
}

static void
done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_call(call);

	if (outcome != GW_CALL_ANSWERED || result->is_error)
	{
		gw_counters.audit_dropped += (uint64_t) database->refused.sending;
		gw_log(GW_WARNING, "refused calls could not be written to the audit log: %s",
			   outcome == GW_CALL_ANSWERED ? result->message : "the connection was lost");
	}
	else
		gw_counters.audit_written += (uint64_t) database->refused.sending;
	database->refused.sending = 0;
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

/* All that was noted, as one array. */
static void
build_batch(GwDatabase *database, uint64_t now)
{
	GwText         *batch = &database->refused.batch;
	GwRefusedEntry *entries = database->refused.entries;

	batch->len = 0;
	for (int i = 0; i < database->refused.count; i++)
	{
		gw_text_puts(batch, i == 0 ? "[{" : ",{");
		gw_text_puts(batch, entries[i].members);
		gw_text_printf(batch, ",\"age-ms\":%llu}",
					   (unsigned long long) ((now - entries[i].at_us) / 1000));
		free(entries[i].members);
	}
	gw_text_puts(batch, "]");
	gw_text_add(batch, "", 1);
	database->refused.sending = database->refused.count;
	database->refused.count = 0;
}

static void
write_batch(GwDatabase *database)
{
	GwCall *call = &database->refused.call;

	gw_call_begin(call, 0);
	gw_call_role(call);
	gw_call_param(gw_call_step(call, GW_STATEMENT_AUDIT), database->refused.batch.data);
	call->done = done;
	if (!gw_pool_offers(database->writes, GW_STATEMENT_AUDIT) ||
		!gw_pool_submit(database->writes, call, true))
	{
		gw_counters.audit_dropped += (uint64_t) database->refused.sending;
		database->refused.sending = 0;
	}
}

/* A database that leaves, and cannot be reached, is not waited for. */
static void
tick(GwDatabase *database, uint64_t now)
{
	bool ready = gw_pool_is_ready(database->writes);

	if (database->refused.count == 0 || now < database->refused.next_us ||
		database->refused.call.state != GW_CALL_IDLE || (!ready && !database->leaving))
		return;
	database->refused.next_us = now + EVERY_US;
	build_batch(database, now);
	if (ready)
	{
		write_batch(database);
		return;
	}
	gw_counters.audit_dropped += (uint64_t) database->refused.sending;
	database->refused.sending = 0;
}

void
gw_refused_tick(uint64_t now)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		tick(database, now);
}
