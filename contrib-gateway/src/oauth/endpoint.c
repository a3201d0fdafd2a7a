/*
 * endpoint.c
 *		The token endpoint: its head, and what every request needs; see endpoint.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "oauth/endpoint.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "catalog/router.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "oauth/flow.h"
#include "oauth/oauth_reply.h"

#define PATH "/v1/oauth/tokens"
#define FORM "application/x-www-form-urlencoded"

static int operation;

void
gw_endpoint_start(void)
{
	operation = gw_counters_add("getToken");
}

static GwLogin *
login_of(GwExchange *exchange)
{
	return (GwLogin *) exchange;
}

/* No path of the catalog ends so. What is before it must be the base path; begin() knows. */
static bool
takes(GwSlice path)
{
	size_t len = strlen(PATH);

	return path.len >= len && memcmp(path.data + path.len - len, PATH, len) == 0;
}

/* A path of the database comes after the base path. */
static bool
is_below(GwLogin *login, const GwHttpHead *head, GwSlice path, GwSlice base)
{
	GwDatabase *database;

	if (!gw_router_strip_base(&path, base))
		return false;
	database = gw_database_choose(&login->exchange, head, &path);
	if (database == NULL || !gw_text_slice_is(path, PATH))
		return false;
	login->database = database;
	gw_database_hold(database);
	return true;
}

/* Below the base path and, where a trusted proxy leaves its own prefix on, below that. */
static bool
is_here(GwLogin *login, const GwHttpHead *head)
{
	GwSlice base = {gw_conf.base_path, strlen(gw_conf.base_path)};
	GwSlice prefix = login->exchange.proxied ? gw_forwarded_prefix(head) : (GwSlice){0};
	GwSlice path = head->path;

	return is_below(login, head, path, base) ||
		   (prefix.len > 0 && gw_router_strip_base(&path, prefix) &&
			is_below(login, head, path, base));
}

static char *
copy(GwSlice text)
{
	char *out = gw_alloc(text.len + 1);

	if (text.len > 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return out;
}

/* -- the head -----------------------------------------------------------------------------------*/

/* Basic is who asks. An old token of the client may stand there instead: it means nothing. */
static void
take_authorization(GwLogin *login, const GwHttpHead *head)
{
	int count = 0;

	for (int i = 0; i < head->header_count; i++)
	{
		GwSlice value = head->headers[i].value;

		if (!gw_text_slice_is_nocase(head->headers[i].name, "authorization"))
			continue;
		if (++count > 1)
			gw_exchange_fault(&login->exchange, 400, "The Authorization field is repeated");
		else if (value.len >= 5 && strncasecmp(value.data, "Basic", 5) == 0 &&
				 !gw_form_basic(value, &login->basic_id, &login->basic_secret, &login->basic_size))
			gw_exchange_fault(&login->exchange, 401,
							  "The Authorization field is not Basic and an id and secret");
	}
}

static void
check_type(GwLogin *login, GwSlice type)
{
	const char *end = type.data != NULL ? memchr(type.data, ';', type.len) : NULL;

	if (end != NULL)
		type.len = (size_t) (end - type.data);
	while (type.len > 0 && (type.data[type.len - 1] == ' ' || type.data[type.len - 1] == '\t'))
		type.len--;
	if (!gw_text_slice_is_nocase(type, FORM))
		gw_exchange_fault(&login->exchange, 400,
						  "The Content-Type of a request for a token is " FORM);
}

/* A page may send forms anywhere without asking; only those of the setting are heard. */
static void
take_cors(GwLogin *login, const GwHttpHead *head)
{
	GwCors cors;

	gw_cors_read(head, gw_conf.cors_origins, &cors);
	if (cors.origin.len > 0)
		login->origin = copy(cors.origin);
	login->preflight = cors.preflight && login->exchange.fault.status == 405;
	if (login->preflight)
	{
		login->exchange.fault = (GwFault){0};
		login->asked = copy(cors.headers);
	}
	else if (cors.foreign)
		gw_exchange_fault(&login->exchange, 403,
						  "A page of another origin must be in the gateway's setting cors_origins");
}

/* What is wrong with a head is the first fault of it; a good one says who asks. */
static void
read_head(GwLogin *login, const GwHttpHead *head)
{
	GwExchange *exchange = &login->exchange;

	if (!is_here(login, head))
		gw_exchange_fault(exchange, 404, "There is no such endpoint");
	else if (!gw_conf.oauth_tokens)
		gw_exchange_fault(exchange, 404,
						  "This gateway issues no tokens (setting oauth_tokens): get one from its "
						  "issuer, by the client's option oauth2-server-uri");
	else if (exchange->method != GW_POST)
		gw_exchange_fault(exchange, 405, "The method is not allowed for this path");
	take_cors(login, head);
	if (exchange->fault.status != 0 || login->preflight)
		return;
	if (gw_form_query_tells(head->query))
		gw_exchange_fault(
			exchange, 400,
			"Secrets and tokens belong in the body, not in the query of the URL, which "
			"others may see: change this one");
	check_type(login, head->content_type);
	if (exchange->coding == GW_CODING_UNKNOWN)
		gw_exchange_fault(exchange, 415, "The only Content-Encoding known here is gzip");
	take_authorization(login, head);
}

/* -- the handler --------------------------------------------------------------------------------*/

static void
begin(GwExchange *exchange, const GwHttpHead *head)
{
	GwLogin *login = login_of(exchange);

	memset((char *) login + sizeof(GwExchange), 0, sizeof(*login) - sizeof(GwExchange));
	if (exchange->body_max > GW_FORM_BYTES_MAX)
		exchange->body_max = GW_FORM_BYTES_MAX;
	if (head == NULL)
		return;
	login->path = copy(head->path);
	exchange->path = (GwSlice){login->path, head->path.len};
	read_head(login, head);
}

static bool
wants_body(const GwExchange *exchange)
{
	return exchange->fault.status == 0 && !((const GwLogin *) exchange)->preflight;
}

static void
run(GwExchange *exchange, GwSlice body)
{
	GwLogin *login = login_of(exchange);

	if (exchange->fault.status != 0)
		gw_oauth_reply_fault(login, exchange->fault, false);
	else if (login->preflight)
		gw_oauth_reply_preflight(login);
	else
		gw_flow_start(login, body);
}

static void
refuse(GwExchange *exchange, GwFault fault)
{
	gw_oauth_reply_fault(login_of(exchange), fault, true);
}

static bool
abandon(GwExchange *exchange)
{
	return gw_flow_abandon(login_of(exchange));
}

static GwUsage
usage(const GwExchange *exchange)
{
	const GwCall *call = &((const GwLogin *) exchange)->call;
	GwUsage       usage = {
			  .operation = operation,
			  .database = gw_database_label(((const GwLogin *) exchange)->database),
    };

	if (call->sent_us > 0)
		usage.wait_us = gw_clock_since(call->sent_us, call->queued_us);
	if (call->sent_us > 0)
		usage.db_us = gw_clock_since(call->done_us, call->sent_us);
	return usage;
}

static void
end(GwExchange *exchange)
{
	GwLogin *login = login_of(exchange);

	gw_flow_end(login);
	if (login->database != NULL)
		login->database->requests++;
	gw_database_release(login->database);
	login->database = NULL;
	gw_form_forget(login->basic_id, login->basic_size);
	free(login->path);
	free(login->origin);
	free(login->asked);
	login->basic_id = login->path = login->origin = login->asked = NULL;
}

const GwHandler gw_endpoint_handler = {
	.size = sizeof(GwLogin),
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
