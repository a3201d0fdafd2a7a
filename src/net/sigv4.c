/*
 * sigv4.c
 *		AWS Signature Version 4. See sigv4.h.
 *
 * The keys that are derived from a secret are wiped; the secret itself is the caller's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include <time.h>

#include "net/digest.h"
#include "net/sigv4.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"

/* What a signature is made of, beside the request. */
typedef struct Signing
{
	char        date[sizeof("20150830T123600Z")];
	char       *scope; /* 20150830/us-east-1/s3/aws4_request */
	IceNetPair *headers;
	int         header_count;
	char       *signed_names; /* host;x-amz-date */
	char       *query;        /* canonical */
} Signing;

/* -- encoding ---------------------------------------------------------------------------------- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends text percent-encoded, as RFC 3986 wants it; what is encoded already is decoded first. */
static void
append_encoded(StringInfo out, const char *text, size_t len, bool is_query, const char *also_plain)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '%' && i + 2 < len && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0)
		{
			c = (unsigned char) (hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
			i += 2;
		}
		else if (c == '+' && is_query)
			c = ' ';
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c != '\0' && strchr("-._~", c) != NULL) ||
			(c != '\0' && strchr(also_plain, c) != NULL))
			appendStringInfoChar(out, (char) c);
		else
		{
			appendStringInfoChar(out, '%');
			appendStringInfoChar(out, digits[c >> 4]);
			appendStringInfoChar(out, digits[c & 15]);
		}
	}
}

static char *
encoded(const char *text, size_t len, bool is_query, const char *also_plain)
{
	StringInfoData out;

	initStringInfo(&out);
	append_encoded(&out, text, len, is_query, also_plain);
	return out.data;
}

/* A value that is not encoded yet, for a query. */
static char *
query_value(const char *text)
{
	StringInfoData raw;

	initStringInfo(&raw);
	for (; *text != '\0'; text++)
		if (*text == '%' || *text == '+')
			appendStringInfo(&raw, "%%%02X", *text);
		else
			appendStringInfoChar(&raw, *text);
	return encoded(raw.data, (size_t) raw.len, true, "");
}

/* -- query ------------------------------------------------------------------------------------- */

static int
compare_pairs(const void *a, const void *b)
{
	const IceNetPair *x = a;
	const IceNetPair *y = b;
	int               order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

/* The parameters of a query, encoded once, in canonical order; more have been put before them. */
static char *
canonical_query(const char *query, const IceNetPair *more, int more_count)
{
	size_t         room = (size_t) more_count + 1;
	size_t         count = (size_t) more_count;
	IceNetPair    *pairs;
	StringInfoData out;

	for (const char *c = query; *c != '\0'; c++)
		room += *c == '&';
	pairs = palloc(sizeof(IceNetPair) * room);
	if (more_count > 0)
		memcpy(pairs, more, sizeof(IceNetPair) * (size_t) more_count);
	while (*query != '\0')
	{
		size_t len = strcspn(query, "&");
		size_t name = strcspn(query, "=&");

		if (len > 0)
		{
			pairs[count].name = encoded(query, name, true, "");
			pairs[count++].value = name < len ? encoded(query + name + 1, len - name - 1, true, "")
											  : "";
		}
		query += len + (query[len] == '&');
	}
	qsort(pairs, count, sizeof(IceNetPair), compare_pairs);
	initStringInfo(&out);
	for (size_t i = 0; i < count; i++)
		appendStringInfo(&out, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name, pairs[i].value);
	return out.data;
}

/* -- headers ----------------------------------------------------------------------------------- */

static bool
is_added(const char *name)
{
	return strcmp(name, "authorization") == 0 || strcmp(name, "x-amz-date") == 0 ||
		   strcmp(name, "x-amz-security-token") == 0 || strcmp(name, "x-amz-content-sha256") == 0;
}

static char *
lower(const char *name)
{
	char *result = pstrdup(name);

	for (char *c = result; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return result;
}

/* Without blanks at both ends, and with one for many. */
static char *
trimmed(const char *value)
{
	char *result = palloc(strlen(value) + 1);
	char *end = result;

	for (; *value != '\0'; value++)
	{
		bool blank = strchr(" \t\r\n", *value) != NULL;

		if (!blank)
			*end++ = *value;
		else if (end > result && end[-1] != ' ')
			*end++ = ' ';
	}
	if (end > result && end[-1] == ' ')
		end--;
	*end = '\0';
	return result;
}

/* Sorted by name; an insertion keeps those of one name in their order. */
static void
put_header(Signing *signing, const char *name, const char *value)
{
	int at = signing->header_count++;

	for (; at > 0 && strcmp(signing->headers[at - 1].name, name) > 0; at--)
		signing->headers[at] = signing->headers[at - 1];
	signing->headers[at] = (IceNetPair){name, trimmed(value)};
}

/* What is signed of the headers: the request's own, and those that the signature adds. */
static void
collect_headers(Signing *signing, const IceSigv4Request *request, const IceNetPair *added,
				int added_count)
{
	StringInfoData names;

	signing->headers =
		palloc(sizeof(IceNetPair) * (size_t) (request->header_count + added_count + 1));
	for (int i = 0; i < request->header_count; i++)
	{
		const char *name = lower(request->headers[i].name);

		if (!is_added(name))
			put_header(signing, name, request->headers[i].value);
	}
	for (int i = 0; i < added_count; i++)
		put_header(signing, added[i].name, added[i].value);
	initStringInfo(&names);
	for (int i = 0; i < signing->header_count; i++)
		if (i == 0 || strcmp(signing->headers[i].name, signing->headers[i - 1].name) != 0)
			appendStringInfo(&names, "%s%s", i > 0 ? ";" : "", signing->headers[i].name);
	signing->signed_names = names.data;
}

/* -- signature --------------------------------------------------------------------------------- */

static char *
canonical_request(const Signing *signing, const IceSigv4Request *request)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s\n", request->method);
	append_encoded(&out, request->path, strlen(request->path), false, "/");
	appendStringInfo(&out, "\n%s\n", signing->query);
	for (int i = 0; i < signing->header_count; i++)
	{
		const IceNetPair *header = &signing->headers[i];

		if (i > 0 && strcmp(header->name, header[-1].name) == 0)
			appendStringInfo(&out, ",%s", header->value);
		else
			appendStringInfo(&out, "%s%s:%s", i > 0 ? "\n" : "", header->name, header->value);
	}
	appendStringInfo(&out, "%s\n%s\n%s", signing->header_count > 0 ? "\n" : "",
					 signing->signed_names, request->payload_hash);
	return out.data;
}

/* Derives the key of the day, region and service, and signs with it. */
static void
sign_text(const IceSigv4Key *key, const Signing *signing, const char *text, char *hex)
{
	const char    *steps[] = {key->region, key->service, SCOPE_END, text};
	StringInfoData secret;
	uint8_t        digest[ICE_SHA256_BYTES];

	initStringInfo(&secret);
	appendStringInfo(&secret, "AWS4%s", key->secret_key);
	ice_digest_hmac(secret.data, (size_t) secret.len, signing->date, 8, digest);
	explicit_bzero(secret.data, (size_t) secret.len);
	pfree(secret.data);
	for (size_t i = 0; i < lengthof(steps); i++)
	{
		uint8_t before[ICE_SHA256_BYTES];

		memcpy(before, digest, sizeof(before));
		ice_digest_hmac(before, sizeof(before), steps[i], strlen(steps[i]), digest);
		explicit_bzero(before, sizeof(before));
	}
	ice_digest_hex(digest, sizeof(digest), hex);
}

/* The signature of a canonical request. */
static void
sign(const IceSigv4Key *key, const Signing *signing, const char *canonical, char *hex)
{
	uint8_t        digest[ICE_SHA256_BYTES];
	StringInfoData text;

	ice_digest_sha256(canonical, strlen(canonical), digest);
	ice_digest_hex(digest, sizeof(digest), hex);
	initStringInfo(&text);
	appendStringInfo(&text, ALGORITHM "\n%s\n%s\n%s", signing->date, signing->scope, hex);
	sign_text(key, signing, text.data, hex);
}

static void
begin(Signing *signing, const IceSigv4Key *key, const IceSigv4Request *request)
{
	time_t    now = (time_t) request->now_s;
	struct tm parts;

	*signing = (Signing){.header_count = 0};
	gmtime_r(&now, &parts);
	strftime(signing->date, sizeof(signing->date), "%Y%m%dT%H%M%SZ", &parts);
	signing->scope = psprintf("%.8s/%s/%s/" SCOPE_END, signing->date, key->region, key->service);
}

/* -- in headers -------------------------------------------------------------------------------- */

/* All but the authorization; returns how many. */
static int
prepare_headers(Signing *signing, const IceSigv4Key *key, const IceSigv4Request *request,
				IceNetPair *added)
{
	int count = 0;

	begin(signing, key, request);
	added[count++] = (IceNetPair){"x-amz-date", pstrdup(signing->date)};
	if (key->session_token != NULL)
		added[count++] = (IceNetPair){"x-amz-security-token", key->session_token};
	if (request->hash_header)
		added[count++] = (IceNetPair){"x-amz-content-sha256", request->payload_hash};
	collect_headers(signing, request, added, count);
	signing->query = canonical_query(request->query == NULL ? "" : request->query, NULL, 0);
	return count;
}

int
ice_sigv4_headers(const IceSigv4Key *key, const IceSigv4Request *request,
				  IceNetPair added[ICE_SIGV4_PAIRS])
{
	Signing signing;
	char    hex[ICE_DIGEST_HEX];
	int     count = prepare_headers(&signing, key, request, added);

	sign(key, &signing, canonical_request(&signing, request), hex);
	added[count].name = "authorization";
	added[count++].value = psprintf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
									key->access_key, signing.scope, signing.signed_names, hex);
	return count;
}

/* -- in the query ------------------------------------------------------------------------------ */

static void
prepare_query(Signing *signing, const IceSigv4Key *key, const IceSigv4Request *request,
			  int expires_s)
{
	IceNetPair more[6];
	int        count = 0;

	begin(signing, key, request);
	collect_headers(signing, request, NULL, 0);
	more[count++] = (IceNetPair){"X-Amz-Algorithm", ALGORITHM};
	more[count++] = (IceNetPair){"X-Amz-Credential",
								 query_value(psprintf("%s/%s", key->access_key, signing->scope))};
	more[count++] = (IceNetPair){"X-Amz-Date", pstrdup(signing->date)};
	more[count++] = (IceNetPair){"X-Amz-Expires", psprintf("%d", expires_s)};
	more[count++] = (IceNetPair){"X-Amz-SignedHeaders", query_value(signing->signed_names)};
	if (key->session_token != NULL)
		more[count++] = (IceNetPair){"X-Amz-Security-Token", query_value(key->session_token)};
	signing->query = canonical_query(request->query == NULL ? "" : request->query, more, count);
}

char *
ice_sigv4_query(const IceSigv4Key *key, const IceSigv4Request *request, int expires_s)
{
	Signing signing;
	char    hex[ICE_DIGEST_HEX];

	prepare_query(&signing, key, request, expires_s);
	sign(key, &signing, canonical_request(&signing, request), hex);
	return psprintf("%s&X-Amz-Signature=%s", signing.query, hex);
}

char *
ice_sigv4_canonical(const IceSigv4Key *key, const IceSigv4Request *request, int expires_s)
{
	Signing    signing;
	IceNetPair added[ICE_SIGV4_PAIRS];

	if (expires_s > 0)
		prepare_query(&signing, key, request, expires_s);
	else
		(void) prepare_headers(&signing, key, request, added);
	return canonical_request(&signing, request);
}
