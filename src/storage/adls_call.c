/*
 * adls_call.c
 *		How requests for objects are said to Azure's store. See adls_call.h.
 *
 * A call says method, container and blob as for S3. The store checks Content-MD5 when a blob is
 * written, keeps it, and gives it with the blob, so that what is read can be checked again.
 *
 * A list of an account with a hierarchical namespace has its folders, too: they are passed over.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "nodes/pg_list.h"

#include "answer/list_answer.h"
#include "errors.h"
#include "guc.h"
#include "storage/adls_blocks.h"
#include "storage/adls_call.h"

#define MD5_BYTES 16

/* -- requests ---------------------------------------------------------------------------------- */

/* Scheme, host, and what comes before the container. */
static char *
base_of(const IceStorageProfile *profile)
{
	const char *endpoint = profile->endpoint;
	size_t      len;

	if (endpoint == NULL)
		return psprintf("https://%s", ice_profile_blob_host(profile->account_host));
	len = strlen(endpoint);
	len -= len > 0 && endpoint[len - 1] == '/';
	return psprintf("%.*s%s%s", (int) len, endpoint, profile->path_style ? "/" : "",
					profile->path_style ? profile->account : "");
}

/* The date is part of the signature, and so is the request as it is. */
static void
sign(IceS3Call *s3, const char *path)
{
	IceNetPair          added[ICE_SHARED_KEY_PAIRS];
	IceSharedKeyRequest request = {.account = s3->key->access_key,
								   .key = s3->key->secret_key,
								   .method = s3->method,
								   .path = path,
								   .query = s3->query,
								   .headers = s3->call.headers,
								   .header_count = s3->call.net.header_count,
								   .body_len = s3->body_len,
								   .now_s = (int64) time(NULL)};
	int                 count = ice_net()->shared_key_headers(&request, added);

	if (count == 0)
		ice_raise(ICE_ERR_STORAGE, "The shared key of storage profile \"%s\" is not base64",
				  s3->call.profile->name);
	for (int i = 0; i < count; i++)
		ice_store_call_header(&s3->call, added[i].name, added[i].value);
}

/* URL, headers and signature. */
static void
adls_prepare(IceStoreCall *call)
{
	IceS3Call  *s3 = (IceS3Call *) call;
	char       *base = base_of(call->profile);
	const char *at = strstr(base, "://") + 3;
	char       *path;

	at += strcspn(at, "/");
	path = psprintf("%s/%s%s%s", at, s3->bucket, s3->object[0] == '\0' ? "" : "/",
					ice_s3_call_encode(s3->object, true));
	call->net.method = s3->method;
	call->net.url = psprintf("%.*s%s%s%s", (int) (at - base), base, path,
							 s3->query[0] != '\0' ? "?" : "", s3->query);
	call->net.body = s3->body;
	call->net.body_len = s3->body_len;
	for (int i = 0; i < s3->extra_count; i++)
		ice_store_call_header(call, s3->extra[i].name, s3->extra[i].value);
	if (s3->only_new)
		ice_store_call_header(call, "if-none-match", "*");
	/* A blob with snapshots is not deleted without them. */
	if (strcmp(s3->method, "DELETE") == 0)
		ice_store_call_header(call, "x-ms-delete-snapshots", "include");
	ice_store_call_header(call, "x-ms-version", ICE_ADLS_CALL_VERSION);
	if (s3->key == NULL)
		return;
	if (s3->key->session_token != NULL)
		ice_store_call_header(call, "authorization", psprintf("Bearer %s", s3->key->session_token));
	else
		sign(s3, path);
}

/* -- answers ----------------------------------------------------------------------------------- */

/* A header has it, too: an answer to HEAD has no body. */
static char *
code_of(const IceStoreCall *call)
{
	char *code = ice_net()->header(&call->net, "x-ms-error-code");

	return code != NULL ? code : ice_s3_call_leaf(&call->net, "Error/Code");
}

static bool
has_code(const IceS3Call *s3, int status, const char *expected)
{
	char *code;

	if (s3->call.error != NULL || s3->call.net.status != status)
		return false;
	code = code_of(&s3->call);
	return code == NULL || strcmp(code, expected) == 0;
}

/* A folder is there, but it is no file. */
static bool
adls_is_absent(const IceS3Call *s3)
{
	char *folder = ice_net()->header(&s3->call.net, "x-ms-meta-hdi_isfolder");

	return has_code(s3, 404, "BlobNotFound") ||
		   (s3->call.error == NULL && folder != NULL && strcmp(folder, "true") == 0);
}

static bool
adls_is_taken(const IceS3Call *s3)
{
	return has_code(s3, 409, "BlobAlreadyExists") || has_code(s3, 412, "ConditionNotMet");
}

/* By the MD5 that the store keeps. Where the system allows none, nothing is checked. */
static bool
adls_is_corrupt(const IceS3Call *s3)
{
	const IceNetCall *net = &s3->call.net;
	char             *expected = ice_net()->header(net, "content-md5");
	uint8             digest[MD5_BYTES];

	if (expected == NULL ||
		!ice_net()->md5(net->answer_len > 0 ? net->answer : "", net->answer_len, digest))
		return false;
	return strcmp(expected, ice_s3_call_base64(digest, sizeof(digest))) != 0;
}

/* Bytes that were changed on their way: InvalidOperation is what the emulator says of that. */
static bool
adls_is_transient(const IceStoreCall *call)
{
	static const char *const codes[] = {"Md5Mismatch", "InvalidOperation"};

	if (call->net.status == 200 && strcmp(call->net.method, "GET") == 0)
		return adls_is_corrupt((const IceS3Call *) call);
	return call->net.status == 400 && ice_s3_call_is_one_of(code_of(call), codes, lengthof(codes));
}

/* Code and the first line of the message: the others are about the request. */
static char *
adls_describe(const IceStoreCall *call)
{
	char *code = code_of(call);
	char *message = ice_s3_call_leaf(&call->net, "Error/Message");

	if (code == NULL)
		return NULL;
	if (message != NULL)
		message[strcspn(message, "\r\n")] = '\0';
	return psprintf("%s: %s", ice_store_call_quote(code),
					message != NULL ? ice_store_call_quote(message) : "");
}

/* -- objects ----------------------------------------------------------------------------------- */

/* A store of Azure's says which version it has spoken. What does not is something in between. */
static bool
require_version(IceStoreCall *call)
{
	if (call->net.status == 201 && ice_net()->header(&call->net, "x-ms-version") == NULL)
		call->error = "the answer has no x-ms-version: it is not a store's";
	return false;
}

static void
adls_begin_put(IceS3Call *s3)
{
	uint8 digest[MD5_BYTES];

	if (s3->body_len > (size_t) ice_guc_multipart_bytes)
	{
		ice_adls_blocks_begin(s3);
		return;
	}
	s3->call.answered = require_version;
	ice_s3_call_extra(s3, "x-ms-blob-type", "BlockBlob");
	ice_s3_call_extra(s3, "content-type", "application/octet-stream");
	if (ice_net()->md5(s3->body_len > 0 ? s3->body : "", s3->body_len, digest))
		ice_s3_call_extra(s3, "content-md5", ice_s3_call_base64(digest, sizeof(digest)));
}

/* -- lists ------------------------------------------------------------------------------------- */

static char *
adls_list_query(const char *prefix, int files_max, const char *token)
{
	char *query = psprintf("restype=container&comp=list&maxresults=%d&prefix=%s", files_max,
						   ice_s3_call_encode(prefix, false));

	if (token != NULL)
		query = psprintf("%s&marker=%s", query, ice_s3_call_encode(token, false));
	return query;
}

const IceObjectDialect ice_adls_call_dialect = {
	.call = {.prepare = adls_prepare, .is_transient = adls_is_transient, .describe = adls_describe},
	.begin_put = adls_begin_put,
	.is_absent = adls_is_absent,
	.is_taken = adls_is_taken,
	.is_corrupt = adls_is_corrupt,
	.list_query = adls_list_query,
	.read_list = ice_list_answer_adls,
};
