/*
 * s3_call.c
 *		One request to an S3 store, signed. See s3_call.h.
 *
 * Keys are bytes: they stand in the URL percent-encoded once, and nothing in a location is decoded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "errors.h"
#include "storage/s3_call.h"
#include "xml/xml.h"

/* -- spellings --------------------------------------------------------------------------------- */

void
ice_s3_call_split(const char *location, char **bucket, char **object)
{
	const char *rest = strstr(location, "://");
	size_t      len = rest == NULL ? 0 : strcspn(rest + 3, "/");

	if (len == 0 || len > 255 ||
		strspn(rest + 3, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") !=
			len)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location has no name of a bucket: %s", location);
	*bucket = pnstrdup(rest + 3, len);
	rest += 3 + len;
	*object = pstrdup(*rest == '/' ? rest + 1 : rest);
	for (const char *c = *object; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
					  "Location has a character that cannot be printed: %s",
					  ice_store_call_quote(location));
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

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
ice_s3_call_decode(char *text)
{
	char *out = text;

	while (*text != '\0')
	{
		int high = text[0] == '%' ? hex_value(text[1]) : -1;
		int low = high >= 0 ? hex_value(text[2]) : -1;

		/* A zero byte can be in no key that can be named. */
		if (low >= 0 && high * 16 + low != 0)
		{
			*out++ = (char) (high * 16 + low);
			text += 3;
		}
		else
		{
			*out++ = *text == '+' ? ' ' : *text;
			text++;
		}
	}
	*out = '\0';
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

/* -- where to ---------------------------------------------------------------------------------- */

static const char *
endpoint_of(const IceStorageProfile *profile)
{
	const char *region = profile->region != NULL ? profile->region : "us-east-1";

	if (profile->endpoint != NULL)
		return profile->endpoint;
	return psprintf("https://s3.%s.amazonaws.com%s", region,
					strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* Host (with its port) and path of a request. */
static void
place(const IceS3Call *s3, const char **scheme, char **host, char **path)
{
	const char *endpoint = endpoint_of(s3->call.profile);
	const char *rest = strstr(endpoint, "://");
	size_t      len;

	if (rest == NULL)
		ice_raise(ICE_ERR_STORAGE, "The profile's endpoint is no URL");
	*scheme = pnstrdup(endpoint, (size_t) (rest - endpoint));
	len = strcspn(rest + 3, "/");
	*host = pnstrdup(rest + 3, len);
	*path = psprintf("/%s", ice_s3_call_encode(s3->object, true));
	/* A certificate's wildcard is for one label, so a bucket with dots is in the path. */
	if (s3->call.profile->path_style || strchr(s3->bucket, '.') != NULL)
		*path = psprintf("/%s%s", s3->bucket, s3->object[0] == '\0' ? "" : *path);
	else
		*host = psprintf("%s.%s", s3->bucket, *host);
}

/* -- the dialect ------------------------------------------------------------------------------- */

static void
hash_of(const IceS3Call *s3, char *hex)
{
	uint8 digest[ICE_SHA256_BYTES];

	ice_net()->sha256(s3->body_len > 0 ? s3->body : "", s3->body_len, digest);
	for (int i = 0; i < ICE_SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static const char *
signing_region(const IceStorageProfile *profile)
{
	if (profile->signing_region != NULL)
		return profile->signing_region;
	return profile->region != NULL ? profile->region : "us-east-1";
}

/* Adds what the signature does to the headers. */
static void
sign(IceS3Call *s3, const char *host, const char *path)
{
	char            hash[2 * ICE_SHA256_BYTES + 1];
	IceNetPair      signed_headers[ICE_STORE_HEADERS_MAX];
	IceNetPair      added[ICE_SIGV4_PAIRS];
	IceSigv4Key     key = *s3->key;
	int             count = 0;
	IceSigv4Request request = {.method = s3->method,
							   .path = path,
							   .query = s3->query,
							   .headers = signed_headers,
							   .payload_hash = hash,
							   .hash_header = true,
							   .now_s = (int64) time(NULL)};

	hash_of(s3, hash);
	key.service = "s3";
	key.region = signing_region(s3->call.profile);
	signed_headers[count++] = (IceNetPair){"host", host};
	for (int i = 0; i < s3->extra_count; i++)
		signed_headers[count++] = s3->extra[i];
	if (s3->only_new)
		signed_headers[count++] = (IceNetPair){"if-none-match", "*"};
	request.header_count = count;
	count = ice_net()->sigv4_headers(&key, &request, added);
	for (int i = 0; i < count; i++)
		ice_store_call_header(&s3->call, added[i].name,
							  added[i].value == hash ? pstrdup(hash) : added[i].value);
}

/* URL, headers and signature. */
static void
s3_prepare(IceStoreCall *call)
{
	IceS3Call  *s3 = (IceS3Call *) call;
	const char *scheme;
	char       *host;
	char       *path;

	place(s3, &scheme, &host, &path);
	call->net.method = s3->method;
	call->net.url = psprintf("%s://%s%s%s%s", scheme, host, path, s3->query[0] != '\0' ? "?" : "",
							 s3->query);
	call->net.body = s3->body;
	call->net.body_len = s3->body_len;
	for (int i = 0; i < s3->extra_count; i++)
		ice_store_call_header(call, s3->extra[i].name, s3->extra[i].value);
	if (s3->only_new)
		ice_store_call_header(call, "if-none-match", "*");
	if (s3->key != NULL)
		sign(s3, host, path);
}

/* The text of the leaf of this path in an answer; NULL: none, or no XML. */
static char *
answer_leaf(const IceNetCall *net, const char *path)
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
	return answer_leaf(&s3->call.net, "Error/Code");
}

static bool
is_one_of(const char *code, const char *const *codes, size_t count)
{
	for (size_t i = 0; code != NULL && i < count; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

bool
ice_s3_call_is_corrupt(const IceS3Call *s3)
{
	const IceNetCall *net = &s3->call.net;
	char             *expected = ice_net()->header(net, "x-amz-checksum-sha256");
	uint8             digest[ICE_SHA256_BYTES];

	/* That of an object in parts is one of digests: BASE64-N. */
	if (expected == NULL || strchr(expected, '-') != NULL)
		return false;
	ice_net()->sha256(net->answer_len > 0 ? net->answer : "", net->answer_len, digest);
	return strcmp(expected, ice_s3_call_base64(digest, sizeof(digest))) != 0;
}

/* Bytes that were changed on their way, a connection that idled, another writer's conditional
 * request; and a multipart upload may fail with a status of 200. */
static bool
s3_is_transient(const IceStoreCall *call)
{
	static const char *const codes[] = {"RequestTimeout",
										"BadDigest",
										"XAmzContentSHA256Mismatch",
										"XAmzContentChecksumMismatch",
										"SlowDown",
										"InternalError",
										"ServiceUnavailable",
										"ConditionalRequestConflict",
										"OperationAborted"};
	int                      status = call->net.status;

	if (status == 200 && strcmp(call->net.method, "GET") == 0)
		return ice_s3_call_is_corrupt((const IceS3Call *) call);
	return (status == 200 || status == 400 || status == 409) &&
		   strcmp(call->net.method, "GET") != 0 &&
		   is_one_of(answer_leaf(&call->net, "Error/Code"), codes, lengthof(codes));
}

static char *
s3_describe(const IceStoreCall *call)
{
	char *code = answer_leaf(&call->net, "Error/Code");
	char *message = answer_leaf(&call->net, "Error/Message");

	if (code == NULL)
		return NULL;
	return psprintf("%s: %s", ice_store_call_quote(code),
					message != NULL ? ice_store_call_quote(message) : "");
}

bool
ice_s3_call_is_stale(const IceS3Call *s3)
{
	static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException",
										"TokenRefreshRequired", "InvalidToken", "RequestExpired"};

	return s3->call.error == NULL && (s3->call.net.status == 400 || s3->call.net.status == 403) &&
		   is_one_of(ice_s3_call_code(s3), codes, lengthof(codes));
}

static const IceStoreDialect s3_dialect = {
	.prepare = s3_prepare, .is_transient = s3_is_transient, .describe = s3_describe};

void
ice_s3_call_begin(IceS3Call *s3, const IceStorageProfile *profile, const char *method,
				  const char *action, const char *location)
{
	ice_s3_call_begin_as(s3, &s3_dialect, profile, method, action, location);
}

void
ice_s3_call_begin_as(IceS3Call *s3, const IceStoreDialect *dialect,
					 const IceStorageProfile *profile, const char *method, const char *action,
					 const char *location)
{
	*s3 = (IceS3Call){.method = method, .query = ""};
	ice_store_call_begin(&s3->call, dialect, profile, action, location);
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
