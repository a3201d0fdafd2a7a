/*
 * shared_key.c
 *		Shared Key signatures of Azure's blobs, versions 2015-02-21 and later. See shared_key.h.
 *
 * The account's key is decoded for each signature, and wiped; its text is the caller's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include <time.h>

#include "common/base64.h"

#include "net/digest.h"
#include "net/shared_key.h"
#include "storage/net.h"

/* -- the request's parts ----------------------------------------------------------------------- */

static const char *
header_value(const IceSharedKeyRequest *request, const char *name)
{
	for (int i = 0; i < request->header_count; i++)
		if (pg_strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return "";
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const IceNetPair *) a)->name, ((const IceNetPair *) b)->name);
}

static char *
lower(const char *text, size_t len)
{
	char *out = pnstrdup(text, len);

	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	return out;
}

/* All x-ms- headers, by name, each on its line. */
static void
append_headers(StringInfo out, const IceSharedKeyRequest *request, const char *date)
{
	IceNetPair *pairs = palloc(sizeof(IceNetPair) * (size_t) (request->header_count + 1));
	int         count = 0;

	pairs[count++] = (IceNetPair){"x-ms-date", date};
	for (int i = 0; i < request->header_count; i++)
	{
		char *name = lower(request->headers[i].name, strlen(request->headers[i].name));

		if (strncmp(name, "x-ms-", 5) == 0 && strcmp(name, "x-ms-date") != 0)
			pairs[count++] = (IceNetPair){name, request->headers[i].value};
	}
	qsort(pairs, (size_t) count, sizeof(IceNetPair), compare_names);
	for (int i = 0; i < count; i++)
		appendStringInfo(out, "%s:%s\n", pairs[i].name, pairs[i].value);
	pfree(pairs);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of a query: percent-decoded. */
static char *
decoded(const char *text, size_t len)
{
	StringInfoData out;

	initStringInfo(&out);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '%' && i + 2 < len && hex_value(text[i + 1]) >= 0 &&
			hex_value(text[i + 2]) >= 0)
		{
			appendStringInfoChar(&out,
								 (char) (hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
			i += 2;
		}
		else
			appendStringInfoChar(&out, text[i]);
	return out.data;
}

/* The parameters of the query, by name, each on a line. Requests of ours have each name once. */
static void
append_query(StringInfo out, const char *query)
{
	int         most = 1;
	int         count = 0;
	IceNetPair *pairs;

	for (const char *c = query; *c != '\0'; c++)
		most += *c == '&';
	pairs = palloc(sizeof(IceNetPair) * (size_t) most);
	while (*query != '\0')
	{
		size_t len = strcspn(query, "&");
		size_t name = strcspn(query, "=&");
		char  *text = decoded(query, name);

		pairs[count].name = lower(text, strlen(text));
		pairs[count++].value = name < len ? decoded(query + name + 1, len - name - 1) : pstrdup("");
		query += len + (query[len] == '&');
	}
	qsort(pairs, (size_t) count, sizeof(IceNetPair), compare_names);
	for (int i = 0; i < count; i++)
		appendStringInfo(out, "\n%s:%s", pairs[i].name, pairs[i].value);
	pfree(pairs);
}

/* -- signatures -------------------------------------------------------------------------------- */

/* As HTTP has it, in English whatever the locale. */
static char *
date_text(int64_t now_s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t                   now = (time_t) now_s;
	struct tm                utc;

	gmtime_r(&now, &utc);
	return psprintf("%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday,
					months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* The text that is signed. */
static char *
text_of(const IceSharedKeyRequest *request, const char *date)
{
	/* The date is in x-ms-date; an empty body has no length. */
	static const char *const names[] = {"content-md5",         "content-type", NULL,
										"if-modified-since",   "if-match",     "if-none-match",
										"if-unmodified-since", "range"};
	StringInfoData           out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s\n\n\n", request->method);
	if (request->body_len > 0)
		appendStringInfo(&out, "%zu", request->body_len);
	appendStringInfoChar(&out, '\n');
	for (size_t i = 0; i < lengthof(names); i++)
		appendStringInfo(&out, "%s\n", names[i] == NULL ? "" : header_value(request, names[i]));
	append_headers(&out, request, date);
	appendStringInfo(&out, "/%s%s", request->account, request->path);
	append_query(&out, request->query);
	return out.data;
}

char *
ice_shared_key_text(const IceSharedKeyRequest *request)
{
	return text_of(request, date_text(request->now_s));
}

/* PostgreSQL 18 takes bytes where others take characters; both take what is neither. */
char *
ice_shared_key_mac(const char *key, const char *text)
{
	int     room = pg_b64_dec_len((int) strlen(key));
	char   *bytes = palloc((size_t) room + 1);
	int     len = pg_b64_decode(key, (int) strlen(key), (void *) bytes, room);
	uint8_t mac[ICE_SHA256_BYTES];
	int     text_room = pg_b64_enc_len(ICE_SHA256_BYTES);
	char   *signature = palloc0((size_t) text_room + 1);

	if (len > 0)
		ice_digest_hmac(bytes, (size_t) len, text, strlen(text), mac);
	explicit_bzero(bytes, (size_t) room);
	pfree(bytes);
	if (len <= 0 || pg_b64_encode((void *) mac, ICE_SHA256_BYTES, signature, text_room) < 0)
		return NULL;
	return signature;
}

int
ice_shared_key_headers(const IceSharedKeyRequest *request, IceNetPair added[ICE_SHARED_KEY_PAIRS])
{
	char *date = date_text(request->now_s);
	char *signature = ice_shared_key_mac(request->key, text_of(request, date));

	if (signature == NULL)
		return 0;
	added[0] = (IceNetPair){"x-ms-date", date};
	added[1] = (IceNetPair){"authorization",
							psprintf("SharedKey %s:%s", request->account, signature)};
	return 2;
}
