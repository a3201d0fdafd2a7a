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
#include "catalog/repeats.h"
#include "catalog/statements.h"

#define TEXT_BYTES_MAX 512 /* of one text; the database cuts it again */
#define EVERY_US       1000000

static bool stopping; /* no window is waited for */

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

/* Is there room for one more in this second? Else it is dropped. */
static bool
has_room(const GwDatabase *database)
{
	if (database->refused.count < gw_conf.audit_refused_max &&
		database->refused.count < GW_REFUSED_MAX)
		return true;
	gw_counters.audit_dropped++;
	return false;
}

static void
add(GwDatabase *database, GwText *members)
{
	if (database->refused.entries == NULL)
		database->refused.entries = gw_alloc(GW_REFUSED_MAX * sizeof(GwRefusedEntry));
	gw_text_add(members, "", 1);
	database->refused.entries[database->refused.count++] = (GwRefusedEntry){gw_clock_us(),
																			members->data};
}

/* Refusals that anyone can cause, without a role, are of one kind where what was done, why it was
 * refused, who it was and the network are the same: the first is written, others are counted. True:
 * it is done with. members is what all of the kind have. */
static bool
is_repeat(GwDatabase *database, const GwText *members, const char *network)
{
	GwText   kind = {0};
	GwRepeat repeat;

	if (database->refused.repeats == NULL)
		database->refused.repeats = gw_repeats_create(GW_REFUSED_MAX);
	gw_text_add(&kind, members->data, members->len);
	put(&kind, ",\"client-address\":", network);
	repeat = gw_repeats_count(database->refused.repeats, (GwSlice){kind.data, kind.len},
							  gw_clock_us(), (uint64_t) gw_conf.audit_repeats_window_s * 1000000);
	gw_text_free(&kind);
	if (repeat == GW_REPEAT_AGAIN)
		gw_counters.audit_repeated++;
	if (repeat == GW_REPEAT_NO_ROOM)
		gw_counters.audit_dropped++;
	return repeat != GW_REPEAT_FIRST;
}

/* Writes how often the kinds came whose window is over; all of a database that leaves, and at the
 * end. */
static void
add_repeats(GwDatabase *database, uint64_t now)
{
	GwRepeats *repeats = database->refused.repeats;
	uint64_t   times;
	char      *kind;

	if (database->leaving || stopping)
		now = UINT64_MAX;
	while (repeats != NULL && database->refused.count < GW_REFUSED_MAX &&
		   (kind = gw_repeats_ended(repeats, now, &times)) != NULL)
	{
		GwText out = {0};

		if (times > 0)
		{
			gw_text_puts(&out, kind);
			gw_text_printf(&out, ",\"repeated\":%llu", (unsigned long long) times);
			add(database, &out);
		}
		free(kind);
	}
}

static const char *
principal_of(const GwRequest *request)
{
	return request->principal ? request->principal : request->auth.verdict.principal;
}

/* What a refusal has in common with others of its kind. */
static void
put_kind(GwText *out, const GwRequest *request, int status)
{
	put_action(out, request->route);
	gw_text_printf(out, ",\"status\":%d", status);
	if (request->auth.why != GW_REFUSAL_NONE)
		put(out, ",\"reason\":", gw_refusal_name(request->auth.why));
	put(out, ",\"principal\":", principal_of(request));
}

void
gw_refused_note(const GwRequest *request, int status)
{
	GwDatabase *database = request->database;
	GwText      out = {0};

	if (gw_conf.audit_refused_max == 0 || database == NULL)
		return;
	put_kind(&out, request, status);
	if ((status != 403 && is_repeat(database, &out, request->exchange.network)) ||
		!has_room(database))
	{
		gw_text_free(&out);
		return;
	}
	put(&out, ",\"outcome\":", request->outcome);
	put(&out, ",\"warehouse\":", request->values[GW_PARAM_PREFIX]);
	put_namespace(&out, request->values[GW_PARAM_NAMESPACE]);
	put(&out, ",\"name\":",
		request->values[GW_PARAM_TABLE] ? request->values[GW_PARAM_TABLE]
										: request->values[GW_PARAM_VIEW]);
	put(&out, ",\"role\":", request->role);
	put(&out, ",\"request-id\":", request->exchange.id);
	put(&out, ",\"client-address\":", request->exchange.client);
	add(database, &out);
}

void
gw_refused_note_login(GwDatabase *database, const GwExchange *exchange, int status,
					  const char *reason, const char *client)
{
	GwText out = {0};

	if (gw_conf.audit_refused_max == 0 || database == NULL)
		return;
	gw_text_printf(&out, "\"action\":\"log-in\",\"status\":%d", status);
	put(&out, ",\"reason\":", reason);
	put(&out, ",\"principal\":", client);
	if (is_repeat(database, &out, exchange->network) || !has_room(database))
	{
		gw_text_free(&out);
		return;
	}
	put(&out, ",\"request-id\":", exchange->id);
	put(&out, ",\"client-address\":", exchange->client);
	add(database, &out);
}

uint64_t
gw_refused_waiting(void)
{
	const GwDatabase *database;
	uint64_t          waiting = 0;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		waiting += (uint64_t) (database->refused.count + database->refused.sending);
		if (database->refused.repeats != NULL)
			waiting += gw_repeats_waiting(database->refused.repeats);
	}
	return waiting;
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
					   (unsigned long long) (gw_clock_since(now, entries[i].at_us) / 1000));
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

	add_repeats(database, now);
	if (database->refused.count == 0 || (now < database->refused.next_us && !stopping) ||
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

bool
gw_refused_finish(void)
{
	stopping = true;
	return gw_refused_waiting() == 0;
}
