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
#include "catalog/database.h"
#include "http/cors.h"
#include "ops/metrics.h"

/* One request for a page. */
typedef struct Admin
{
	GwExchange  exchange; /* must be first */
	GwDatabase *database; /* whose host was asked; held. NULL: there is none */
	int         page;     /* -1: none, as the head could not be read */
	bool        preflight;
	char       *origin; /* to be named in the answer, or NULL */
	char       *asked;  /* header fields of a preflight */
} Admin;

/* How answers come to wait for metadata files: by the worker's announcements, by asking, or not at
 * all. */
static const char *
file_waits(const GwDatabase *database)
{
	if (gw_conf.metadata_wait_ms == 0)
		return "off";
	if (!gw_await_listens(database))
		return "asked for";
	return gw_await_worker(database) ? "announced" : "no worker";
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
reason_of_writes(const GwDatabase *database)
{
	const char *why = reason_of(database->writes);

	if (why == NULL && !gw_pool_may_write(database->writes))
		return "The gateway's role may execute no function that changes something: GRANT EXECUTE "
			   "on them to it, or "
			   "set ready_without_writes";
	return why;
}

/* It can read, and it can write or need not. */
static bool
is_ready(const GwDatabase *database)
{
	return reason_of(database->reads) == NULL &&
		   (gw_conf.ready_without_writes || reason_of_writes(database) == NULL);
}

/* How many further databases there are, and how many of them are ready; no names, which strangers
 * need not know. */
static int
put_further(GwText *body)
{
	const GwDatabase *database;
	int               ready = 0;

	TAILQ_FOREACH (database, &gw_databases, link)
		ready += gw_database_label(database) != NULL && !database->leaving && is_ready(database);
	if (gw_database_further() > 0)
		gw_text_printf(body, ",\"databases\":%d,\"databases_ready\":%d", gw_database_further(),
					   ready);
	return ready;
}

static void
put_database(GwText *body, const GwDatabase *database)
{
	const char *reads = reason_of(database->reads);
	const char *writes = reason_of_writes(database);

	gw_text_printf(body, ",\"reads\":%s,\"writes\":%s,\"draining\":%s,\"metadata_files\":\"%s\"",
				   reads == NULL ? "true" : "false", writes == NULL ? "true" : "false",
				   gw_process.draining ? "true" : "false", file_waits(database));
	gw_text_puts(body, ",\"extension\":");
	put_json(body, gw_pool_version(database->reads));
	gw_text_puts(body, ",\"reason\":");
	if (gw_process.draining)
		put_json(body, "It is about to leave");
	else if (reads != NULL || writes != NULL)
		put_json(body, reads != NULL ? reads : writes);
	else
		gw_text_puts(body, "null");
}

/* Under a host of its own, a database answers for itself. Otherwise it is the gateway that is asked
 * for: it is ready where one database is, because a lost one makes only its own requests fail. */
static void
render_ready(const Admin *admin, GwReply *reply, GwText *body)
{
	const GwDatabase *database = admin->database;
	GwText            rest = {0};
	bool              ready = database != NULL && is_ready(database);

	if (database != NULL)
		put_database(&rest, database);
	else
		gw_text_printf(&rest, ",\"draining\":%s", gw_process.draining ? "true" : "false");
	if (gw_database_label(database) == NULL)
		ready = put_further(&rest) > 0 || ready;
	ready = ready && !gw_process.draining;
	gw_text_printf(body, "{\"ready\":%s", ready ? "true" : "false");
	gw_text_add(body, rest.data, rest.len);
	gw_text_putc(body, '}');
	gw_text_free(&rest);
	reply->status = ready ? 200 : 503;
}

static void
render_health(const Admin *admin, GwReply *reply, GwText *body)
{
	(void) admin;
	(void) reply;
	gw_text_puts(body, "{\"status\":\"ok\",\"version\":\"" GW_VERSION "\"}");
}

static void
render_metrics(const Admin *admin, GwReply *reply, GwText *body)
{
	(void) admin;
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	gw_metrics_render(body);
}

/* The pages are answered to GET and HEAD. */
static const struct Page
{
	const char *path;
	const char *operation;
	void (*render)(const Admin *admin, GwReply *reply, GwText *body);
} pages[] = {
	{"/health", "health", render_health},
	{"/ready", "ready", render_ready},
	{"/metrics", "metrics", render_metrics},
};

#define PAGE_COUNT ((int) (sizeof(pages) / sizeof(pages[0])))
#define METHODS    "GET, HEAD"

static int counted[PAGE_COUNT];

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
	admin->database = NULL;
	if (head == NULL)
		return;
	admin->database = gw_database_choose(exchange, head, &(GwSlice){"", 0});
	if (admin->database != NULL)
		gw_database_hold(admin->database);
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
		pages[admin->page].render(admin, &reply, &body);
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

	gw_database_release(admin->database);
	admin->database = NULL;
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
