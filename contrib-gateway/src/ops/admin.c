/*
 * admin.c
 *		/health, /ready and /metrics. See admin.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/admin.h"

#include <string.h>

#include "base/conf.h"
#include "base/process.h"
#include "catalog/await.h"
#include "catalog/catalog.h"
#include "catalog/operation.h"
#include "ops/metrics.h"

/* How answers come to wait for metadata files: by the worker's announcements, by asking, or not at all. */
static const char *
file_waits(void)
{
	if (gw_conf.metadata_wait_ms == 0)
		return "off";
	if (!gw_await_listens())
		return "asked for";
	return gw_await_worker() ? "announced" : "no worker";
}

static void
put_json(GwText *body, const char *text)
{
	gw_text_json(body, text, strlen(text));
}

/* Why a pool serves nothing; NULL when it does. */
static const char *
reason_of(const GwPool *pool)
{
	if (gw_pool_is_ready(pool))
		return NULL;
	return gw_pool_problem(pool)
			   ? gw_pool_problem(pool)
			   : "There is no connection to the database; the gateway's log says why";
}

/* Why nothing can be changed; NULL when it can. */
static const char *
reason_of_writes(void)
{
	const char *why = reason_of(gw_catalog.writes);

	if (why == NULL && !gw_pool_may_write(gw_catalog.writes))
		return "The gateway's role may execute no function that changes something: GRANT EXECUTE "
			   "on them to it, or "
			   "set ready_without_writes";
	return why;
}

/* Ready: it can read, it can write or need not, and it is not about to leave. */
static void
render_ready(GwReply *reply, GwText *body)
{
	const char *reads = reason_of(gw_catalog.reads);
	const char *writes = reason_of_writes();
	const char *why = gw_process.draining ? "It is about to leave" : reads ? reads : writes;
	bool		ready = why == NULL || (why == writes && gw_conf.ready_without_writes);

	gw_text_printf(body,
				   "{\"ready\":%s,\"reads\":%s,\"writes\":%s,\"draining\":%s,"
				   "\"metadata_files\":\"%s\",\"extension\":",
				   ready ? "true" : "false", reads == NULL ? "true" : "false",
				   writes == NULL ? "true" : "false", gw_process.draining ? "true" : "false",
				   file_waits());
	put_json(body, gw_pool_version(gw_catalog.reads));
	gw_text_puts(body, ",\"reason\":");
	if (why != NULL)
		put_json(body, why);
	else
		gw_text_puts(body, "null");
	gw_text_putc(body, '}');
	reply->status = ready ? 200 : 503;
}

static void
render_health(GwReply *reply, GwText *body)
{
	(void) reply;
	gw_text_puts(body, "{\"status\":\"ok\",\"version\":\"" GW_VERSION "\"}");
}

static void
render_metrics(GwReply *reply, GwText *body)
{
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	gw_metrics_render(body);
}

void
gw_admin_start(void)
{
	static const GwPage pages[] = {
		{"/health", "health", render_health},
		{"/ready", "ready", render_ready},
		{"/metrics", "metrics", render_metrics},
	};

	gw_operation_add_pages(pages, sizeof(pages) / sizeof(pages[0]));
}
