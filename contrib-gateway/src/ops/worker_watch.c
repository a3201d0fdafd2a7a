/*
 * worker_watch.c
 *		The worker's state in /metrics; see worker_watch.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "catalog/database.h"
#include "catalog/statements.h"

#include <stdlib.h>
#include <string.h>

/* Longer than two scrapes a minute apart: each shows what the last one had asked for. */
#define SHOWN_FOR_US (135 * (uint64_t) 1000000)

/* The pool's done(). What cannot be had is not shown: a right is missing, or the connection was
 * lost. */
static void
done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = (GwDatabase *) ((char *) call - offsetof(GwDatabase, worker.call));
	GwText     *lines = &database->worker.lines;

	if (outcome != GW_CALL_ANSWERED)
		return;
	if (result->is_error)
		gw_log(GW_DEBUG, "worker_status: %s", result->message);
	else if (!result->is_null)
	{
		lines->len = 0;
		gw_text_add(lines, result->value, result->value_len);
		gw_text_add(lines, "", 1);
		database->worker.known_us = gw_clock_us();
	}
	gw_pg_result_free(result);
}

static void
tick(GwDatabase *database, uint64_t now)
{
	GwCall *call = &database->worker.call;

	if (!database->worker.wanted || now < database->worker.next_us || database->leaving ||
		call->state != GW_CALL_IDLE || !gw_pool_is_ready(database->reads) ||
		gw_pool_stats(database->reads).queued > 0)
		return;
	database->worker.wanted = false;
	database->worker.next_us = now + (uint64_t) gw_conf.probe_interval_ms * 1000;
	gw_call_begin(call, 0);
	gw_call_role(call);
	gw_call_step(call, GW_STATEMENT_WORKER);
	call->done = done;
	gw_pool_submit(database->reads, call, true);
}

void
gw_worker_watch_tick(uint64_t now)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		tick(database, now);
}

/* A column whose value is a number becomes a gauge. What it means is said once for all
 * databases. */
static void
render_line(GwText *out, const char *label, const char *name, const char *value)
{
	char  *end;
	double number = strtod(value, &end);

	if (end == value || *end != '\0')
		return;
	if (label == NULL)
		gw_text_printf(out,
					   "# HELP icecat_worker_%s Column %s of icecat.worker_status().\n"
					   "# TYPE icecat_worker_%s gauge\nicecat_worker_%s %.15g\n",
					   name, name, name, name, number);
	else
		gw_text_printf(out, "icecat_database_worker{database=\"%s\",column=\"%s\"} %.15g\n", label,
					   name, number);
}

/* What is known of the worker of one database; the next time it is newer. */
static void
render(GwDatabase *database, const char *label, GwText *out)
{
	char *text;
	char *rest;
	char *line;

	database->worker.wanted = true;
	if (database->worker.known_us == 0 || gw_clock_us() - database->worker.known_us > SHOWN_FOR_US)
		return;
	rest = text = gw_strdup(database->worker.lines.data);
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char *space = strchr(line, ' ');

		if (space == NULL)
			continue;
		*space = '\0';
		render_line(out, label, line, space + 1);
	}
	free(text);
}

void
gw_worker_watch_render(GwText *out)
{
	GwDatabase *database;

	if (gw_database_default() != NULL)
		render(gw_database_default(), NULL, out);
	if (gw_database_further() == 0)
		return;
	gw_text_puts(out, "# HELP icecat_database_worker Columns of icecat.worker_status() of further "
					  "databases.\n# TYPE icecat_database_worker gauge\n");
	TAILQ_FOREACH (database, &gw_databases, link)
		if (gw_database_label(database) != NULL && !database->leaving)
			render(database, database->conf.name, out);
}
