/*
 * admin.c
 *		/health, /ready and /metrics. See admin.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/admin.h"

#include <string.h>

#include "catalog/await.h"
#include "base/conf.h"
#include "ops/metrics.h"
#include "server.h"

int
gw_admin_find(GwSlice path)
{
	if (gw_slice_is(path, "/health"))
		return GW_OPERATION_HEALTH;
	if (gw_slice_is(path, "/ready"))
		return GW_OPERATION_READY;
	if (gw_slice_is(path, "/metrics"))
		return GW_OPERATION_METRICS;
	return -1;
}

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
	const char *why = reason_of(gw_server.writes);

	if (why == NULL && !gw_pool_may_write(gw_server.writes))
		return "The gateway's role may execute no function that changes something: GRANT EXECUTE "
			   "on them to it, or "
			   "set ready_without_writes";
	return why;
}

/* Ready: it can read, it can write or need not, and it is not about to leave. */
static int
render_ready(GwText *body)
{
	const char *reads = reason_of(gw_server.reads);
	const char *writes = reason_of_writes();
	const char *why = gw_server.draining ? "It is about to leave" : reads ? reads : writes;
	bool		ready = why == NULL || (why == writes && gw_conf.ready_without_writes);

	gw_text_printf(body,
				   "{\"ready\":%s,\"reads\":%s,\"writes\":%s,\"draining\":%s,"
				   "\"metadata_files\":\"%s\",\"extension\":",
				   ready ? "true" : "false", reads == NULL ? "true" : "false",
				   writes == NULL ? "true" : "false", gw_server.draining ? "true" : "false",
				   file_waits());
	put_json(body, gw_pool_version(gw_server.reads));
	gw_text_puts(body, ",\"reason\":");
	if (why != NULL)
		put_json(body, why);
	else
		gw_text_puts(body, "null");
	gw_text_putc(body, '}');
	return ready ? 200 : 503;
}

void
gw_admin_answer(GwRequest *request)
{
	GwText		body = {0};
	GwReply		reply = {.status = 200, .retry_after_s = -1};

	if (request->operation == GW_OPERATION_HEALTH)
		gw_text_puts(&body, "{\"status\":\"ok\",\"version\":\"" GW_VERSION "\"}");
	else if (request->operation == GW_OPERATION_READY)
		reply.status = render_ready(&body);
	else
	{
		reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
		gw_metrics_render(&body);
	}
	if (reply.status == 503)
		reply.retry_after_s = gw_conf.retry_after_s;
	reply.body = body.data;
	reply.body_len = body.len;
	gw_request_respond(request, &reply);
	gw_text_free(&body);
}
