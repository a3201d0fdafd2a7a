/*
 * token.c
 *		Reading and checking tokens; see token.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/token.h"

#include <strings.h>

#include "auth/base64url.h"

#define TIME_MAX 253402300799.0 /* the end of the year 9999 */

/* Cuts off what is before the next point; false when there is none. */
static bool
next_part(GwSlice *text, GwSlice *part)
{
	const char *point = memchr(text->data, '.', text->len);

	if (point == NULL)
		return false;
	*part = (GwSlice){text->data, (size_t) (point - text->data)};
	*text = (GwSlice){point + 1, text->len - part->len - 1};
	return true;
}

/* header.claims.signature, each base64url, none empty. */
static GwRefusal
split(GwToken *token, GwSlice text)
{
	GwSlice     header;
	GwSlice     claims;
	const char *start = text.data;

	if (text.len > GW_TOKEN_BYTES_MAX)
		return GW_REFUSAL_TOO_LONG;
	if (!next_part(&text, &header) || !next_part(&text, &claims) || text.len == 0 ||
		header.len == 0 || claims.len == 0 || memchr(text.data, '.', text.len) != NULL)
		return GW_REFUSAL_FORM;
	token->signed_text = (GwSlice){start, (size_t) (text.data - start) - 1};
	if (!gw_base64url_decode(header, &token->header_text) ||
		!gw_base64url_decode(claims, &token->claims_text) ||
		!gw_base64url_decode(text, &token->signature))
		return GW_REFUSAL_BASE64;
	return GW_REFUSAL_NONE;
}

/* Types of tokens that are for a server such as this one: plain ones, and access tokens (RFC 9068).
 * A proof of possession, a log-out message and the like are signed with the same keys. */
static bool
type_is_taken(const json_t *type)
{
	static const char *const taken[] = {"JWT", "at+jwt", "application/at+jwt", "application/jwt"};
	const char              *text = json_string_value(type);

	if (type == NULL)
		return true;
	for (size_t i = 0; text != NULL && i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcasecmp(text, taken[i]) == 0)
			return true;
	return false;
}

static bool
brings_key(const json_t *header)
{
	static const char *const names[] = {"jwk", "jku", "x5u"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_get(header, names[i]) != NULL)
			return true;
	return false;
}

/* What is not understood is refused, where not understanding it would be a risk. */
static GwRefusal
read_header(GwToken *token)
{
	const json_t *kid;
	const char   *name;

	token->header =
		gw_strict_json_object((GwSlice){token->header_text.data, token->header_text.len});
	if (token->header == NULL)
		return GW_REFUSAL_HEADER;
	name = gw_strict_json_string(token->header, "alg");
	token->algorithm = name != NULL ? gw_algorithm_find(name) : NULL;
	if (token->algorithm == NULL)
		return GW_REFUSAL_ALGORITHM;
	if (json_object_get(token->header, "crit") != NULL)
		return GW_REFUSAL_CRITICAL;
	if (brings_key(token->header))
		return GW_REFUSAL_EMBEDDED_KEY;
	if (json_object_get(token->header, "cty") != NULL)
		return GW_REFUSAL_NESTED;
	if (!type_is_taken(json_object_get(token->header, "typ")))
		return GW_REFUSAL_TYPE;
	kid = json_object_get(token->header, "kid");
	token->kid = json_string_value(kid);
	if (kid != NULL && (token->kid == NULL || json_string_length(kid) > GW_KID_BYTES_MAX))
		return GW_REFUSAL_HEADER;
	return GW_REFUSAL_NONE;
}

GwRefusal
gw_token_read(GwToken *token, GwSlice text)
{
	GwRefusal why;

	*token = (GwToken){0};
	why = split(token, text);
	if (why == GW_REFUSAL_NONE)
		why = read_header(token);
	if (why != GW_REFUSAL_NONE)
		return why;
	token->claims =
		gw_strict_json_object((GwSlice){token->claims_text.data, token->claims_text.len});
	if (token->claims == NULL)
		return GW_REFUSAL_CLAIMS;
	token->issuer = gw_strict_json_string(token->claims, "iss");
	return token->issuer != NULL ? GW_REFUSAL_NONE : GW_REFUSAL_ISSUER;
}

/* A token that names no key is tried with all; keys may share a name, of different kinds (RFC 7517,
 * section 4.5). */
GwRefusal
gw_token_verify(const GwToken *token, const GwKeySet *keys)
{
	GwSlice   signature = {token->signature.data, token->signature.len};
	GwRefusal why = GW_REFUSAL_KEY;

	for (int i = 0; i < keys->count; i++)
	{
		const GwKey *key = &keys->keys[i];

		if (token->kid != NULL && strcmp(key->kid, token->kid) != 0)
			continue;
		if (!gw_jwk_fits(key, token->algorithm))
		{
			if (why == GW_REFUSAL_KEY && token->kid != NULL)
				why = GW_REFUSAL_KEY_ALGORITHM;
			continue;
		}
		if (gw_algorithm_verify(token->algorithm, key->key, token->signed_text, signature))
			return GW_REFUSAL_NONE;
		why = GW_REFUSAL_SIGNATURE;
	}
	return why;
}

static bool
list_holds(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list != '\0')
	{
		size_t item;

		list += strspn(list, ", ");
		item = strcspn(list, ",");
		while (item > 0 && list[item - 1] == ' ')
			item--;
		if (item > 0 && item == len && memcmp(list, name, len) == 0)
			return true;
		list += item;
		list += strspn(list, " ");
	}
	return false;
}

/* One name or an array of them. An array with something else in it is no audience. */
static bool
is_for_us(const json_t *audience, const char *ours)
{
	const json_t *name;
	size_t        i;
	bool          found = false;

	if (strcmp(ours, "*") == 0)
		return true;
	if (json_is_string(audience))
		return list_holds(ours, json_string_value(audience));
	json_array_foreach(audience, i, name)
	{
		if (!json_is_string(name))
			return false;
		found = found || list_holds(ours, json_string_value(name));
	}
	return found;
}

/* A time in seconds, which may have a fraction. A claim that is not there keeps the preset. */
static bool
read_time(const json_t *claims, const char *name, int64_t preset, int64_t *out)
{
	const json_t *value = json_object_get(claims, name);
	double        number = json_number_value(value);

	*out = preset;
	if (value == NULL)
		return true;
	if (!json_is_number(value) || !(number >= 0 && number <= TIME_MAX))
		return false;
	*out = (int64_t) number;
	return true;
}

static GwRefusal
check_times(GwToken *token, int64_t leeway_s, int64_t now_s)
{
	int64_t not_before;
	int64_t issued;

	if (json_object_get(token->claims, "exp") == NULL)
		return GW_REFUSAL_NO_EXPIRY;
	if (!read_time(token->claims, "exp", 0, &token->expires_s) ||
		!read_time(token->claims, "nbf", 0, &not_before) ||
		!read_time(token->claims, "iat", 0, &issued))
		return GW_REFUSAL_CLAIMS;
	if (now_s >= token->expires_s + leeway_s)
		return GW_REFUSAL_EXPIRED;
	if (now_s + leeway_s < not_before)
		return GW_REFUSAL_EARLY;
	return now_s + leeway_s < issued ? GW_REFUSAL_FUTURE : GW_REFUSAL_NONE;
}

/* It goes into settings of the session, the log and messages: no control characters. */
static bool
subject_is_sound(const char *subject)
{
	size_t len = subject != NULL ? strlen(subject) : 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char) subject[i] < 0x20 || subject[i] == 0x7F)
			return false;
	return len > 0 && len <= GW_SUBJECT_BYTES_MAX;
}

GwRefusal
gw_token_check(GwToken *token, const GwTokenRules *rules, int64_t now_s)
{
	GwRefusal why;

	if (strcmp(token->issuer, rules->issuer) != 0)
		return GW_REFUSAL_ISSUER;
	if (!is_for_us(json_object_get(token->claims, "aud"), rules->audiences))
		return GW_REFUSAL_AUDIENCE;
	why = check_times(token, rules->leeway_s, now_s);
	if (why != GW_REFUSAL_NONE)
		return why;
	token->subject = gw_strict_json_string(token->claims, "sub");
	return subject_is_sound(token->subject) ? GW_REFUSAL_NONE : GW_REFUSAL_SUBJECT;
}

void
gw_token_free(GwToken *token)
{
	json_decref(token->header);
	json_decref(token->claims);
	gw_text_free(&token->header_text);
	gw_text_free(&token->claims_text);
	gw_text_free(&token->signature);
	*token = (GwToken){0};
}
