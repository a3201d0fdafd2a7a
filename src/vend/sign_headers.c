/*
 * sign_headers.c
 *		Which header fields of a client's request to S3 are signed. See sign.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/sign.h"

#define SIGNED_HEADERS_MAX 64

static const char *const unsigned_payload = "UNSIGNED-PAYLOAD";

/* What clients, their libraries or proxies change after the signature, or what is
 * made again. */
static const char *const never_signed[] = {
	"accept",
	"accept-encoding",
	"amz-sdk-invocation-id",
	"amz-sdk-request",
	"amz-sdk-retry",
	"authorization",
	"connection",
	"content-length",
	"expect",
	"host",
	"if-match",
	"if-modified-since",
	"if-none-match",
	"if-unmodified-since",
	"range",
	"traceparent",
	"tracestate",
	"transfer-encoding",
	"user-agent",
	"x-amz-content-sha256",
	"x-amz-date",
	"x-amz-security-token",
	"x-amz-user-agent",
	"x-amzn-trace-id",
};

/* The only x-amz- fields that a request may have. Others copy objects, open them to the world, lock
 * them, or are not known. A star at the end stands for any rest. */
static const char *const amz_allowed[] = {
	"x-amz-checksum-*",
	"x-amz-decoded-content-length",
	"x-amz-expected-bucket-owner",
	"x-amz-meta-*",
	"x-amz-mp-object-size",
	"x-amz-request-payer",
	"x-amz-sdk-checksum-algorithm",
	"x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id",
	"x-amz-server-side-encryption-bucket-key-enabled",
	"x-amz-server-side-encryption-customer-algorithm",
	"x-amz-server-side-encryption-customer-key",
	"x-amz-server-side-encryption-customer-key-md5",
	"x-amz-storage-class",
	"x-amz-tagging",
	"x-amz-te",
	"x-amz-trailer",
};

static bool
is_listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		size_t len = strlen(list[i]);

		if (list[i][len - 1] == '*' ? strncmp(name, list[i], len - 1) == 0
									: strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

/* Field values without blanks around them; blanks inside are made one, as signatures want it. */
static const char *
join_values(const char *name, const IceJson *values, const char **joined)
{
	StringInfoData out;

	initStringInfo(&out);
	if (values->kind != ICE_JSON_ARRAY)
		return "headers are an object of arrays";
	for (int i = 0; i < values->count; i++)
	{
		const char *value = ice_json_to_string(values->items[i], name);
		int         start;

		if (i > 0)
			appendStringInfoChar(&out, ',');
		for (start = out.len; *value != '\0'; value++)
		{
			ice_step();
			if (((unsigned char) *value < 0x20 && *value != '\t') || *value == 0x7F)
				return "a header has a control character";
			if (*value != ' ' && *value != '\t')
				appendStringInfoChar(&out, *value);
			else if (out.len > start && out.data[out.len - 1] != ' ')
				appendStringInfoChar(&out, ' ');
		}
		if (out.len > start && out.data[out.len - 1] == ' ')
			out.data[--out.len] = '\0';
	}
	*joined = out.data;
	return NULL;
}

static const char *
lower_name(const char *name)
{
	char *lower = pstrdup(name);

	for (char *c = lower; *c != '\0'; c++)
	{
		*c = (*c >= 'A' && *c <= 'Z') ? (char) (*c - 'A' + 'a') : *c;
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '_'))
			return NULL;
	}
	return *lower != '\0' ? lower : NULL;
}

static bool
is_sha256(const char *value)
{
	return strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64;
}

/* The client's word on its payload. A body that was judged is what the signature covers. */
static const char *
read_payload(const char *value, IceSignHeaders *out)
{
	if (out->payload != NULL)
		return strcmp(value, out->payload) == 0 ? NULL
												: "x-amz-content-sha256 is not that of the body";
	if (strcmp(value, unsigned_payload) != 0 && !is_sha256(value) &&
		strcmp(value, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") != 0)
		return "payloads of signed pieces are not signed";
	out->payload = value;
	return NULL;
}

/* Judges one field, and takes it if it is signed. */
static const char *
add_header(const char *written, const IceJson *values, IceSignHeaders *out)
{
	const char *name = lower_name(written);
	const char *value;
	const char *fault;

	if (name == NULL)
		return "a header has a name that none has";
	fault = join_values(name, values, &value);
	if (fault != NULL)
		return fault;
	if (strcmp(name, "x-amz-content-sha256") == 0)
		return read_payload(value, out);
	if (is_listed(name, never_signed, lengthof(never_signed)))
		return NULL;
	if (strncmp(name, "x-amz-", strlen("x-amz-")) == 0 &&
		!is_listed(name, amz_allowed, lengthof(amz_allowed)))
		return psprintf("it has the header %s", name);
	for (int i = 0; i < out->count; i++)
		if (strcmp(out->items[i].name, name) == 0)
			return "it has a header twice";
	if (out->count == SIGNED_HEADERS_MAX)
		return "it has too many headers";
	out->items[out->count++] = (IceSignHeader){name, value};
	return NULL;
}

static int
compare_headers(const void *a, const void *b)
{
	return strcmp(((const IceSignHeader *) a)->name, ((const IceSignHeader *) b)->name);
}

const char *
ice_sign_headers(const IceSignRequest *request, const IceJson *headers, const char *body_sha256,
				 IceSignHeaders *out)
{
	const char *fault = NULL;
	bool        told = false;

	*out = (IceSignHeaders){palloc(sizeof(IceSignHeader) * SIGNED_HEADERS_MAX), 0,
							request->has_body ? body_sha256 : NULL};
	for (int i = 0; i < headers->count && fault == NULL; i++)
	{
		if (pg_strcasecmp(headers->members[i].key, "x-amz-content-sha256") == 0 && told)
			return "it has a header twice";
		told |= pg_strcasecmp(headers->members[i].key, "x-amz-content-sha256") == 0;
		fault = add_header(headers->members[i].key, headers->members[i].value, out);
	}
	if (fault == NULL && out->payload == NULL)
		out->payload = unsigned_payload;
	qsort(out->items, out->count, sizeof(IceSignHeader), compare_headers);
	return fault;
}
