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

/* Is it a column of icecat.storage_status() that only grows? */
static bool
is_counter(const char *column)
{
	static const char *const counters[] = {"bytes_written", "files_failed", "files_written",
										   "lag_s"};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (strcmp(counters[i], column) == 0)
			return true;
	return false;
}

/* A column of one storage profile, from "COLUMN VALUE PROFILE"; said_of: the last column whose
 * meaning was said. */
static void
render_store(GwText *out, const char *label, char *line, char **said_of)
{
	char       *column = strsep(&line, " ");
	char       *value = line == NULL ? NULL : strsep(&line, " ");
	char       *end = NULL;
	double      number = value == NULL ? 0 : strtod(value, &end);
	const char *suffix = is_counter(column) ? "_total" : "";

	if (line == NULL || end == value || *end != '\0')
		return;
	if (label != NULL)
	{
		gw_text_printf(out,
					   "icecat_database_store{database=\"%s\",column=\"%s\","
					   "storage_profile=\"%s\"} %.15g\n",
					   label, column, line, number);
		return;
	}
	if (*said_of == NULL || strcmp(*said_of, column) != 0)
		gw_text_printf(out,
					   "# HELP icecat_store_%s%s Column %s of icecat.storage_status().\n"
					   "# TYPE icecat_store_%s%s %s\n",
					   column, suffix, column, column, suffix,
					   *suffix != '\0' ? "counter" : "gauge");
	*said_of = column;
	gw_text_printf(out, "icecat_store_%s%s{storage_profile=\"%s\"} %.15g\n", column, suffix, line,
				   number);
}

/* What is known of the worker of one database; the next time it is newer. With stores: of its
 * stores. */

static void
render(GwDatabase *database, const char *label, bool stores, GwText *out)
{
	char *text;
	char *rest;
	char *line;
	char *said_of = NULL;

	database->worker.wanted = true;
	if (database->worker.known_us == 0 ||
		gw_clock_since(gw_clock_us(), database->worker.known_us) > SHOWN_FOR_US)
		return;
	rest = text = gw_strdup(database->worker.lines.data);
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char *space = strchr(line, ' ');

		if (space == NULL)
			continue;
		*space = '\0';
		if (stores && strcmp(line, "store") == 0)
			render_store(out, label, space + 1, &said_of);
		else if (!stores && strcmp(line, "store") != 0)
			render_line(out, label, line, space + 1);
	}
	free(text);
}

static void
render_further(GwText *out, bool stores)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		if (gw_database_label(database) != NULL && !database->leaving)
			render(database, database->conf.name, stores, out);
}

void
gw_worker_watch_render(GwText *out)
{
	if (gw_database_default() != NULL)
	{
		render(gw_database_default(), NULL, false, out);
		render(gw_database_default(), NULL, true, out);
	}
	if (gw_database_further() == 0)
		return;
	gw_text_puts(out, "# HELP icecat_database_worker Columns of icecat.worker_status() of further "
					  "databases.\n# TYPE icecat_database_worker gauge\n");
	render_further(out, false);
	gw_text_puts(out, "# HELP icecat_database_store Columns of icecat.storage_status() of further "
					  "databases, by storage profile.\n# TYPE icecat_database_store gauge\n");
	render_further(out, true);
}
