/*
 * request.c
 *		One request from its head to its answer. See request.h.
 *
 * The gateway holds no Iceberg rule: what a request means is the database's business.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/poison.h"
#include "base/process.h"
#include "base/status.h"
#include "base/url.h"
#include "catalog/answer.h"
#include "catalog/await.h"
#include "catalog/catalog.h"
#include "catalog/error_map.h"
#include "catalog/operation.h"
#include "catalog/statements.h"
#include "http/cors.h"
#include "http/forwarded.h"

static void call_done(GwCall *call, GwOutcome outcome, GwPgResult *result);
static void leave_gate(GwRequest *request);
static void start_call(GwRequest *request);
static void build_call(GwRequest *request);

static GwRequest *
request_of_call(GwCall *call)
{
	return (GwRequest *) ((char *) call - offsetof(GwRequest, call));
}

static GwRequest *
request_of_ticket(GwTicket *ticket)
{
	return (GwRequest *) ((char *) ticket - offsetof(GwRequest, ticket));
}

/* Forgets all of the request before. */
static void
begin(GwRequest *request)
{
	gw_arena_open(&request->arena);
	request->answered = false;
	request->route = NULL;
	request->operation = GW_OPERATION_NONE;
	request->allow[0] = '\0';
	request->foreign = request->preflight = false;
	request->origin = NULL;
	request->spaces = false;
	memset(request->values, 0, sizeof(request->values));
	request->body = (GwSlice){0};
	request->accept = (GwAccept){.identity = true};
	request->client_tags = "";
	request->cache_key = (GwSlice){0};
	request->key[0] = '\0';
	request->deduplicate = false;
	request->losses = 0;
	request->gate_us = 0;
	request->call.queued_us = request->call.sent_us = request->call.done_us = 0;
	request->call.done = call_done;
}

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

/* Takes the names out of the path. */
static void
take_path(GwRequest *request, const GwMatch *match, bool prefix)
{
	const int  *params = request->route->params;

	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwParam		param = (GwParam) params[i];
		GwParamInput input = {.raw = match->raw[param], .plus_is_space = request->spaces};

		if (gw_param_source(param) == GW_SOURCE_PATH && (prefix || param != GW_PARAM_PREFIX))
			take_param(request, param, &input);
	}
}

/* Finds the parameters of the route in the query; others mean nothing. */
static void
read_query(GwRequest *request, GwSlice query, GwSlice raw[GW_PARAM_COUNT])
{
	GwSlice		key;
	GwSlice		value;

	while (gw_url_query_next(&query, &key, &value))
	{
		GwParam		param = gw_param_find(GW_SOURCE_QUERY, key);

		if (param == GW_PARAM_NONE || !gw_route_has(request->route, param))
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
	const int  *params = request->route->params;
	GwSlice		raw[GW_PARAM_COUNT] = {{NULL, 0}};

	take_path(request, match, true);
	read_query(request, head->query, raw);
	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwParam		param = (GwParam) params[i];
		GwSource	source = gw_param_source(param);
		GwParamInput input = {.raw = raw[param], .head = head, .plus_is_space = true};

		if (source != GW_SOURCE_PATH && source != GW_SOURCE_BODY)
			take_param(request, param, &input);
	}
}

static GwSlice
base_path(void)
{
	return (GwSlice){gw_conf.base_path, strlen(gw_conf.base_path)};
}

static void
set_allow(GwRequest *request, unsigned allowed)
{
	GwText		text = {0};

	gw_router_allow(allowed, &text);
	snprintf(request->allow, sizeof(request->allow), "%s", text.data ? text.data : "");
	gw_text_free(&text);
	fault(request, 405, "The method is not allowed for this path");
}

/* Matches what is below the base path and, where a trusted proxy leaves its own prefix on, below that. */
static GwMatchKind
match_path(GwRequest *request, const GwHttpHead *head, GwMatch *match)
{
	GwSlice		prefix = request->exchange.proxied ? gw_forwarded_prefix(head) : (GwSlice){0};

	for (int i = 0; i < (prefix.len > 0 ? 2 : 1); i++)
	{
		GwSlice		path = head->path;
		GwMatchKind kind;

		if ((i == 1 && !gw_router_strip_base(&path, prefix)) ||
			!gw_router_strip_base(&path, base_path()) || path.len == 0)
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
	GwMatch		match;

	switch (match_path(request, head, &match))
	{
		case GW_MATCH_NO_PATH:
			fault(request, 404, "There is no such endpoint");
			break;
		case GW_MATCH_NO_METHOD:
			set_allow(request, match.allowed);
			break;
		case GW_MATCH_FOUND:
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
	request->deduplicate = gw_slice_is_nocase(value, "true");
	if (!request->deduplicate && !gw_slice_is_nocase(value, "false"))
		fault(request, 400, "Icecat-Deduplicate is neither true nor false");
}

/* JSON, or nothing said. Others are refused: a web page can send forms anywhere without asking. With 400, for the
 * specification has no 415. */
static void
check_content_type(GwRequest *request, GwSlice type)
{
	const char *end;
	GwSlice		media = type;

	if (!gw_request_wants_body(request) || type.data == NULL || type.len == 0)
		return;
	end = memchr(type.data, ';', type.len);
	if (end != NULL)
		media.len = (size_t) (end - type.data);
	while (media.len > 0 && (media.data[media.len - 1] == ' ' || media.data[media.len - 1] == '\t'))
		media.len--;
	if (gw_slice_is_nocase(media, "application/json"))
		return;
	if (media.len > 5 && strncasecmp(media.data + media.len - 5, "+json", 5) == 0)
		return;
	fault(request, 400, "The Content-Type of the body is not application/json");
}

/* A page may send a POST without a type, or as a form, to any host, without asking. A browser would then run what
 * any page likes; so such a POST is taken of programs, of the gateway's own host, and of the setting's origins. */
static void
check_origin(GwRequest *request, GwSlice type)
{
	if (request->exchange.method == GW_POST && request->foreign && type.len == 0)
		fault(request, 403,
			  "A page of another origin must be in the gateway's setting cors_origins");
}

/* What the request says of the page that it comes from. A preflight of a path that there is has no fault: what is answered is
 * which methods it has. */
static void
take_cors(GwRequest *request, const GwHttpHead *head)
{
	GwCors		cors;

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

static void
check_coding(GwRequest *request)
{
	if (request->exchange.coding == GW_CODING_UNKNOWN && gw_request_wants_body(request))
		fault(request, 415, "The only Content-Encoding known here is gzip");
}

void
gw_request_begin(GwRequest *request, const GwHttpHead *head)
{
	begin(request);
	if (head == NULL)
		return;
	request->exchange.path = (GwSlice){gw_arena_copy(&request->arena, head->path), head->path.len};
	find_operation(request, head);
	take_key(request, head->idempotency_key);
	take_deduplicate(request, head->deduplicate);
	take_cors(request, head);
	check_origin(request, head->content_type);
	check_content_type(request, head->content_type);
	check_coding(request);
	request->accept = gw_coding_accept(head);
	if (request->values[GW_PARAM_HEADER_IF_NONE_MATCH] != NULL)
		request->client_tags = request->values[GW_PARAM_HEADER_IF_NONE_MATCH];
}

bool
gw_request_wants_body(const GwRequest *request)
{
	return request->exchange.fault.status == 0 && request->route != NULL &&
		gw_route_has(request->route, GW_PARAM_BODY);
}

/* A request is answered once. To go on after a second answer would mix up two clients. */
void
gw_request_respond(GwRequest *request, GwReply *reply)
{
	assert(!request->answered && !request->retry_waits && request->final_error.handle == NULL);
	assert(request->ticket.state == GW_TICKET_NONE);
	assert(request->file_wait.state == GW_FILE_WAIT_NONE);
	assert(request->call.state == GW_CALL_IDLE || reply->flows);
	request->answered = true;
	gw_cors_answer(reply, gw_conf.cors_origins, request->origin);
	request->exchange.respond(&request->exchange, reply);
}

static void
reply_error(GwRequest *request, int status, const char *type, const char *message, bool close)
{
	GwText		body = {0};
	GwReply		reply = {.status = status, .retry_after_s = -1, .close = close};

	gw_reply_error_body(&body, status, type, message);
	reply.body = body.data;
	reply.body_len = body.len;
	if (status == 503)
		reply.retry_after_s = gw_conf.retry_after_s;
	if (status == 405)
		reply.allow = request->allow;
	if (status == 415)
		reply.accept_encoding = "gzip";
	gw_answer_send(request, &reply);
	gw_text_free(&body);
}

void
gw_request_refuse(GwRequest *request, int status, const char *message, bool close)
{
	reply_error(request, status, gw_status_type(status), message, close);
}

/* What a client may be told about an error whose own message it must not see. */
static const char *
guarded_message(const GwRequest *request, int status, char *buffer, size_t size)
{
	if (status == 409)
		return "The change conflicts with a concurrent one; it may be tried again";
	if (status == 400)
		return "The request is over a limit of the catalog's database";
	if (status == 503)
		return "The catalog's database cannot take the request at the moment";
	snprintf(buffer, size, "Internal server error (request id %s)", request->exchange.id);
	return buffer;
}

/* The message of one of our own errors, with its detail: "The message. The detail". */
static void
put_own_message(GwText *out, const GwPgResult *result)
{
	size_t		len = strlen(result->message);

	gw_text_puts(out, result->message);
	if (result->detail[0] != '\0')
	{
		gw_text_puts(out, len > 0 && result->message[len - 1] == '.' ? " " : ". ");
		gw_text_puts(out, result->detail);
	}
	gw_text_add(out, "", 1);
}

static bool
is_own_error(const GwPgResult *result)
{
	return strncmp(result->sqlstate, "IC", 2) == 0;
}

/* A conflict that may be gone in a moment (lock timeout, deadlock) is a CommitFailedException for a commit, by which the client
 * knows that it did not happen. With a key that would be too much: a conflict is not stored, and another call with the key may
 * yet succeed. So it is 503, as for all other operations, and the client sends the same again. */
static GwErrorKind
error_kind(const GwRequest *request, const GwPgResult *result)
{
	if (result->of_session)
		return (GwErrorKind){503, gw_status_type(503), false};
	return gw_error_map(result->sqlstate,
						(request->route->flags & GW_ROUTE_COMMIT) && request->key[0] == '\0');
}

/* Is what was not found a namespace whose separator was encoded twice? It could also have been a name. */
static bool
encoded_twice(const GwRequest *request, const char *type)
{
	const char *namespace = request->values[GW_PARAM_NAMESPACE];
	const char *parent = request->values[GW_PARAM_QUERY_PARENT];

	return strncmp(type, "NoSuch", 6) == 0 &&
		((namespace != NULL && gw_url_encoded_twice(namespace)) ||
		 (parent != NULL && gw_url_encoded_twice(parent)));
}

/* Answers with an error of the database, as far as the client may see it. */
static void
reply_database_error(GwRequest *request, const GwPgResult *result)
{
	GwErrorKind kind = error_kind(request, result);
	GwText		own = {0};
	char		buffer[128];
	const char *message = result->message;

	if (kind.status >= 500)
		gw_log_request(kind.status == 500 ? GW_ERROR : GW_WARNING, request->exchange.id,
					   "%s: %s (%s)", request->route->operation, result->message, result->sqlstate);
	if (encoded_twice(request, kind.type))
	{
		gw_request_refuse(request, 400,
						  "The separator of the namespace's levels is encoded twice: "
						  "it was sent as %251F, and there is no namespace with %1F in its name",
						  false);
		return;
	}
	if (!kind.public_message)
		message = guarded_message(request, kind.status, buffer, sizeof(buffer));
	else if (is_own_error(result))
	{
		put_own_message(&own, result);
		message = own.data;
	}
	reply_error(request, kind.status, kind.type, message, false);
	gw_text_free(&own);
}

/* Did a function that answers whether something exists say that it does not? */
static bool
is_absent(const GwRequest *request, const GwPgResult *result)
{
	return request->route->answer == GW_ANSWER_EXISTS &&
		(result->is_null || result->value[0] != 't');
}

void
gw_request_error(GwRequest *request, int status, const char *type, const char *message)
{
	reply_error(request, status, type, message, false);
}

void
gw_request_database_error(GwRequest *request, const GwPgResult *result)
{
	reply_database_error(request, result);
}

/* Turns the value of the function into the answer that its route promises. */
static void
reply_at_once(GwRequest *request, GwPgResult *result)
{
	GwReply		reply = {.status = 204, .retry_after_s = -1};

	if (request->route->answer == GW_ANSWER_TAGGED && gw_answer_tagged(request, result))
		return;
	if (is_absent(request, result))
	{
		reply_error(request, 404, gw_status_type(404), "It does not exist", false);
		return;
	}
	if (request->route->answer != GW_ANSWER_VOID && request->route->answer != GW_ANSWER_EXISTS)
	{
		if (result->is_null)
		{
			gw_log_request(GW_ERROR, request->exchange.id, "%s: the function returned NULL",
						   request->route->operation);
			reply_error(request, 500, gw_status_type(500), "The catalog gave no answer", false);
			return;
		}
		reply.status = 200;
		reply.etag = result->etag;
		reply.body = result->value;
		reply.body_len = result->value_len;
		reply.handle = result->handle;
		reply.release = gw_pg_handle_free;
		result->handle = NULL;	/* the reply owns it now */
	}
	gw_answer_send(request, &reply);
}

/* The same, as soon as the files that the answer names can be read. The request has left gate and connection by now. */
static void
reply_value(GwRequest *request, GwPgResult *result)
{
	if (!gw_await_begin(request, result))
		reply_at_once(request, result);
}

void
gw_request_go_on(GwRequest *request)
{
	GwPgResult	result = request->kept;

	request->kept = (GwPgResult){0};
	reply_at_once(request, &result);
	gw_pg_result_free(&result);
}

/* The connection was lost while the call was in flight. */
static void
reply_lost(GwRequest *request)
{
	const GwRoute *route = request->route;

	gw_log_request(GW_ERROR, request->exchange.id, "%s: the database connection was lost in flight",
				   route->operation);
	if (route->flags & GW_ROUTE_COMMIT)
	{
		gw_counters.commits_unknown++;
		reply_error(request, 500, "CommitStateUnknownException",
					"The connection to the database was lost; the commit may or may not have "
					"happened",
					false);
	}
	else if (route->access == GW_WRITE)
		reply_error(request, 500, gw_status_type(500),
					"The connection to the database was lost; the change may or may not have "
					"happened",
					false);
	else
		gw_request_refuse(request, 503, "The connection to the database was lost", false);
}

static GwPool *
pool_of(const GwRequest *request)
{
	return request->route->access == GW_WRITE ? gw_catalog.writes : gw_catalog.reads;
}

/* The extension is of the release before, which did not have the operation. */
static void
refuse_old(GwRequest *request, const GwPool *pool)
{
	char		message[256];

	snprintf(message, sizeof(message),
			 "The extension icecat in the database has version \"%s\", which has no "
			 "%s: run ALTER EXTENSION icecat UPDATE",
			 gw_pool_version(pool), request->route->operation);
	gw_request_refuse(request, 503, message, false);
}

/* Hands the call to its pool, or answers. One that a gate let in was admitted when it came. */
static void
submit(GwRequest *request, bool admitted)
{
	GwPool	   *pool = pool_of(request);

	if (gw_pool_offers(pool, GW_STATEMENT_OF(request->operation)) &&
		gw_pool_submit(pool, &request->call, admitted))
		return;
	leave_gate(request);
	if (!gw_pool_offers(pool, GW_STATEMENT_OF(request->operation)))
		refuse_old(request, pool);
	else if (gw_pool_problem(pool) != NULL)
		gw_request_refuse(request, 503, gw_pool_problem(pool), false);
	else
	{
		gw_counters.queue_refused++;
		gw_request_refuse(request, 503, "Too many requests wait for the database", false);
	}
}

static int64_t
gate_width(const GwRequest *request)
{
	return request->route->flags & GW_ROUTE_ASIDE ? gw_conf.report_gate_width
												  : gw_conf.commit_gate_width;
}

/* Lets the next one at the same gate in, before this one is answered. */
static void
leave_gate(GwRequest *request)
{
	GwTicket   *next;

	if (request->ticket.state != GW_TICKET_INSIDE)
		return;
	next = gw_gate_leave(gw_catalog.gates, &request->ticket, gate_width(request));
	if (next == NULL)
		return;
	request = request_of_ticket(next);
	request->gate_us = gw_clock_us() - next->since_us;
	gw_counters.gate_wait_us += request->gate_us;
	submit(request, true);
}

/* Does a name of the path hold a '+': the prefix, or one of the others? */
static bool
has_plus(const GwMatch *match, bool prefix)
{
	const int  *params = match->route->params;

	for (int i = 0; i < GW_PARAMS_MAX && params[i] != GW_PARAM_NONE; i++)
	{
		GwSlice		raw = match->raw[params[i]];

		if ((params[i] == GW_PARAM_PREFIX) == prefix && raw.len > 0 &&
			memchr(raw.data, '+', raw.len))
			return true;
	}
	return false;
}

/* The names of the path once more, each '+' a space: of all, or all but the prefix. */
static bool
take_path_again(GwRequest *request, bool prefix)
{
	GwSlice		path = {request->exchange.path.data + request->below,
					request->exchange.path.len - request->below};
	GwMatch		match;

	if (gw_router_match(request->exchange.method, path, &match) != GW_MATCH_FOUND ||
		!has_plus(&match, prefix))
		return false;
	request->spaces = true;
	take_path(request, &match, prefix);
	return request->exchange.fault.status == 0;
}

/*
 * Some clients encode a space in a path as '+'. A '+' is first taken as it stands; when the
 * database then knows no such name, which has changed nothing, it is asked once more with spaces. %2B
 * always means itself. The same where the name belongs to a key's other request: that may be this one, with spaces.
 */
static bool
try_spaces(GwRequest *request, const GwPgResult *result)
{
	GwErrorKind kind;
	bool		prefix = false;

	if (request->spaces ||
		memchr(request->exchange.path.data, '+', request->exchange.path.len) == NULL)
		return false;
	if (result->is_error)
	{
		kind = gw_error_map(result->sqlstate, false);
		if (strncmp(kind.type, "NoSuch", 6) != 0 && !gw_error_is_key_mismatch(result->sqlstate))
			return false;
		prefix = strcmp(kind.type, "NoSuchWarehouseException") == 0;
	}
	else if (!is_absent(request, result))
		return false;
	return take_path_again(request, prefix);
}

/* -- calls with an Idempotency-Key -------------------------------------------------------------- */

typedef TAILQ_HEAD(RequestList, GwRequest) RequestList;

static RequestList retries = TAILQ_HEAD_INITIALIZER(retries);

/* Is it the last word on the request, so that a repeat is to get it as well? */
static bool
is_final_error(const GwRequest *request, const GwPgResult *result)
{
	return result->is_error && request->key[0] != '\0' && gw_error_is_final(result->sqlstate);
}

static void
forget_final_error(GwRequest *request)
{
	gw_pg_result_free(&request->final_error);
	gw_text_free(&request->final_text);
}

/*
 * The transaction that failed took its row with it: the same call again, now only to store the error. Whatever
 * comes of that is the answer if it is an outcome: another call with the key may have succeeded by now.
 */
static void
store_final_error(GwRequest *request, GwPgResult *result)
{
	request->final_error = *result;
	*result = (GwPgResult){0};
	gw_text_puts(&request->final_text, request->final_error.sqlstate);
	gw_text_puts(&request->final_text, " ");
	put_own_message(&request->final_text, &request->final_error);
	build_call(request);
	submit(request, true);
}

/* The second call of store_final_error() is over. NULL: the error was stored. The first error is ours now, for the
 * request is not to be touched after its answer. */
static void
final_error_stored(GwRequest *request, GwOutcome outcome, GwPgResult *result)
{
	GwPgResult	first = request->final_error;
	bool		answered = outcome == GW_CALL_ANSWERED;
	bool		value = answered && !result->is_error;
	bool		stored = value && result->is_null && result->etag == NULL && !result->is_large;

	request->final_error = (GwPgResult){0};
	forget_final_error(request);
	gw_counters.keyed_errors_stored += stored;
	if (value && !stored)
		reply_value(request, result);
	else
		reply_database_error(
			request, answered && result->is_error && is_own_error(result) ? result : &first);
	gw_pg_result_free(&first);
}

/* May a call with a key be sent again? It was lost, or, after a loss, it met something that passes: another run of it may
 * still be under way then, and nothing but the outcome stored under the key says what became of it. */
static bool
wants_retry(const GwRequest *request, GwOutcome outcome, const GwPgResult *result)
{
	if (request->key[0] == '\0' || outcome == GW_CALL_EXPIRED)
		return false;
	if (outcome == GW_CALL_LOST)
		return true;
	return request->losses > 0 && result->is_error && error_kind(request, result).status >= 500;
}

/* Sends the call again after a pause that grows; false when the time is over. */
static bool
retry_later(GwRequest *request)
{
	uint64_t	now = gw_clock_us();
	uint64_t	pause_ms = GW_KEYED_PAUSE_MIN_MS;

	if (request->losses == 0)
		request->retry_until_us = now + (uint64_t) gw_conf.keyed_retry_ms * 1000;
	request->losses++;
	for (int i = 1; i < request->losses && pause_ms < GW_KEYED_PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	pause_ms = pause_ms / 2 + now % (pause_ms / 2 + 1);	/* jitter */
	request->retry_us = now + pause_ms * 1000;
	if (request->retry_us >= request->retry_until_us)
		return false;
	request->retry_waits = true;
	TAILQ_INSERT_TAIL(&retries, request, retry_link);
	return true;
}

static void
stop_waiting(GwRequest *request)
{
	request->retry_waits = false;
	TAILQ_REMOVE(&retries, request, retry_link);
}

/* The oldest request whose pause is over. */
static GwRequest *
due_retry(uint64_t now)
{
	GwRequest  *request;

	TAILQ_FOREACH (request, &retries, retry_link)
	{
		if (now >= request->retry_us)
			return request;
	}
	return NULL;
}

/* Sends what is due. Each goes past the gate: the one before it may have been answered long ago. */
static void
retry_due(uint64_t now)
{
	GwRequest  *request;

	while ((request = due_retry(now)) != NULL)
	{
		stop_waiting(request);
		gw_counters.keyed_repeats++;
		submit(request, true);
	}
}

/* Turns an outcome into an answer. After a loss, what is no outcome leaves it open what happened. */
static void
reply_outcome(GwRequest *request, GwOutcome outcome, GwPgResult *result)
{
	if (outcome == GW_CALL_LOST || wants_retry(request, outcome, result) ||
		(outcome == GW_CALL_EXPIRED && request->losses > 0))
		reply_lost(request);
	else if (outcome == GW_CALL_EXPIRED)
	{
		const char *problem = gw_pool_problem(pool_of(request));

		gw_counters.queue_expired++;
		gw_request_refuse(request, 503,
						  problem ? problem : "No database connection became free in time", false);
	}
	else if (result->is_error)
		reply_database_error(request, result);
	else
		reply_value(request, result);
}

/* The pool's done(). One of these answers, or sends a call that does: each is the last that is done with the request. */
static void
call_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest  *request = request_of_call(call);
	bool		answered = outcome == GW_CALL_ANSWERED;

	leave_gate(request);
	if (request->final_error.handle != NULL)
		final_error_stored(request, outcome, result);
	else if (answered && try_spaces(request, result))
		start_call(request);
	else if (answered && is_final_error(request, result))
		store_final_error(request, result);
	else if (!wants_retry(request, outcome, result) || !retry_later(request))
		reply_outcome(request, outcome, result);
	if (answered)
		gw_pg_result_free(result);
}

/* The statements of the call: role and request id where they are wanted, then the route's. */
static void
build_call(GwRequest *request)
{
	GwCall	   *call = &request->call;
	bool		write = request->route->access == GW_WRITE;
	GwPgStep   *step;

	gw_call_begin(call, request->body.len);
	gw_call_role(call);
	if (gw_conf.database_request_id == GW_REQUEST_ID_ALL ||
		(gw_conf.database_request_id == GW_REQUEST_ID_WRITES && write))
	{
		snprintf(request->tag, sizeof(request->tag), "icecat-gateway %s", request->exchange.id);
		gw_call_param(gw_call_step(call, GW_STATEMENT_REQUEST_ID), request->tag);
	}
	if (request->key[0] != '\0')
		gw_call_param(gw_call_step(call, GW_STATEMENT_KEY), request->key);
	if (request->deduplicate)
		gw_call_step(call, GW_STATEMENT_DEDUPLICATE);
	if (request->final_error.handle != NULL)
		gw_call_param(gw_call_step(call, GW_STATEMENT_KEY_ERROR), request->final_text.data);
	step = gw_call_step(call, GW_STATEMENT_OF(request->operation));
	for (int i = 0; i < GW_PARAMS_MAX && request->route->params[i] != GW_PARAM_NONE; i++)
		gw_call_param(step, request->values[request->route->params[i]]);
}

/* warehouse NUL namespace NUL table or view NUL: no two of these have one name */
static GwSlice
gate_key(GwRequest *request)
{
	return gw_route_key(request->route, request->values, 1u << GW_SOURCE_PATH,
						(const char *[]){NULL}, &request->arena);
}

/* Commits of one table, or all that goes aside; no table has an empty key. */
static void
enter_gate(GwRequest *request)
{
	bool		aside = request->route->flags & GW_ROUTE_ASIDE;
	GwSlice		key = aside ? (GwSlice){"", 0} : gate_key(request);

	switch (gw_gate_enter(
		gw_catalog.gates, &request->ticket, key.data, key.len, gate_width(request),
		aside ? gw_conf.report_gate_queue_max : gw_conf.commit_gate_queue_max, gw_clock_us()))
	{
		case GW_GATE_OPEN:
			submit(request, false);
			break;
		case GW_GATE_WAIT:
			break;
		case GW_GATE_FULL:
			gw_counters.gate_refused++;
			gw_request_refuse(request, 503,
							  aside ? "Too many metrics reports wait"
									: "Too many commits wait for this table",
							  false);
	}
}

static void
start_call(GwRequest *request)
{
	gw_answer_prepare(request);
	build_call(request);
	if (request->route->flags & (GW_ROUTE_GATED | GW_ROUTE_ASIDE))
		enter_gate(request);
	else
		submit(request, false);
}

/* Says what a page may send: the methods that the path has, and the fields that it asked for. */
static void
reply_preflight(GwRequest *request)
{
	GwReply		reply = {.status = 204, .retry_after_s = -1};

	reply.allow_methods = request->allow;
	reply.allow_headers = request->asked_headers;
	gw_request_respond(request, &reply);
}

void
gw_request_run(GwRequest *request, GwSlice body)
{
	GwParamInput input = {.raw = body};

	if (gw_request_wants_body(request))
	{
		request->body = body;
		take_param(request, GW_PARAM_BODY, &input);
	}
	if (request->exchange.fault.status != 0)
		gw_request_refuse(request, request->exchange.fault.status, request->exchange.fault.message,
						  false);
	else if (request->preflight)
		reply_preflight(request);
	else if (gw_process.buffered_bytes > (uint64_t) gw_conf.buffered_bytes_max)
		gw_request_refuse(request, 503, "The gateway holds too much unsent data", false);
	else
		start_call(request);
}

bool
gw_request_abandon(GwRequest *request)
{
	if (request->ticket.state == GW_TICKET_WAITING)
	{
		gw_gate_cancel(gw_catalog.gates, &request->ticket);
		return true;
	}
	if (request->retry_waits)
	{
		stop_waiting(request);
		return true;
	}
	if (gw_await_cancel(request))
		return true;
	if (!gw_pool_cancel(&request->call))
		return false;
	forget_final_error(request);
	leave_gate(request);
	return true;
}

GwUsage
gw_request_usage(const GwRequest *request)
{
	const GwCall *call = &request->call;
	GwUsage		usage = {
		.operation = gw_operation_counted(request->operation),
		.wait_us = request->gate_us,
	};

	if (call->sent_us > 0)
		usage.wait_us += call->sent_us - call->queued_us;
	if (call->done_us > call->sent_us && call->sent_us > 0)
		usage.db_us = call->done_us - call->sent_us;
	return usage;
}

void
gw_request_end(GwRequest *request)
{
	gw_answer_end(request);
	gw_arena_close(&request->arena);
}

void
gw_request_free(GwRequest *request)
{
	forget_final_error(request);
	gw_arena_free(&request->arena);
}

void
gw_request_tick(uint64_t now)
{
	uint64_t	limit = (uint64_t) gw_conf.commit_gate_wait_ms * 1000;
	GwTicket   *ticket;

	retry_due(now);
	while (now > limit && (ticket = gw_gate_oldest(gw_catalog.gates, now - limit)) != NULL)
	{
		gw_gate_cancel(gw_catalog.gates, ticket);
		gw_counters.gate_expired++;
		gw_request_refuse(request_of_ticket(ticket), 503, "The request waited too long at its gate",
						  false);
	}
}
