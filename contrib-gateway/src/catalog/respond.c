/*
 * respond.c
 *		Answers of a request; see respond.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/respond.h"

#include <stdio.h>

#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "base/url.h"
#include "catalog/answer.h"
#include "catalog/principal.h"
#include "catalog/refused.h"

/* The fields that a status needs go with it. A refusal is noted for the audit log. */
static void
reply_error(GwRequest *request, int status, const char *type, const char *message, bool close)
{
	GwText  body = {0};
	GwReply reply = {.status = status, .retry_after_s = -1, .close = close};

	if (status == 401 || status == 403 || status == 419)
		gw_refused_note(request, status);
	gw_reply_error_body(&body, status, type, message);
	reply.body = body.data;
	reply.body_len = body.len;
	if (status == 503)
		reply.retry_after_s = gw_conf.retry_after_s;
	if (status == 429)
		reply.retry_after_s = request->auth.wait_s;
	if (status == 405)
		reply.allow = request->allow;
	if (status == 401)
		reply.authenticate = gw_principal_challenge(request);
	if (status == 415)
		reply.accept_encoding = "gzip";
	reply.upgrade = status == 426;
	gw_answer_send(request, &reply);
	gw_text_free(&body);
}

void
gw_respond_error(GwRequest *request, int status, const char *type, const char *message)
{
	reply_error(request, status, type, message, false);
}

void
gw_respond_refuse(GwRequest *request, int status, const char *message, bool close)
{
	reply_error(request, status, gw_status_type(status), message, close);
}

/* What a client may be told about an error whose own message it must not see. */
static const char *
guarded_message(const GwRequest *request, int status, char *buffer, size_t size)
{
	if (status == 409)
		return "The change conflicts with a concurrent one; it may be tried again";
	if (status == 403)
		return "The principal has no role in this catalog";
	if (status == 400)
		return "The request is over a limit of the catalog's database";
	if (status == 503)
		return "The catalog's database cannot take the request at the moment";
	snprintf(buffer, size, "Internal server error (request id %s)", request->exchange.id);
	return buffer;
}

/* The message of one of our own errors, with its detail: "The message. The detail". */
void
gw_respond_put_own_message(GwText *out, const GwPgResult *result)
{
	size_t len = strlen(result->message);

	gw_text_puts(out, result->message);
	if (result->detail[0] != '\0')
	{
		gw_text_puts(out, len > 0 && result->message[len - 1] == '.' ? " " : ". ");
		gw_text_puts(out, result->detail);
	}
	gw_text_add(out, "", 1);
}

bool
gw_respond_is_own_error(const GwPgResult *result)
{
	return strncmp(result->sqlstate, "IC", 2) == 0;
}

/* A conflict that may be gone in a moment (lock timeout, deadlock) is a CommitFailedException for a
 * commit, by which the client knows that it did not happen. With a key that would be too much: a
 * conflict is not stored, and another call with the key may yet succeed. So it is 503, as for all
 * other operations, and the client sends the same again. */
GwErrorKind
gw_respond_error_kind(const GwRequest *request, const GwPgResult *result)
{
	if (gw_principal_is_refused(request, result))
		return (GwErrorKind){403, gw_status_type(403), false};
	if (result->of_session)
		return (GwErrorKind){503, gw_status_type(503), false};
	return gw_error_map(result->sqlstate,
						(request->route->flags & GW_ROUTE_COMMIT) && request->key[0] == '\0');
}

/* Is what was not found a namespace whose separator was encoded twice? It could also have been a
 * name. */
static bool
encoded_twice(const GwRequest *request, const char *type)
{
	const char *namespace = request->values[GW_PARAM_NAMESPACE];
	const char *parent = request->values[GW_PARAM_QUERY_PARENT];

	return strncmp(type, "NoSuch", 6) == 0 &&
		   ((namespace != NULL && gw_url_encoded_twice(namespace)) ||
			(parent != NULL && gw_url_encoded_twice(parent)));
}

/* What the client may see of it. */
void
gw_respond_database_error(GwRequest *request, const GwPgResult *result)
{
	GwErrorKind kind = gw_respond_error_kind(request, result);
	GwText      own = {0};
	char        buffer[128];
	const char *message = result->message;

	snprintf(request->outcome, sizeof(request->outcome), "%s", result->sqlstate);
	if (kind.status >= 500 || gw_principal_is_refused(request, result))
		gw_log_request(kind.status == 500 ? GW_ERROR : GW_WARNING, request->exchange.id,
					   "%s: %s (%s)", request->route->operation, result->message, result->sqlstate);
	if (encoded_twice(request, kind.type))
	{
		gw_respond_refuse(request, 400,
						  "The separator of the namespace's levels is encoded twice: "
						  "it was sent as %251F, and there is no namespace with %1F in its name",
						  false);
		return;
	}
	if (!kind.public_message)
		message = guarded_message(request, kind.status, buffer, sizeof(buffer));
	else if (gw_respond_is_own_error(result))
	{
		gw_respond_put_own_message(&own, result);
		message = own.data;
	}
	reply_error(request, kind.status, kind.type, message, false);
	gw_text_free(&own);
}

bool
gw_respond_is_absent(const GwRequest *request, const GwPgResult *result)
{
	return request->route->answer == GW_ANSWER_EXISTS &&
		   (result->is_null || result->value[0] != 't');
}

void
gw_respond_value(GwRequest *request, GwPgResult *result)
{
	GwReply reply = {.status = 204, .retry_after_s = -1};

	if (request->route->answer == GW_ANSWER_TAGGED && gw_answer_tagged(request, result))
		return;
	if (gw_respond_is_absent(request, result))
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
		reply.is_secret = result->is_secret || (request->route->flags & GW_ROUTE_SECRET);
		reply.body = result->value;
		reply.body_len = result->value_len;
		reply.handle = result->handle;
		reply.release = result->handle != NULL ? gw_pg_handle_free : NULL;
		result->handle = NULL; /* the reply owns it now */
	}
	gw_answer_send(request, &reply);
}

void
gw_respond_lost(GwRequest *request)
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
		gw_respond_refuse(request, 503, "The connection to the database was lost", false);
}

/* Says what a page may send: the methods that the path has, and the fields that it asked for. */
void
gw_respond_preflight(GwRequest *request)
{
	GwReply reply = {.status = 204, .retry_after_s = -1};

	reply.allow_methods = request->allow;
	reply.allow_headers = request->asked_headers;
	gw_answer_give(request, &reply);
}
