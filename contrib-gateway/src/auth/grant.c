/*
 * grant.c
 *		From a grant to claims and back; see grant.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/grant.h"

static const char *const uses[] = {[GW_GRANT_ACCESS] = "access", [GW_GRANT_REFRESH] = "refresh"};

static void
set_text(json_t *claims, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		json_object_set_new(claims, name, json_string(value));
}

static void
set_time(json_t *claims, const char *name, int64_t value)
{
	json_object_set_new(claims, name, json_integer(value));
}

json_t *
gw_grant_claims(const GwGrant *grant, const char *audience, GwGrantUse use, int64_t now_s,
				int64_t *lifetime_s)
{
	json_t *claims = json_object();

	if (grant->until_s != 0 && now_s + *lifetime_s > grant->until_s)
		*lifetime_s = grant->until_s - now_s;
	set_text(claims, "iss", GW_GRANT_ISSUER);
	set_text(claims, "aud", audience);
	set_text(claims, "sub", grant->subject);
	set_text(claims, "use", uses[use]);
	set_time(claims, "iat", now_s);
	set_time(claims, "exp", now_s + *lifetime_s);
	set_time(claims, "auth_time", grant->since_s);
	if (grant->until_s != 0)
		set_time(claims, "until", grant->until_s);
	set_text(claims, "client", grant->client);
	set_text(claims, "ses", grant->session);
	if (grant->client == NULL)
	{
		set_text(claims, "origin", grant->origin);
		json_object_set(claims, "claims", grant->claims);
	}
	set_text(claims, "role", grant->role);
	set_text(claims, "scope", grant->scope);
	return claims;
}

static const char *
text_of(const json_t *claims, const char *name)
{
	const char *text = gw_strict_json_string(claims, name);

	return text != NULL ? text : "";
}

bool
gw_grant_read(json_t *claims, GwGrantUse use, GwGrant *out)
{
	*out = (GwGrant){
		.subject = gw_strict_json_string(claims, "sub"),
		.client = gw_strict_json_string(claims, "client"),
		.session = gw_strict_json_string(claims, "ses"),
		.origin = gw_strict_json_string(claims, "origin"),
		.claims = json_object_get(claims, "claims"),
		.role = text_of(claims, "role"),
		.scope = text_of(claims, "scope"),
		.since_s = json_integer_value(json_object_get(claims, "auth_time")),
		.until_s = json_integer_value(json_object_get(claims, "until")),
	};
	if (strcmp(text_of(claims, "use"), uses[use]) != 0 || out->subject == NULL)
		return false;
	return (out->client != NULL) != (out->origin != NULL && json_is_object(out->claims));
}
