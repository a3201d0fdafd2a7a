/*
 * s3_call.c
 *		One request for an object. See s3_call.h.
 *
 * Keys are bytes: they stand in the URL percent-encoded once, and nothing in a location is decoded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "errors.h"
#include "storage/s3_call.h"
#include "xml/xml.h"

/* -- spellings --------------------------------------------------------------------------------- */

/* Of BUCKET, or CONTAINER@HOST in a store of Azure's; 0: there is none. */
static size_t
bucket_length(const char *location, const char *authority)
{
	size_t      len = strcspn(authority, "/");
	const char *at = memchr(authority, '@', len);

	if (ice_profile_kind(location) == ICE_STORE_ADLS)
		len = at == NULL ? 0 : (size_t) (at - authority);
	return strspn(authority, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") <
				   len
			   ? 0
			   : len;
}

/* In Azure a backslash is a slash. */
void
ice_s3_call_split(const char *location, char **bucket, char **object)
{
	const char *rest = strstr(location, "://");
	size_t      len = rest == NULL ? 0 : bucket_length(location, rest + 3);

	if (len == 0 || len > 255)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location has no name of a bucket: %s", location);
	*bucket = pnstrdup(rest + 3, len);
	rest += 3 + strcspn(rest + 3, "/");
	*object = pstrdup(*rest == '/' ? rest + 1 : rest);
	for (const char *c = *object; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
					  "Location has a character that cannot be printed: %s",
					  ice_store_call_quote(location));
	if (ice_profile_kind(location) == ICE_STORE_ADLS && strchr(*object, '\\') != NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location holds a backslash: %s", location);
}

char *
ice_s3_call_encode(const char *text, bool is_path)
{
	static const char digits[] = "0123456789ABCDEF";
	StringInfoData    out;

	initStringInfo(&out);
	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c < 0x80 && isalnum(c)) || strchr("-._~", c) != NULL || (is_path && c == '/'))
			appendStringInfoChar(&out, (char) c);
		else
		{
			appendStringInfoChar(&out, '%');
			appendStringInfoChar(&out, digits[c >> 4]);
			appendStringInfoChar(&out, digits[c & 15]);
		}
	}
	return out.data;
}

char *
ice_s3_call_base64(const uint8 *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char             *result = palloc((len + 2) / 3 * 4 + 1);
	char             *out = result;

	for (size_t i = 0; i < len; i += 3)
	{
		uint32 three = (uint32) bytes[i] << 16 | (i + 1 < len ? (uint32) bytes[i + 1] << 8 : 0) |
					   (i + 2 < len ? bytes[i + 2] : 0);

		*out++ = digits[three >> 18];
		*out++ = digits[three >> 12 & 63];
		*out++ = i + 1 < len ? digits[three >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[three & 63] : '=';
	}
	*out = '\0';
	return result;
}

/* -- answers ----------------------------------------------------------------------------------- */

char *
ice_s3_call_leaf(const IceNetCall *net, const char *path)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile found = NULL;

	if (net->answer_len == 0 || net->answer[0] != '<')
		return NULL;
	PG_TRY();
	{
		IceXml xml;

		ice_xml_begin(&xml, net->answer, net->answer_len);
		while (found == NULL && ice_xml_next(&xml))
			if (ice_xml_is_leaf(&xml, path))
				found = pstrdup(xml.text.data);
	}
	PG_CATCH();
	{
		/* No XML: then only the status is told. */
		pfree(ice_store_call_caught(context));
	}
	PG_END_TRY();
	return found;
}

char *
ice_s3_call_code(const IceS3Call *s3)
{
	return ice_s3_call_leaf(&s3->call.net, "Error/Code");
}

bool
ice_s3_call_is_one_of(const char *code, const char *const *codes, size_t count)
{
	for (size_t i = 0; code != NULL && i < count; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

char *
ice_s3_call_describe(const IceStoreCall *call)
{
	char *code = ice_s3_call_leaf(&call->net, "Error/Code");
	char *message = ice_s3_call_leaf(&call->net, "Error/Message");

	if (code == NULL)
		return NULL;
	return psprintf("%s: %s", ice_store_call_quote(code),
					message != NULL ? ice_store_call_quote(message) : "");
}

bool
ice_s3_call_is_stale(const IceS3Call *s3)
{
	static const char *const codes[] = {"ExpiredToken",         "ExpiredTokenException",
										"TokenRefreshRequired", "InvalidToken",
										"RequestExpired",       "AuthenticationFailed"};

	if (s3->call.error == NULL && s3->call.profile->kind != ICE_STORE_S3 &&
		s3->call.net.status == 401)
		return true;
	return s3->call.error == NULL && (s3->call.net.status == 400 || s3->call.net.status == 403) &&
		   ice_s3_call_is_one_of(ice_s3_call_code(s3), codes, lengthof(codes));
}

/* -- requests ---------------------------------------------------------------------------------- */

const IceObjectDialect *
ice_s3_call_dialect_of(const IceS3Call *s3)
{
	return (const IceObjectDialect *) s3->call.dialect;
}

void
ice_s3_call_begin(IceS3Call *s3, const IceObjectDialect *dialect, const IceStorageProfile *profile,
				  const char *method, const char *action, const char *location)
{
	*s3 = (IceS3Call){.method = method, .query = ""};
	ice_store_call_begin(&s3->call, &dialect->call, profile, action, location);
	ice_s3_call_split(location, &s3->bucket, &s3->object);
}

void
ice_s3_call_body(IceS3Call *s3, const char *body, size_t len)
{
	s3->body = body;
	s3->body_len = len;
}

void
ice_s3_call_extra(IceS3Call *s3, const char *name, const char *value)
{
	if (s3->extra_count >= ICE_S3_EXTRA_MAX)
		elog(ERROR, "too many headers in a request to S3");
	s3->extra[s3->extra_count++] = (IceNetPair){name, value};
}
