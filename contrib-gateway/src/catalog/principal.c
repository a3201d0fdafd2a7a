/*
 * principal.c
 *		What a request says of its principal, and the role of its calls; see principal.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/principal.h"

#include <strings.h>

#include "base/conf.h"

#define SCHEME    "Bearer "
#define ANONYMOUS "anonymous"

/* -- the head ---------------------------------------------------------------------------------- */

/* How often the field is there; the last one. */
static int
find_field(const GwHttpHead *head, const char *name, GwSlice *out)
{
	int count = 0;

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, name))
			continue;
		*out = head->headers[i].value;
		count++;
	}
	return count;
}

static void
refuse_head(GwRequest *request, GwRefusal why)
{
	gw_auth_refuse(&request->auth, why);
	gw_exchange_fault(&request->exchange, 401, gw_refusal_text(why));
}

static void
take_bytes(GwRequest *request, GwSlice token)
{
	request->auth.token = (GwSlice){gw_arena_copy(&request->arena, token), token.len};
	request->auth.network = request->exchange.network;
}

/* "Bearer TOKEN" (RFC 6750, section 2.1). */
static void
take_token(GwRequest *request, GwSlice value)
{
	size_t len = strlen(SCHEME);

	if (value.len <= len || strncasecmp(value.data, SCHEME, len) != 0)
	{
		refuse_head(request, GW_REFUSAL_SCHEME);
		return;
	}
	value = (GwSlice){value.data + len, value.len - len};
	while (value.len > 0 && *value.data == ' ')
		value = (GwSlice){value.data + 1, value.len - 1};
	take_bytes(request, value);
}

/* An API key in a field of its own: of programs whose Authorization is another's. */
static void
take_api_key(GwRequest *request, GwSlice key)
{
	size_t len = strlen(GW_AUTH_KEY_BEGIN);

	if (key.len <= len || memcmp(key.data, GW_AUTH_KEY_BEGIN, len) != 0)
		refuse_head(request, GW_REFUSAL_API_KEY);
	else
		take_bytes(request, key);
}

/* Does a list of beginnings, separated by commas, hold one of the text? "*" is one of any. */
static bool
list_begins(const char *list, GwSlice text)
{
	while (*list != '\0')
	{
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if ((len == 1 && *list == '*') ||
			(len > 0 && len <= text.len && strncasecmp(text.data, list, len) == 0))
			return true;
		list += len;
	}
	return false;
}

/* A request without a token: whose certificate it is, or anonymous, where that is allowed. */
static void
take_nobody(GwRequest *request)
{
	bool allowed = gw_conf.auth_anonymous_role[0] != '\0' &&
				   (request->exchange.local || gw_conf.auth_anonymous_anywhere) &&
				   request->database->conf.auth_anonymous;

	request->auth.certificate = request->exchange.certificate;
	request->auth.chain = request->exchange.chain;
	if (request->auth.certificate != NULL)
		return;
	if (!allowed)
	{
		refuse_head(request, GW_REFUSAL_MISSING);
		return;
	}
	request->role = gw_conf.auth_anonymous_role;
	request->principal = ANONYMOUS;
}

void
gw_principal_read(GwRequest *request, const GwHttpHead *head)
{
	GwSlice value = {0};
	GwSlice key = {0};
	GwSlice agent = {0};
	int     count;
	int     keys;

	if (!gw_auth_is_on())
		return;
	request->auth.realm = &request->database->realm;
	count = find_field(head, "authorization", &value);
	keys = gw_conf.auth_api_keys ? find_field(head, "x-api-key", &key) : 0;
	if (count > 1)
		gw_exchange_fault(&request->exchange, 400, "The Authorization field is repeated");
	else if (count + keys > 1)
		gw_exchange_fault(&request->exchange, 400,
						  "Of Authorization and X-Api-Key, there may be one");
	else if (keys == 1)
		take_api_key(request, key);
	else if (count == 1)
		take_token(request, value);
	else
		take_nobody(request);
	if (gw_conf.auth_expired_419[0] != '\0' && find_field(head, "user-agent", &agent) > 0)
		request->told_419 = list_begins(gw_conf.auth_expired_419, agent);
}

/* -- the call ---------------------------------------------------------------------------------- */

void
gw_principal_step(const GwRequest *request, GwCall *call)
{
	if (request->role != NULL)
		gw_call_identity(call, request->role, request->principal);
	else
		gw_call_role(call);
}

/* Not a member of it, or it is gone: since the role was asked for. */
bool
gw_principal_is_refused(const GwRequest *request, const GwPgResult *result)
{
	return request->role != NULL && result->is_error && result->of_session &&
		   (strcmp(result->sqlstate, "42501") == 0 || strcmp(result->sqlstate, "22023") == 0);
}

const char *
gw_principal_challenge(const GwRequest *request)
{
	if (request->auth.why == GW_REFUSAL_MISSING || request->auth.why == GW_REFUSAL_SCHEME)
		return "Bearer";
	return "Bearer error=\"invalid_token\"";
}

void
gw_principal_end(GwRequest *request)
{
	gw_auth_end(&request->auth);
}
