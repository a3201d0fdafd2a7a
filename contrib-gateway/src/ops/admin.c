/*
 * admin.c
 *		/health, /ready and /metrics. See admin.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/admin.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/counters.h"
#include "base/process.h"
#include "base/status.h"
#include "catalog/await.h"
#include "catalog/catalog.h"
#include "http/cors.h"
#include "ops/metrics.h"

/* How answers come to wait for metadata files: by the worker's announcements, by asking, or not at
 * all. */
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
	bool        ready = why == NULL || (why == writes && gw_conf.ready_without_writes);

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

/* The pages are answered to GET and HEAD. */
static const struct Page
{
	const char *path;
	const char *operation;
	void (*render)(GwReply *reply, GwText *body);
} pages[] = {
	{"/health", "health", render_health},
	{"/ready", "ready", render_ready},
	{"/metrics", "metrics", render_metrics},
};

#define PAGE_COUNT ((int) (sizeof(pages) / sizeof(pages[0])))
#define METHODS    "GET, HEAD"

static int counted[PAGE_COUNT];

/* One request for a page. */
typedef struct Admin
{
	GwExchange exchange; /* must be first */
	int        page;     /* -1: none, as the head could not be read */
	bool       preflight;
	char      *origin; /* to be named in the answer, or NULL */
	char      *asked;  /* header fields of a preflight */
} Admin;

void
gw_admin_start(void)
{
	for (int i = 0; i < PAGE_COUNT; i++)
		counted[i] = gw_counters_add(pages[i].operation);
}

static int
find_page(GwSlice path)
{
	int i = PAGE_COUNT - 1;

	while (i >= 0 && !gw_text_slice_is(path, pages[i].path))
		i--;
	return i;
}

static bool
takes(GwSlice path)
{
	return find_page(path) >= 0;
}

static char *
copy(GwSlice text)
{
	char *out = gw_alloc(text.len + 1);

	if (text.len > 0)
		memcpy(out, text.data, text.len);
	return out;
}

/* A preflight is no fault: what it asks for is which methods there are. */
static void
take_cors(Admin *admin, const GwHttpHead *head)
{
	GwCors cors;

	gw_cors_read(head, gw_conf.cors_origins, &cors);
	if (cors.origin.len > 0)
		admin->origin = copy(cors.origin);
	admin->preflight = cors.preflight && admin->exchange.fault.status == 405;
	if (!admin->preflight)
		return;
	admin->exchange.fault = (GwFault){0};
	admin->asked = copy(cors.headers);
}

static void
begin(GwExchange *exchange, const GwHttpHead *head)
{
	Admin *admin = (Admin *) exchange;

	admin->page = head ? find_page(head->path) : -1;
	admin->preflight = false;
	if (head == NULL)
		return;
	exchange->path = (GwSlice){pages[admin->page].path, head->path.len};
	if (exchange->method != GW_GET && exchange->method != GW_HEAD)
		gw_exchange_fault(exchange, 405, "The method is not allowed for this path");
	take_cors(admin, head);
}

static bool
wants_body(const GwExchange *exchange)
{
	(void) exchange;
	return false;
}

/* Sends the answer, which ends the request. */
static void
respond(Admin *admin, GwReply *reply, GwText *body)
{
	reply->body = body->data;
	reply->body_len = body->len;
	reply->retry_after_s = reply->status == 503 ? gw_conf.retry_after_s : -1;
	gw_cors_answer(reply, gw_conf.cors_origins, admin->origin);
	admin->exchange.respond(&admin->exchange, reply);
	gw_text_free(body);
}

static void
respond_fault(Admin *admin, GwFault fault, bool close)
{
	GwText  body = {0};
	GwReply reply = {.status = fault.status, .close = close};

	gw_reply_error_body(&body, fault.status, gw_status_type(fault.status), fault.message);
	if (fault.status == 405)
		reply.allow = METHODS;
	respond(admin, &reply, &body);
}

/* Answers at once: the page, what a preflight asks for, or what is wrong. */
static void
run(GwExchange *exchange, GwSlice unused)
{
	Admin  *admin = (Admin *) exchange;
	GwText  body = {0};
	GwReply reply = {.status = 200};

	(void) unused;
	if (exchange->fault.status != 0)
	{
		respond_fault(admin, exchange->fault, false);
		return;
	}
	if (admin->preflight)
	{
		reply.status = 204;
		reply.allow_methods = METHODS;
		reply.allow_headers = admin->asked;
	}
	else
		pages[admin->page].render(&reply, &body);
	respond(admin, &reply, &body);
}

static void
refuse(GwExchange *exchange, GwFault fault)
{
	respond_fault((Admin *) exchange, fault, true);
}

/* Nothing is ever under way: run() has answered. */
static bool
abandon(GwExchange *exchange)
{
	(void) exchange;
	return true;
}

static GwUsage
usage(const GwExchange *exchange)
{
	int page = ((const Admin *) exchange)->page;

	return (GwUsage){.operation = page < 0 ? GW_OPERATION_UNKNOWN : counted[page]};
}

static void
end(GwExchange *exchange)
{
	Admin *admin = (Admin *) exchange;

	free(admin->origin);
	free(admin->asked);
	admin->origin = admin->asked = NULL;
}

const GwHandler gw_admin_handler = {
	.size = sizeof(Admin),
	.takes = takes,
	.begin = begin,
	.wants_body = wants_body,
	.run = run,
	.refuse = refuse,
	.abandon = abandon,
	.usage = usage,
	.end = end,
	.free = end,
};
