/*
 * oauth_reply.c
 *		Answers of the token endpoint; see oauth_reply.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "oauth/oauth_reply.h"

#include <stdio.h>

#include "auth/own.h"
#include "base/conf.h"
#include "base/counters.h"
#include "catalog/refused.h"
#include "http/cors.h"

#define METHODS    "POST"
#define TOKEN_TYPE "urn:ietf:params:oauth:token-type:access_token"
#define REALM      "Basic realm=\"icecat\""
#define SCOPE      "catalog"
#define OFFLINE    "offline_access"

/* Sends the answer, which ends the request. What may hold a token is cleared. */
static void
send(GwLogin *login, GwReply *reply, GwText *body)
{
	reply->body = body->data;
	reply->body_len = body->len;
	reply->no_store = true;
	if (reply->status == 503 && reply->retry_after_s < 0)
		reply->retry_after_s = gw_conf.retry_after_s;
	gw_cors_answer(reply, gw_conf.cors_origins, login->origin);
	login->exchange.respond(&login->exchange, reply);
	if (body->data != NULL)
		explicit_bzero(body->data, body->len);
	gw_text_free(body);
}

static void
put_member(GwText *out, const char *name, const char *value)
{
	gw_text_putc(out, out->len > 0 ? ',' : '{');
	gw_text_json(out, name, strlen(name));
	gw_text_putc(out, ':');
	gw_text_json(out, value, strlen(value));
}

/* -- errors -------------------------------------------------------------------------------------*/

/* The word for what has none of its own (RFC 6749, section 5.2, and 4.1.2.1). */
static const char *
word_of(int status)
{
	if (status == 401)
		return "invalid_client";
	if (status == 503 || status == 429)
		return "temporarily_unavailable";
	return status >= 500 ? "server_error" : "invalid_request";
}

/* Was a secret, or a token that stands for one, refused? Other errors are of form. */
static bool
is_log_in(int status, const char *error)
{
	return status == 401 || status == 429 || (error != NULL && strcmp(error, "invalid_grant") == 0);
}

/* The client, where the database knows it. */
static const char *
principal_of(const GwLogin *login, char *out, size_t size)
{
	if (login->credential.name[0] == '\0')
		return NULL;
	snprintf(out, size, "%s~%s", GW_GRANT_ALIAS, login->credential.name);
	return out;
}

/* A log-in that is refused is noted for the audit log. */
static void
reply_error(GwLogin *login, int status, const char *error, const char *text, bool close)
{
	GwReply reply = {.status = status, .retry_after_s = -1, .close = close};
	GwText  body = {0};
	char    principal[GW_CREDENTIAL_TEXT + 8];

	gw_counters.oauth_refused++;
	if (is_log_in(status, error))
		gw_refused_note_login(login->database, &login->exchange, status,
							  status == 429   ? "throttled"
							  : error != NULL ? error
											  : word_of(status),
							  principal_of(login, principal, sizeof(principal)));
	put_member(&body, "error", error != NULL ? error : word_of(status));
	put_member(&body, "error_description", text);
	gw_text_putc(&body, '}');
	if (status == 429)
		reply.retry_after_s = login->wait_s;
	if (status == 405)
		reply.allow = METHODS;
	if (status == 401)
		reply.authenticate = REALM;
	send(login, &reply, &body);
}

void
gw_oauth_reply_error(GwLogin *login, int status, const char *error, const char *text)
{
	reply_error(login, status, error, text, false);
}

void
gw_oauth_reply_fault(GwLogin *login, GwFault fault, bool close)
{
	reply_error(login, fault.status, NULL, fault.message, close);
}

void
gw_oauth_reply_preflight(GwLogin *login)
{
	GwReply reply = {.status = 204, .retry_after_s = -1};
	GwText  body = {0};

	reply.allow_methods = METHODS;
	reply.allow_headers = login->asked;
	send(login, &reply, &body);
}

/* -- tokens -------------------------------------------------------------------------------------*/

/* One token as a member. False: it cannot be made. */
static bool
put_token(const GwLogin *login, GwGrantUse use, int64_t *lifetime_s, GwText *out)
{
	GwText token = {0};
	bool   good = gw_own_issue(&login->database->realm, &login->grant, use, lifetime_s, &token);

	if (good)
		put_member(out, use == GW_GRANT_ACCESS ? "access_token" : "refresh_token", token.data);
	if (token.data != NULL)
		explicit_bzero(token.data, token.len);
	gw_text_free(&token);
	return good;
}

/* A client that has its secret needs none; one that asks for it, that has refreshed by one, or
 * whose issuer's token was exchanged, gets one. */
static bool
wants_refresh(const GwLogin *login)
{
	bool first = login->kind == GW_LOGIN_EXCHANGE && login->grant.client == NULL &&
				 strcmp(login->ticket.alias, GW_GRANT_ALIAS) != 0;

	return first || login->kind == GW_LOGIN_REFRESH ||
		   gw_form_scope_has(login->grant.scope, OFFLINE);
}

static bool
put_tokens(const GwLogin *login, GwText *out)
{
	int64_t     lifetime_s = gw_conf.oauth_token_lifetime_s;
	int64_t     refresh_s = gw_conf.oauth_refresh_lifetime_s;
	const char *scope = login->grant.scope;

	if (!put_token(login, GW_GRANT_ACCESS, &lifetime_s, out))
		return false;
	put_member(out, "token_type", "bearer");
	gw_text_printf(out, ",\"expires_in\":%lld", (long long) lifetime_s);
	put_member(out, "issued_token_type", TOKEN_TYPE);
	put_member(out, "scope", *scope != '\0' ? scope : SCOPE);
	if (wants_refresh(login) && !put_token(login, GW_GRANT_REFRESH, &refresh_s, out))
		return false;
	gw_text_putc(out, '}');
	return true;
}

void
gw_oauth_reply_token(GwLogin *login)
{
	GwReply reply = {.status = 200, .retry_after_s = -1};
	GwText  body = {0};

	if (!gw_own_is_ready(&login->database->realm))
	{
		gw_oauth_reply_error(login, 503, NULL,
							 "The gateway has no keys to sign with yet: it asks the database");
		return;
	}
	if (!put_tokens(login, &body))
	{
		gw_text_free(&body);
		gw_oauth_reply_error(login, 400, "invalid_grant",
							 "The session is over, or its claims are too long for a token: "
							 "log in again");
		return;
	}
	gw_counters.oauth_issued[login->kind]++;
	send(login, &reply, &body);
}
