/*
 * identify.c
 *		From a bearer token to a role; see identify.h.
 *
 * A role that was found is kept with the token for auth_cache_s. The login role must be a member of
 * it, which the database says when it is asked, and again when the call takes the role.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/identify.h"

#include "base/counters.h"
#include "base/log.h"
#include "catalog/principal.h"
#include "catalog/respond.h"
#include "catalog/statements.h"

static GwRequest *
request_of_call(GwCall *call)
{
	return (GwRequest *) ((char *) call - offsetof(GwRequest, call));
}

static GwRequest *
request_of_ticket(GwAuthTicket *ticket)
{
	return (GwRequest *) ((char *) ticket - offsetof(GwRequest, auth));
}

/* -- the role ---------------------------------------------------------------------------------- */

/* Why no role was found, with what to do, for those who read the log. The client only hears that
 * there is none. */
static void
refuse_principal(GwRequest *request, const char *verdict)
{
	const char *principal = request->auth.verdict.principal;
	const char *name = strchr(verdict, ' ');

	gw_counters.auth_no_role++;
	name = name != NULL ? name + 1 : "";
	if (strncmp(verdict, "foreign ", 8) == 0)
		gw_log_request(
			GW_WARNING, request->exchange.id,
			"principal \"%s\": the login role is no member of \"%s\": GRANT \"%s\" to it",
			principal, name, name);
	else if (strncmp(verdict, "missing ", 8) == 0)
		gw_log_request(GW_WARNING, request->exchange.id,
					   "principal \"%s\": it is mapped to \"%s\", and there is no such role",
					   principal, name);
	else if (strncmp(verdict, "superuser ", 10) == 0)
		gw_log_request(GW_WARNING, request->exchange.id,
					   "principal \"%s\": it is mapped to \"%s\", which is a superuser", principal,
					   name);
	else
		gw_log_request(GW_WARNING, request->exchange.id,
					   "principal \"%s\": no row of icecat.principal_mappings fits: call "
					   "icecat.map_principal()",
					   principal);
	gw_respond_refuse(request, 403, "The principal has no role in this catalog", false);
}

static void
use_verdict(GwRequest *request)
{
	request->role = request->auth.verdict.role;
	request->principal = request->auth.verdict.principal;
	request->identified(request);
}

/* Expired tokens are told apart for clients of which the setting says so. */
static int
status_of_refusal(const GwRequest *request)
{
	return request->told_419 && request->auth.why == GW_REFUSAL_EXPIRED ? 419 : 401;
}

/* What came of a token or key, except what must be asked. verdict: why a key that is good has no
 * role. */
static void
take_step(GwRequest *request, GwAuthStep step, const char *verdict)
{
	switch (step)
	{
		case GW_AUTH_DONE:
			if (request->deserted)
				gw_respond_refuse(request, 503, "The client has left", false);
			else
				use_verdict(request);
			break;
		case GW_AUTH_REFUSED:
			gw_log_request(GW_DEBUG, request->exchange.id, "token refused: %s",
						   gw_refusal_name(request->auth.why));
			gw_respond_refuse(request, status_of_refusal(request),
							  gw_refusal_text(request->auth.why), false);
			break;
		case GW_AUTH_LATER:
			gw_respond_refuse(request, 429,
							  "Too many wrong keys came from this address, or for this key", false);
			break;
		case GW_AUTH_UNAVAILABLE:
			gw_respond_refuse(request, 503, request->auth.problem, false);
			break;
		default:
			refuse_principal(request, verdict);
	}
}

/* The database's answer: see icecat._principal_role(). Nothing was done yet for a client that has
 * left: nothing is. */
static void
take_role(GwRequest *request, const GwPgResult *result)
{
	if (result->is_error || result->is_null)
	{
		gw_log_request(GW_ERROR, request->exchange.id, "the role of a principal was not told: %s",
					   result->is_error ? result->message : "no answer");
		gw_respond_refuse(request, 503, "The principal's role cannot be told at the moment", false);
	}
	else if (strcmp(result->value, "ended") == 0 || strcmp(result->value, "disabled") == 0)
		take_step(request, gw_auth_end_session(&request->auth), NULL);
	else if (strncmp(result->value, "role ", 5) != 0)
		refuse_principal(request, result->value);
	else
	{
		gw_auth_keep(&request->auth, result->value + 5);
		if (request->deserted)
			gw_respond_refuse(request, 503, "The client has left", false);
		else
			use_verdict(request);
	}
}

static void
role_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest *request = request_of_call(call);

	gw_state_set(&request->state, GW_STATE_RESULT);
	if (outcome != GW_CALL_ANSWERED)
	{
		gw_respond_refuse(request, 503, "The principal's role cannot be told at the moment", false);
		return;
	}
	take_role(request, result);
	gw_pg_result_free(result);
}

/* Asks as the gateway itself. The answer is in time, or the request is refused. */
static void
ask(GwRequest *request, int statement, void (*done)(GwCall *, GwOutcome, GwPgResult *),
	const char *const params[2])
{
	GwCall   *call = &request->call;
	GwPool   *pool = request->database->reads;
	GwPgStep *step;

	gw_call_begin(call, strlen(params[1]));
	call->done = done;
	gw_call_role(call);
	step = gw_call_step(call, statement);
	gw_call_param(step, params[0]);
	gw_call_param(step, params[1]);
	if (statement == GW_STATEMENT_CREDENTIAL)
		gw_call_param(step, NULL);
	gw_state_set(&request->state, GW_STATE_ASK);
	if (gw_pool_offers(pool, statement) && gw_pool_submit(pool, call, false))
		return;
	gw_state_set(&request->state, GW_STATE_RESULT);
	gw_counters.queue_refused++;
	gw_respond_refuse(request, 503,
					  gw_pool_problem(pool) ? gw_pool_problem(pool)
											: "Too many requests wait for the database",
					  false);
}

static void
ask_role(GwRequest *request)
{
	const char *params[2] = {request->auth.alias, request->auth.claims};

	ask(request, GW_STATEMENT_PRINCIPAL_ROLE, role_done, params);
}

/* -- API keys -----------------------------------------------------------------------------------*/

/* The answer to what a key is checked by: see icecat._credential(). */
static void
key_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwRequest   *request = request_of_call(call);
	GwCredential credential = {.count = 0};
	bool         answered = outcome == GW_CALL_ANSWERED && !result->is_error;
	bool         known = answered && !result->is_null &&
				 gw_credential_read((GwSlice){result->value, result->value_len}, &credential);

	gw_state_set(&request->state, GW_STATE_RESULT);
	if (outcome == GW_CALL_ANSWERED && result->is_error)
		gw_log_request(GW_ERROR, request->exchange.id, "the database did not tell of a key: %s",
					   result->message);
	if (!answered || (!result->is_null && !known))
		gw_respond_refuse(request, 503, "The key cannot be checked at the moment", false);
	else
		take_step(request, gw_auth_take_key(&request->auth, known ? &credential : NULL),
				  credential.verdict);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

static void
ask_key(GwRequest *request)
{
	const char *params[2] = {"key", request->auth.key_id};

	ask(request, GW_STATEMENT_CREDENTIAL, key_done, params);
}

/* -- the token -------------------------------------------------------------------------------- */

static void
check(GwRequest *request)
{
	GwAuthStep step = gw_auth_check(&request->auth);

	if (step == GW_AUTH_ASK && request->auth.claims != NULL)
		ask_role(request);
	else if (step == GW_AUTH_ASK_KEY)
		ask_key(request);
	else if (step == GW_AUTH_WAIT)
		gw_state_set(&request->state, GW_STATE_KEYS);
	else
		take_step(request, step, "none");
}

/* The keys that it waited for have come, or have not. */
static void
keys_ready(GwAuthTicket *ticket)
{
	GwRequest *request = request_of_ticket(ticket);

	gw_state_set(&request->state, GW_STATE_RESULT);
	check(request);
}

/* Strangers' bodies are not held until it is found out that they are strangers'. */
void
gw_identify_look(GwRequest *request)
{
	if (!gw_auth_is_on() || request->auth.token.data == NULL ||
		request->exchange.fault.status != 0 || gw_auth_look(&request->auth) != GW_AUTH_REFUSED)
		return;
	gw_exchange_fault(&request->exchange, status_of_refusal(request),
					  gw_refusal_text(request->auth.why));
}

void
gw_identify_start(GwRequest *request, void (*go_on)(GwRequest *request))
{
	request->identified = go_on;
	request->auth.ready = keys_ready;
	if (!gw_auth_is_on() || request->role != NULL)
		go_on(request);
	else
		check(request);
}

void
gw_identify_cancel(GwRequest *request)
{
	gw_auth_end(&request->auth);
}
