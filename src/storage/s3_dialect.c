/*
 * s3_dialect.c
 *		How requests for objects are said to S3 stores, signed. See s3_dialect.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "nodes/pg_list.h"

#include "answer/list_answer.h"
#include "errors.h"
#include "guc.h"
#include "storage/s3_dialect.h"
#include "storage/s3_multipart.h"

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

/* Some stores know no condition: what is new is as good as what has its name. */
static bool
is_conditional(const IceS3Call *s3)
{
	return s3->only_new && s3->call.profile->conditional_writes;
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
	if (is_conditional(s3))
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
	if (is_conditional(s3))
		ice_store_call_header(call, "if-none-match", "*");
	if (s3->key != NULL)
		sign(s3, host, path);
}

/* -- answers ----------------------------------------------------------------------------------- */

static bool
s3_is_absent(const IceS3Call *s3)
{
	char *code;

	if (s3->call.error != NULL || s3->call.net.status != 404)
		return false;
	code = ice_s3_call_code(s3);
	return code == NULL || strcmp(code, "NoSuchKey") == 0;
}

static bool
s3_is_taken(const IceS3Call *s3)
{
	return s3->call.error == NULL && s3->call.net.status == 412;
}

/* By the SHA-256 that the store keeps. */
static bool
s3_is_corrupt(const IceS3Call *s3)
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
		return s3_is_corrupt((const IceS3Call *) call);
	return (status == 200 || status == 400 || status == 409) &&
		   strcmp(call->net.method, "GET") != 0 &&
		   ice_s3_call_is_one_of(ice_s3_call_leaf(&call->net, "Error/Code"), codes,
								 lengthof(codes));
}

/* -- objects ----------------------------------------------------------------------------------- */

/* How the object is to be encrypted, and its digest, which the store checks and keeps. */
static void
put_headers(IceS3Call *s3)
{
	const IceStorageProfile *profile = s3->call.profile;
	const char              *sse = profile->sse;

	ice_s3_call_extra(s3, "content-type", "application/octet-stream");
	if (sse == NULL || strcmp(sse, "none") == 0)
		return;
	ice_s3_call_extra(s3, "x-amz-server-side-encryption",
					  strcmp(sse, "kms") == 0 ? "aws:kms" : "AES256");
	if (strcmp(sse, "kms") == 0 && profile->kms_key != NULL)
		ice_s3_call_extra(s3, "x-amz-server-side-encryption-aws-kms-key-id", profile->kms_key);
}

/* A store answers with the object's tag. What has none is the page of something in between. */
static bool
require_tag(IceStoreCall *call)
{
	if (call->net.status == 200 && ice_net()->header(&call->net, "etag") == NULL)
		call->error = "the answer has no ETag: it is not a store's";
	return false;
}

/* A large object goes in parts; the digest of another one is checked by the store, and kept. */
static void
s3_begin_put(IceS3Call *s3)
{
	uint8 digest[ICE_SHA256_BYTES];

	put_headers(s3);
	if (s3->body_len > (size_t) ice_guc_multipart_bytes)
	{
		ice_s3_multipart_begin(s3);
		return;
	}
	s3->call.answered = require_tag;
	ice_net()->sha256(s3->body, s3->body_len, digest);
	ice_s3_call_extra(s3, "x-amz-checksum-sha256", ice_s3_call_base64(digest, sizeof(digest)));
}

static char *
s3_left_query(const IceS3Call *s3)
{
	char *id = ice_s3_multipart_left(s3);

	return id == NULL ? NULL : psprintf("uploadId=%s", ice_s3_call_encode(id, false));
}

static void
s3_begin_get(IceS3Call *s3)
{
	ice_s3_call_extra(s3, "x-amz-checksum-mode", "ENABLED");
}

/* -- lists ------------------------------------------------------------------------------------- */

/* Keys come percent-encoded where the store can do that: XML cannot hold all of them. */
static char *
s3_list_query(const char *prefix, int files_max, const char *token)
{
	char *query = psprintf("list-type=2&encoding-type=url&max-keys=%d&prefix=%s", files_max,
						   ice_s3_call_encode(prefix, false));

	if (token != NULL)
		query = psprintf("%s&continuation-token=%s", query, ice_s3_call_encode(token, false));
	return query;
}

const IceObjectDialect ice_s3_dialect_object = {
	.call = {.prepare = s3_prepare,
			 .is_transient = s3_is_transient,
			 .describe = ice_s3_call_describe},
	.begin_put = s3_begin_put,
	.left_query = s3_left_query,
	.begin_get = s3_begin_get,
	.is_absent = s3_is_absent,
	.is_taken = s3_is_taken,
	.is_corrupt = s3_is_corrupt,
	.list_query = s3_list_query,
	.read_list = ice_list_answer_s3,
};
