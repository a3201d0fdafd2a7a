/*
 * flow.c
 *		From a form to a token; see flow.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "oauth/flow.h"

#include <stdlib.h>
#include <time.h>

#include "auth/known.h"
#include "auth/token.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "catalog/statements.h"
#include "oauth/oauth_reply.h"

#define TOKEN_TYPE_PREFIX "urn:ietf:params:oauth:token-type:"

static GwLogin *
login_of_call(GwCall *call)
{
	return (GwLogin *) ((char *) call - offsetof(GwLogin, call));
}

static GwLogin *
login_of_ticket(GwAuthTicket *ticket)
{
	return (GwLogin *) ((char *) ticket - offsetof(GwLogin, ticket));
}

static void
refuse(GwLogin *login, int status, const char *error, const char *text)
{
	gw_oauth_reply_error(login, status, error, text);
}

/* -- what the database says ---------------------------------------------------------------------*/

/* A client that may not have a token now, for a reason that it is told; the log says what to do. */
static void
refuse_verdict(GwLogin *login, const char *verdict)
{
	const char *who = login->grant.subject != NULL ? login->grant.subject : login->client;
	const char *name = strchr(verdict, ' ');

	name = name != NULL ? name + 1 : "";
	if (strncmp(verdict, "narrower ", 9) == 0)
	{
		refuse(login, 400, "invalid_scope",
			   "The scope names a role that the principal may not become");
		return;
	}
	if (strcmp(verdict, "ended") == 0 || strcmp(verdict, "disabled") == 0)
	{
		refuse(login, 400, "invalid_grant", "The session has ended: log in again");
		return;
	}
	gw_counters.auth_no_role++;
	gw_log_request(GW_WARNING, login->exchange.id, "no token for \"%s\": its role is %s%s%s%s", who,
				   strncmp(verdict, "foreign ", 8) == 0
					   ? "not one that the login role is a member of: GRANT \""
				   : strncmp(verdict, "superuser ", 10) == 0 ? "a superuser: \""
				   : strncmp(verdict, "missing ", 8) == 0    ? "not there any more: \""
															 : "none",
				   name, *name != '\0' ? "\"" : "",
				   strncmp(verdict, "foreign ", 8) == 0 ? " to it" : "");
	refuse(login, 400, "unauthorized_client", "The principal has no role in this catalog");
}

static bool
submit(GwLogin *login, int statement, void (*done)(GwCall *, GwOutcome, GwPgResult *),
	   const char *const *params, int count)
{
	GwCall   *call = &login->call;
	GwPgStep *step;

	gw_call_begin(call, 0);
	call->done = done;
	gw_call_role(call);
	step = gw_call_step(call, statement);
	for (int i = 0; i < count; i++)
		gw_call_param(step, params[i]);
	return gw_pool_offers(login->database->reads, statement) &&
		   gw_pool_submit(login->database->reads, call, false);
}

/* -- the answer ---------------------------------------------------------------------------------*/

/* The client that has proved itself, by its secret alone. */
static void
grant_client(GwLogin *login)
{
	const char *scope = login->form.scope;

	login->grant = (GwGrant){
		.subject = login->credential.name,
		.client = login->credential.name,
		.session = login->credential.session,
		.role = login->role,
		.scope = scope != NULL ? scope : "",
		.since_s = (int64_t) time(NULL),
	};
	gw_oauth_reply_token(login);
}

/* Is the token that it brings one of this client's own, which may have expired, or whose keys may
 * be gone? Nothing that it says is believed: the client has proved itself, and gets what its secret
 * alone is worth. */
static bool
brings_its_own(const GwLogin *login)
{
	GwToken     token;
	const char *client = NULL;
	bool        own = gw_token_read(&token, login->ticket.token) == GW_REFUSAL_NONE &&
			   strcmp(token.issuer, GW_GRANT_ISSUER) == 0;

	if (own)
		client = gw_strict_json_string(token.claims, "client");
	own = own && client != NULL && strcmp(client, login->client) == 0;
	gw_token_free(&token);
	return own;
}

/* The token that it brings is worth nothing. */
static void
refuse_token(GwLogin *login, const char *text)
{
	if (login->kind == GW_LOGIN_EXCHANGE && login->proved && brings_its_own(login))
		grant_client(login);
	else
		refuse(login, 400, login->kind == GW_LOGIN_REFRESH ? "invalid_grant" : "invalid_request",
			   text);
}

/* -- the token that it brings -------------------------------------------------------------------*/

static void
take_role(GwLogin *login, const char *verdict)
{
	bool over = strcmp(verdict, "ended") == 0;

	if (strncmp(verdict, "role ", 5) == 0)
		gw_oauth_reply_token(login);
	else if (over && login->proved && brings_its_own(login))
		grant_client(login);
	else
		refuse_verdict(login, verdict);
}

/* The database cannot be asked. Who has a token of ours goes on. */
static void
go_on_without(GwLogin *login)
{
	if (strcmp(login->ticket.alias, GW_GRANT_ALIAS) == 0)
		gw_oauth_reply_token(login);
	else
		refuse(login, 503, NULL, "The principal's role cannot be told at the moment");
}

static void
role_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwLogin *login = login_of_call(call);

	if (outcome != GW_CALL_ANSWERED)
	{
		go_on_without(login);
		return;
	}
	if (result->is_error || result->is_null)
	{
		gw_log_request(GW_ERROR, login->exchange.id, "the role of a principal was not told: %s",
					   result->is_error ? result->message : "no answer");
		go_on_without(login);
	}
	else
		take_role(login, result->value);
	gw_pg_result_free(result);
}

static void
ask_role(GwLogin *login)
{
	int64_t     lifetime_s = 1;
	json_t     *claims = gw_grant_claims(&login->grant, NULL, GW_GRANT_ACCESS, (int64_t) time(NULL),
										 &lifetime_s);
	const char *params[2] = {GW_GRANT_ALIAS};

	params[1] = login->question = json_dumps(claims, JSON_COMPACT);
	json_decref(claims);
	if (!submit(login, GW_STATEMENT_PRINCIPAL_ROLE, role_done, params, 2))
		go_on_without(login);
}

/* What a good token of ours says goes on; a scope may narrow its role, once. */
static bool
continue_grant(GwLogin *login, GwGrantUse use)
{
	const char *scope = login->form.scope;

	if (!gw_grant_read(login->claims, use, &login->grant))
		return false;
	if (scope != NULL)
		login->grant.scope = scope;
	if (login->role[0] == '\0' || strcmp(login->role, login->grant.role) == 0)
		return true;
	if (login->grant.role[0] != '\0')
		return false;
	login->grant.role = login->role;
	return true;
}

/* A principal of another issuer begins a session here. */
static void
begin_grant(GwLogin *login)
{
	int64_t     now = (int64_t) time(NULL);
	const char *scope = login->form.scope;

	login->grant = (GwGrant){
		.subject = gw_strict_json_string(login->claims, "sub"),
		.origin = login->ticket.alias,
		.claims = login->claims,
		.role = login->role,
		.scope = scope != NULL ? scope : "",
		.since_s = now,
		.until_s = now + gw_conf.oauth_session_max_s,
	};
}

static void
take_token(GwLogin *login)
{
	GwGrantUse use = login->kind == GW_LOGIN_REFRESH ? GW_GRANT_REFRESH : GW_GRANT_ACCESS;

	login->claims = json_loads(login->ticket.claims, 0, NULL);
	if (strcmp(login->ticket.alias, GW_GRANT_ALIAS) != 0)
		begin_grant(login);
	else if (!continue_grant(login, use))
	{
		refuse(login, 400, "invalid_scope", "The scope names another role than the token is for");
		return;
	}
	ask_role(login);
}

/* Is it good? It may have to wait for keys. */
static void
check_token(GwLogin *login)
{
	login->waits = false;
	switch (gw_auth_check(&login->ticket))
	{
		case GW_AUTH_DONE: /* never, as the next ones: they are for calls */
		case GW_AUTH_ASK_KEY:
		case GW_AUTH_LATER:
		case GW_AUTH_ASK:
			take_token(login);
			break;
		case GW_AUTH_WAIT:
			login->waits = true;
			break;
		case GW_AUTH_REFUSED:
			refuse_token(login, gw_refusal_text(login->ticket.why));
			break;
		case GW_AUTH_UNAVAILABLE:
			refuse(login, 503, NULL, login->ticket.problem);
	}
}

static void
keys_ready(GwAuthTicket *ticket)
{
	check_token(login_of_ticket(ticket));
}

static void
start_token(GwLogin *login, const char *text, GwAuthUse use)
{
	login->ticket.token = (GwSlice){text, strlen(text)};
	login->ticket.use = use;
	login->ticket.ready = keys_ready;
	check_token(login);
}

/* NULL, or what is wrong with an exchange. */
static const char *
exchange_problem(const GwForm *form)
{
	static const char *const taken[] = {TOKEN_TYPE_PREFIX "access_token", TOKEN_TYPE_PREFIX "jwt",
										TOKEN_TYPE_PREFIX "id_token"};
	const char              *type = form->subject_token_type;
	const char              *wanted = form->requested_token_type;
	bool                     known = false;

	for (size_t i = 0; type != NULL && i < sizeof(taken) / sizeof(taken[0]); i++)
		known = known || strcmp(type, taken[i]) == 0;
	if (form->subject_token == NULL)
		return "subject_token is missing";
	if (type == NULL)
		return "subject_token_type is missing";
	if (!known)
		return "The subject_token_type is not one that is taken: access_token, jwt or id_token";
	if (wanted != NULL && strcmp(wanted, taken[0]) != 0 && strcmp(wanted, taken[1]) != 0)
		return "The requested_token_type is not one that is issued: access_token";
	return form->actor_token != NULL ? "An actor_token is not taken here" : NULL;
}

/* -- the client ---------------------------------------------------------------------------------*/

/* It is known who asks, or that nobody says so. */
static void
go_on(GwLogin *login)
{
	const char *why = NULL;

	if (login->kind == GW_LOGIN_SECRET)
		grant_client(login);
	else if (login->kind == GW_LOGIN_EXCHANGE && (why = exchange_problem(&login->form)) != NULL)
		refuse(login, 400, "invalid_request", why);
	else if (login->kind == GW_LOGIN_EXCHANGE)
		start_token(login, login->form.subject_token, GW_AUTH_SUBJECT);
	else if (login->form.refresh_token == NULL)
		refuse(login, 400, "invalid_request", "refresh_token is missing");
	else
		start_token(login, login->form.refresh_token, GW_AUTH_REFRESH);
}

/* The same words whether there is no such client, it is disabled, or the secret is wrong. */
static void
refuse_client(GwLogin *login)
{
	gw_log_request(GW_WARNING, login->exchange.id,
				   "log-in refused: no such client, or not its secret");
	refuse(login, 401, "invalid_client", "The client id or the secret is wrong");
}

static GwTry
try_of(const GwLogin *login)
{
	return (GwTry){"client",
				   {login->client, strlen(login->client)},
				   login->exchange.network,
				   login->database->realm.number};
}

static void
refuse_later(GwLogin *login, int64_t wait_s)
{
	login->wait_s = wait_s;
	refuse(login, 429, NULL, "Too many wrong secrets came from this address, or for this client");
}

/* What is known of the client, or that there is none. */
static bool
is_good_secret(const GwLogin *login, bool known)
{
	GwTry   try = try_of(login);
	GwSlice secret = {login->secret, strlen(login->secret)};
	int64_t until_s;
	bool    good = gw_credential_matches(known ? &login->credential : NULL, secret,
									  (int64_t) time(NULL), &until_s);

	good = good && strcmp(login->credential.verdict, "disabled") != 0;
	gw_known_tried(&try, good);
	return good;
}

/* The secret is the client's. What was told of its role before was perhaps told of another one; it
 * is told again when a token is used. */
static void
take_client(GwLogin *login, bool told_now)
{
	login->proved = true;
	if (!told_now || gw_credential_role(&login->credential) != NULL)
		go_on(login);
	else
		refuse_verdict(login, login->credential.verdict);
}

/* The database cannot be asked. A client that it told of not long ago logs in all the same. */
static void
log_in_without(GwLogin *login)
{
	GwTry try = try_of(login);
	bool  known = gw_known_find(&try, gw_conf.oauth_outage_s, &login->credential);

	if (known && is_good_secret(login, true))
		take_client(login, false);
	else
		refuse(login, 503, NULL, "The database cannot be asked for the client at the moment");
}

/* The answer to what a client's secret is checked by. */
static void
credential_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwLogin *login = login_of_call(call);
	GwTry    try = try_of(login);
	bool     told = outcome == GW_CALL_ANSWERED && !result->is_error;
	bool     none = told && result->is_null;
	bool     known = told && !none &&
				 gw_credential_read((GwSlice){result->value, result->value_len},
									&login->credential);

	if (outcome == GW_CALL_ANSWERED && result->is_error)
		gw_log_request(GW_ERROR, login->exchange.id, "the database did not tell of a client: %s",
					   result->message);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
	if (!known && !none)
		log_in_without(login);
	else
	{
		gw_known_put(&try, known ? &login->credential : NULL);
		if (is_good_secret(login, known))
			take_client(login, true);
		else
			refuse_client(login);
	}
}

/* Too many wrong secrets come: what is known decides, and the database is not asked. One that is
 * wrong is told to wait. */
static void
check_known(GwLogin *login, int64_t wait_s)
{
	GwTry try = try_of(login);

	if (gw_known_find(&try, gw_conf.auth_cache_s, &login->credential) &&
		is_good_secret(login, true))
		take_client(login, false);
	else
		refuse_later(login, wait_s);
}

static void
ask_client(GwLogin *login)
{
	const char *params[3] = {"client", login->client, login->role[0] != '\0' ? login->role : NULL};
	GwTry       try = try_of(login);
	int64_t     wait_s;
	GwThrottleStep step = gw_known_check(&try, &wait_s);

	if (step == GW_THROTTLE_SHUT)
		refuse_later(login, wait_s);
	else if (step == GW_THROTTLE_KNOWN)
		check_known(login, wait_s);
	else if (!gw_credential_id_is_sound(try.id))
	{
		gw_known_tried(&try, false);
		refuse_client(login);
	}
	else if (!submit(login, GW_STATEMENT_CREDENTIAL, credential_done, params, 3))
		log_in_without(login);
}

/* -- the form -----------------------------------------------------------------------------------*/

static bool
take_kind(GwLogin *login, const char *grant_type)
{
	static const char *const kinds[GW_LOGIN_KINDS] = {
		[GW_LOGIN_SECRET] = "client_credentials",
		[GW_LOGIN_EXCHANGE] = "urn:ietf:params:oauth:grant-type:token-exchange",
		[GW_LOGIN_REFRESH] = "refresh_token",
	};

	for (int i = 0; i < GW_LOGIN_KINDS; i++)
		if (strcmp(kinds[i], grant_type) == 0)
		{
			login->kind = (GwLoginKind) i;
			return true;
		}
	return false;
}

/* Basic and the body may both say who asks, if they say the same. */
static bool
take_names(GwLogin *login)
{
	const GwForm *form = &login->form;

	login->client = form->client_id;
	login->secret = form->client_secret;
	if (login->basic_id == NULL)
		return true;
	if ((form->client_id != NULL && strcmp(form->client_id, login->basic_id) != 0) ||
		(form->client_secret != NULL && strcmp(form->client_secret, login->basic_secret) != 0))
		return false;
	login->client = login->basic_id;
	login->secret = login->basic_secret;
	return true;
}

/* What is wrong with the form apart from secrets and tokens; NULL: nothing. */
static const char *
form_problem(GwLogin *login, GwSlice body, const char **error)
{
	const char *why = gw_form_read(&login->form, body);
	const char *scope = login->form.scope;

	*error = "invalid_request";
	if (why != NULL)
		return why;
	if (login->form.grant_type == NULL)
		return "grant_type is missing";
	if (!take_names(login))
		return "The Authorization field and the body name different clients";
	if (!take_kind(login, login->form.grant_type))
	{
		*error = "unsupported_grant_type";
		return "The grant_type is not one of client_credentials, refresh_token and "
			   "urn:ietf:params:oauth:grant-type:token-exchange";
	}
	*error = "invalid_scope";
	if (scope != NULL && !gw_form_scope_is_sound(scope))
		return "The scope is too long, or has characters that no scope has";
	if (scope != NULL && !gw_form_scope_role(scope, login->role))
		return "The scope names several roles, or none: PRINCIPAL_ROLE:name";
	return NULL;
}

/* Who asks? */
static void
start_client(GwLogin *login)
{
	if (login->secret != NULL && login->client == NULL)
		refuse(login, 401, "invalid_client",
			   "client_id is missing: a client has an id and a secret (credential=ID:SECRET)");
	else if (login->secret != NULL)
		ask_client(login);
	else if (login->kind == GW_LOGIN_SECRET)
		refuse(login, 401, "invalid_client",
			   "The client's id and secret are missing: Authorization: Basic, or client_id and "
			   "client_secret in the body");
	else
		go_on(login);
}

/* A gateway that has just started does not have its keys yet. Some clients never try again after a
 * token that they did not get: so they wait. Where there are none to come, the answer says so. */
static void
wait_for_own(GwAuthTicket *ticket)
{
	GwLogin *login = login_of_ticket(ticket);

	login->waits = gw_auth_wait_own(ticket) == GW_AUTH_WAIT;
	if (login->waits)
		return;
	ticket->since_us = 0;
	start_client(login);
}

void
gw_flow_start(GwLogin *login, GwSlice body)
{
	const char *error;
	const char *why = form_problem(login, body, &error);

	if (why != NULL)
	{
		refuse(login, 400, error, why);
		return;
	}
	login->ticket.realm = &login->database->realm;
	login->ticket.ready = wait_for_own;
	wait_for_own(&login->ticket);
}

bool
gw_flow_abandon(GwLogin *login)
{
	if (login->call.state != GW_CALL_IDLE)
		return gw_pool_cancel(&login->call);
	gw_auth_end(&login->ticket);
	return true;
}

void
gw_flow_end(GwLogin *login)
{
	gw_auth_end(&login->ticket);
	json_decref(login->claims);
	login->claims = NULL;
	free(login->question);
	login->question = NULL;
	gw_form_free(&login->form);
}
