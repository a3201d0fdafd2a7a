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
find_authorization(const GwHttpHead *head, GwSlice *out)
{
	int count = 0;

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_slice_is_nocase(head->headers[i].name, "authorization"))
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
	request->auth.token = (GwSlice){gw_arena_copy(&request->arena, value), value.len};
}

/* A request without a token: whose certificate it is, or anonymous, where that is allowed. */
static void
take_nobody(GwRequest *request)
{
	bool allowed = gw_conf.auth_anonymous_role[0] != '\0' &&
				   (request->exchange.local || gw_conf.auth_anonymous_anywhere);

	request->auth.certificate = request->exchange.certificate;
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

	if (!gw_auth_is_on())
		return;
	switch (find_authorization(head, &value))
	{
		case 0:
			take_nobody(request);
			break;
		case 1:
			take_token(request, value);
			break;
		default:
			gw_exchange_fault(&request->exchange, 400, "The Authorization field is repeated");
	}
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
