/*
 * head.c
 *		What a request asks for; see head.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/head.h"

#include <stdio.h>
#include <strings.h>

#include "base/conf.h"
#include "base/url.h"
#include "catalog/principal.h"
#include "catalog/websocket.h"
#include "http/cors.h"
#include "http/forwarded.h"

static void
fault(GwRequest *request, int status, const char *message)
{
	gw_exchange_fault(&request->exchange, status, message);
}

/* Decodes one parameter for the statement. */
static void
take_param(GwRequest *request, GwParam param, const GwParamInput *input)
{
	const char *why = NULL;

	request->values[param] = gw_param_decode(param, input, &request->arena, &why);
	if (why != NULL)
		fault(request, 400, why);
}

/* The name of a warehouse may lead to a database, which does not see the word that does. */
static void
take_word(GwRequest *request, GwParam param)
{
	GwDatabase *database = request->database;

	if (request->values[param] == NULL)
		return;
	if (request->word.len > 0)
		request->database = gw_database_default();
	request->database = gw_database_of_warehouse(request->database, &request->values[param],
												 &request->word);
	if (request->database == database)
		return;
	gw_database_release(database);
	gw_database_hold(request->database);
}

/* Takes the names out of the path. */
static void
take_path(GwRequest *request, const GwMatch *match, bool prefix)
{
	const int *params = request->route->params;

	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwParam      param = (GwParam) params[i];
		GwParamInput input = {.raw = match->raw[param], .plus_is_space = request->spaces};

		if (gw_param_source(param) == GW_SOURCE_PATH && (prefix || param != GW_PARAM_PREFIX))
			take_param(request, param, &input);
	}
	if (prefix)
		take_word(request, GW_PARAM_PREFIX);
}

/* Finds the parameters of the route in the query; others mean nothing. */
static void
read_query(GwRequest *request, GwSlice query, GwSlice raw[GW_PARAM_COUNT])
{
	GwSlice key;
	GwSlice value;

	while (gw_url_query_next(&query, &key, &value))
	{
		GwParam param = gw_param_find(GW_SOURCE_QUERY, key);

		if (param == GW_PARAM_NONE || !gw_router_has(request->route, param))
			continue;
		if (raw[param].data != NULL)
			fault(request, 400, "A query parameter is repeated");
		raw[param] = value;
	}
}

/* Takes the parameters of the route that the head tells. */
static void
take_params(GwRequest *request, const GwMatch *match, const GwHttpHead *head)
{
	const int *params = request->route->params;
	GwSlice    raw[GW_PARAM_COUNT] = {{NULL, 0}};

	take_path(request, match, true);
	read_query(request, head->query, raw);
	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwParam      param = (GwParam) params[i];
		GwSource     source = gw_param_source(param);
		GwParamInput input = {.raw = raw[param], .head = head, .plus_is_space = true};

		if (source != GW_SOURCE_PATH && source != GW_SOURCE_BODY)
			take_param(request, param, &input);
	}
	take_word(request, GW_PARAM_QUERY_WAREHOUSE);
}

static GwSlice
base_path(void)
{
	return (GwSlice){gw_conf.base_path, strlen(gw_conf.base_path)};
}

static void
set_allow(GwRequest *request, unsigned allowed)
{
	GwText text = {0};

	gw_router_allow(allowed, &text);
	snprintf(request->allow, sizeof(request->allow), "%s", text.data ? text.data : "");
	gw_text_free(&text);
	fault(request, 405, "The method is not allowed for this path");
}

/* Matches what is below the base path and, where a trusted proxy leaves its own prefix on, below
 * that; a path of the database comes next. */
static GwMatchKind
match_path(GwRequest *request, const GwHttpHead *head, GwMatch *match)
{
	GwSlice prefix = request->exchange.proxied ? gw_forwarded_prefix(head) : (GwSlice){0};

	for (int i = 0; i < (prefix.len > 0 ? 2 : 1); i++)
	{
		GwSlice     path = head->path;
		GwMatchKind kind;

		if ((i == 1 && !gw_router_strip_base(&path, prefix)) ||
			!gw_router_strip_base(&path, base_path()))
			continue;
		request->database = gw_database_choose(&request->exchange, head, &path);
		if (path.len == 0)
			continue;
		request->below = head->path.len - path.len;
		kind = gw_router_match(request->exchange.method, path, match);
		if (kind != GW_MATCH_NO_PATH)
			return kind;
	}
	return GW_MATCH_NO_PATH;
}

/* Finds the route that the request asks for. */
static void
find_operation(GwRequest *request, const GwHttpHead *head)
{
	GwMatch match;

	GwMatchKind kind = match_path(request, head, &match);

	if (request->database == NULL)
		kind = GW_MATCH_NO_PATH;
	else
		gw_database_hold(request->database);
	switch (kind)
	{
		case GW_MATCH_NO_PATH:
			fault(request, 404, "There is no such endpoint");
			break;
		case GW_MATCH_NO_METHOD:
			set_allow(request, match.allowed);
			break;
		case GW_MATCH_FOUND:
			if ((match.route->flags & GW_ROUTE_SWITCHED) && !gw_conf.event_queries)
				fault(request, 404,
					  "This gateway answers no queries of events (setting event_queries)");
			request->route = match.route;
			request->operation = (int) (match.route - gw_routes);
			take_params(request, &match, head);
	}
}

/* The key counts where the route takes one. What is in it is the database's business. */
static void
take_key(GwRequest *request, GwSlice key)
{
	if (request->route == NULL || !(request->route->flags & GW_ROUTE_KEYED) || key.data == NULL)
		return;
	if (key.len == 0 || key.len > GW_KEY_BYTES_MAX)
	{
		fault(request, 400, "Invalid Idempotency-Key");
		return;
	}
	memcpy(request->key, key.data, key.len);
	request->key[key.len] = '\0';
}

/* Icecat-Deduplicate: true or false, on commits. */
static void
take_deduplicate(GwRequest *request, GwSlice value)
{
	if (request->route == NULL || !(request->route->flags & GW_ROUTE_COMMIT) || value.data == NULL)
		return;
	request->deduplicate = gw_text_slice_is_nocase(value, "true");
	if (!request->deduplicate && !gw_text_slice_is_nocase(value, "false"))
		fault(request, 400, "Icecat-Deduplicate is neither true nor false");
}

/* X-Iceberg-Access-Delegation: a list, in one field or several. It matters where an answer may
 * carry credentials: where a table is created, registered or loaded. */
static void
take_delegation(GwRequest *request, const GwHttpHead *head)
{
	GwText list = {0};

	if (request->route == NULL || request->route->answer != GW_ANSWER_TAGGED ||
		(request->route->flags & GW_ROUTE_COMMIT))
		return;
	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, "x-iceberg-access-delegation"))
			continue;
		if (list.len > 0)
			gw_text_putc(&list, ',');
		gw_text_add(&list, head->headers[i].value.data, head->headers[i].value.len);
	}
	if (list.len > GW_DELEGATION_BYTES_MAX)
		fault(request, 400, "X-Iceberg-Access-Delegation is too long");
	else if (list.len > 0)
		request->delegation = gw_arena_copy(&request->arena, (GwSlice){list.data, list.len});
	gw_text_free(&list);
}

/* JSON, or nothing said. Others are refused: a web page can send forms anywhere without asking.
 * With 400, for the specification has no 415. */
static void
check_content_type(GwRequest *request, GwSlice type)
{
	const char *end;
	GwSlice     media = type;

	if (!gw_head_wants_body(request) || type.data == NULL || type.len == 0)
		return;
	end = memchr(type.data, ';', type.len);
	if (end != NULL)
		media.len = (size_t) (end - type.data);
	while (media.len > 0 && (media.data[media.len - 1] == ' ' || media.data[media.len - 1] == '\t'))
		media.len--;
	if (gw_text_slice_is_nocase(media, "application/json"))
		return;
	if (media.len > 5 && strncasecmp(media.data + media.len - 5, "+json", 5) == 0)
		return;
	fault(request, 400, "The Content-Type of the body is not application/json");
}

/* A page may send a POST without a type, or as a form, to any host, without asking. A browser would
 * then run what any page likes; so such a POST is taken of programs, of the gateway's own host, and
 * of the setting's origins. */
static void
check_origin(GwRequest *request, GwSlice type)
{
	if (request->exchange.method == GW_POST && request->foreign && type.len == 0)
		fault(request, 403,
			  "A page of another origin must be in the gateway's setting cors_origins");
}

/* What the request says of the page that it comes from. A preflight of a path that there is has no
 * fault: what is answered is which methods it has. */
static void
take_cors(GwRequest *request, const GwHttpHead *head)
{
	GwCors cors;

	gw_cors_read(head, gw_conf.cors_origins, &cors);
	request->foreign = cors.foreign;
	request->preflight = cors.preflight && request->exchange.fault.status == 405;
	if (cors.origin.len > 0)
		request->origin = gw_arena_copy(&request->arena, cors.origin);
	if (!request->preflight)
		return;
	request->exchange.fault.status = 0;
	request->asked_headers = gw_arena_copy(&request->arena, cors.headers);
}

/* No browser asks before a page opens a WebSocket to another host, and none hides from it what
 * comes back: so pages of other origins than the setting's get none at all. */
static void
take_handshake(GwRequest *request, const GwHttpHead *head)
{
	char    accept[GW_WEBSOCKET_PROOF_BYTES];
	GwFault wrong;

	if (request->route == NULL || !(request->route->flags & GW_ROUTE_SOCKET))
		return;
	if (request->foreign)
		fault(request, 403,
			  "A page of another origin must be in the gateway's setting cors_origins");
	else if (!gw_websocket_accept(head, accept, &wrong))
		fault(request, wrong.status, wrong.message);
	else
		request->accept_socket = gw_arena_copy(&request->arena, (GwSlice){accept, strlen(accept)});
}

static void
check_coding(GwRequest *request)
{
	if (request->exchange.coding == GW_CODING_UNKNOWN && gw_head_wants_body(request))
		fault(request, 415, "The only Content-Encoding known here is gzip");
}

void
gw_head_read(GwRequest *request, const GwHttpHead *head)
{
	request->exchange.path = (GwSlice){gw_arena_copy(&request->arena, head->path), head->path.len};
	find_operation(request, head);
	take_key(request, head->idempotency_key);
	take_deduplicate(request, head->deduplicate);
	take_delegation(request, head);
	take_cors(request, head);
	check_origin(request, head->content_type);
	take_handshake(request, head);
	if (request->route != NULL)
		gw_principal_read(request, head);
	check_content_type(request, head->content_type);
	check_coding(request);
	request->accept = gw_coding_accept(head);
	if (request->values[GW_PARAM_HEADER_IF_NONE_MATCH] != NULL)
		request->client_tags = request->values[GW_PARAM_HEADER_IF_NONE_MATCH];
}

bool
gw_head_wants_body(const GwRequest *request)
{
	return request->exchange.fault.status == 0 && request->route != NULL &&
		   gw_router_has(request->route, GW_PARAM_BODY);
}

void
gw_head_take_body(GwRequest *request, GwSlice body)
{
	GwParamInput input = {.raw = body};

	request->body = body;
	take_param(request, GW_PARAM_BODY, &input);
}

/* Does a name of the path hold a '+': the prefix, or one of the others? */
static bool
has_plus(const GwMatch *match, bool prefix)
{
	const int *params = match->route->params;

	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwSlice raw = match->raw[params[i]];

		if ((params[i] == GW_PARAM_PREFIX) == prefix && raw.len > 0 &&
			memchr(raw.data, '+', raw.len))
			return true;
	}
	return false;
}

bool
gw_head_read_spaces(GwRequest *request, bool prefix)
{
	GwSlice path = {request->exchange.path.data + request->below,
					request->exchange.path.len - request->below};
	GwMatch match;

	if (gw_router_match(request->exchange.method, path, &match) != GW_MATCH_FOUND ||
		!has_plus(&match, prefix))
		return false;
	request->spaces = true;
	take_path(request, &match, prefix);
	return request->exchange.fault.status == 0;
}
