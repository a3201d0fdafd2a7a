/*
 * admin.c
 *		/health, /ready and /metrics. See admin.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "admin.h"

#include "await.h"
#include "conf.h"
#include "metrics.h"
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

/* Ready: it can read, it can write, and it is not about to leave. */
static int
render_ready(GwText *body)
{
	bool		reads = gw_pool_is_ready(gw_server.reads);
	bool		writes = gw_pool_is_ready(gw_server.writes);
	bool		ready = reads && writes && !gw_server.draining;

	gw_text_printf(body,
				   "{\"ready\":%s,\"reads\":%s,\"writes\":%s,\"draining\":%s,"
				   "\"metadata_files\":\"%s\"}",
				   ready ? "true" : "false", reads ? "true" : "false", writes ? "true" : "false",
				   gw_server.draining ? "true" : "false", file_waits());
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
