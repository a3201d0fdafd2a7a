/*
 * worker_watch.c
 *		The worker's state in /metrics; see worker_watch.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/statements.h"

#include <stdlib.h>
#include <string.h>

/* Longer than two scrapes a minute apart: each shows what the last one had asked for. */
#define SHOWN_FOR_US (135 * (uint64_t) 1000000)

static GwCall   call;
static bool     wanted;
static uint64_t next_us;
static uint64_t known_us; /* when the lines were true; 0: never */
static GwText   lines;    /* "name value", one line for each column */

/* The pool's done(). What cannot be had is not shown: a right is missing, or the connection was
 * lost. */
static void
done(GwCall *unused, GwOutcome outcome, GwPgResult *result)
{
	(void) unused;
	if (outcome != GW_CALL_ANSWERED)
		return;
	if (result->is_error)
		gw_log(GW_DEBUG, "worker_status: %s", result->message);
	else if (!result->is_null)
	{
		lines.len = 0;
		gw_text_add(&lines, result->value, result->value_len);
		gw_text_add(&lines, "", 1);
		known_us = gw_clock_us();
	}
	gw_pg_result_free(result);
}

void
gw_worker_watch_tick(uint64_t now)
{
	if (!wanted || now < next_us || call.state != GW_CALL_IDLE ||
		!gw_pool_is_ready(gw_catalog.reads) || gw_pool_stats(gw_catalog.reads).queued > 0)
		return;
	wanted = false;
	next_us = now + (uint64_t) gw_conf.probe_interval_ms * 1000;
	gw_call_begin(&call, 0);
	gw_call_role(&call);
	gw_call_step(&call, GW_STATEMENT_WORKER);
	call.done = done;
	gw_pool_submit(gw_catalog.reads, &call, true);
}

/* A column whose value is a number becomes a gauge. */
static void
render_line(GwText *out, const char *name, const char *value)
{
	char  *end;
	double number = strtod(value, &end);

	if (end == value || *end != '\0')
		return;
	gw_text_printf(out, "# HELP icecat_worker_%s Column %s of icecat.worker_status().\n", name,
				   name);
	gw_text_printf(out, "# TYPE icecat_worker_%s gauge\nicecat_worker_%s %.15g\n", name, name,
				   number);
}

void
gw_worker_watch_render(GwText *out)
{
	char *text;
	char *rest;
	char *line;

	wanted = true;
	if (known_us == 0 || gw_clock_us() - known_us > SHOWN_FOR_US)
		return;
	rest = text = gw_strdup(lines.data);
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char *space = strchr(line, ' ');

		if (space == NULL)
			continue;
		*space = '\0';
		render_line(out, line, space + 1);
	}
	free(text);
}
