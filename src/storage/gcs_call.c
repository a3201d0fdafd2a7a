/*
 * gcs_call.c
 *		How requests for objects are said to Google's store. See gcs_call.h.
 *
 * A call says method, bucket and object as for S3: PUT writes (in one request, however large), HEAD
 * asks for the object's size, and a GET of the bucket itself lists.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "answer/list_answer.h"
#include "errors.h"
#include "json/json.h"
#include "storage/gcs_call.h"

#define ENDPOINT  "https://storage.googleapis.com"
#define DEPTH_MAX 32

/* URL and headers, by method and object. */
static void
gcs_prepare(IceStoreCall *call)
{
	IceS3Call               *s3 = (IceS3Call *) call;
	const IceStorageProfile *profile = call->profile;
	const char              *endpoint = profile->endpoint != NULL ? profile->endpoint : ENDPOINT;
	const char              *object = ice_s3_call_encode(s3->object, false);
	bool                     is_write = strcmp(s3->method, "PUT") == 0;
	bool                     is_head = strcmp(s3->method, "HEAD") == 0;

	call->net.method = is_write ? "POST" : is_head ? "GET" : s3->method;
	call->net.body = s3->body;
	call->net.body_len = s3->body_len;
	if (is_write)
		call->net.url = psprintf("%s/upload/storage/v1/b/%s/o?uploadType=media&name=%s%s", endpoint,
								 s3->bucket, object, s3->only_new ? "&ifGenerationMatch=0" : "");
	else if (s3->object[0] == '\0')
		call->net.url = psprintf("%s/storage/v1/b/%s/o?%s", endpoint, s3->bucket, s3->query);
	else
		call->net.url = psprintf("%s/storage/v1/b/%s/o/%s%s", endpoint, s3->bucket, object,
								 is_head                          ? "?fields=size"
								 : strcmp(s3->method, "GET") == 0 ? "?alt=media"
																  : "");
	for (int i = 0; i < s3->extra_count; i++)
		ice_store_call_header(call, s3->extra[i].name, s3->extra[i].value);
	if (profile->project != NULL)
		ice_store_call_header(call, "x-goog-user-project", profile->project);
	if (s3->key != NULL)
		ice_store_call_header(call, "authorization", psprintf("Bearer %s", s3->key->session_token));
}

/* A text in an object of the answer (NULL: in the answer itself); NULL: there is none. Palloc'd. */
static char *
answer_text(const IceNetCall *net, const char *object, const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile found = NULL;

	if (net->answer_len == 0)
		return NULL;
	PG_TRY();
	{
		IceJson    *answer = ice_json_parse(net->answer, net->answer_len, DEPTH_MAX);
		IceJson    *holder = object == NULL ? answer : ice_json_member(answer, object);
		const char *text = holder == NULL ? NULL : ice_json_opt_string(holder, name);

		found = text == NULL ? NULL : pstrdup(text);
	}
	PG_CATCH();
	{
		/* Not JSON: then only the status is told. */
		pfree(ice_store_call_caught(context));
	}
	PG_END_TRY();
	return found;
}

static char *
gcs_describe(const IceStoreCall *call)
{
	char *message = answer_text(&call->net, "error", "message");

	return message == NULL ? NULL : ice_store_call_quote(message);
}

/* For a call that writes: a store answers with what it has of the object. What has none is the page
 * of something in between. */
static bool
require_object(IceStoreCall *call)
{
	if (call->net.status == 200 && answer_text(&call->net, NULL, "name") == NULL)
		call->error = "the answer names no object: it is not a store's";
	return false;
}

static void
gcs_begin_put(IceS3Call *s3)
{
	ice_s3_call_extra(s3, "content-type", "application/octet-stream");
	s3->call.answered = require_object;
}

static bool
gcs_is_absent(const IceS3Call *s3)
{
	return s3->call.error == NULL && s3->call.net.status == 404;
}

static bool
gcs_is_taken(const IceS3Call *s3)
{
	return s3->call.error == NULL && s3->call.net.status == 412;
}

static char *
gcs_list_query(const char *prefix, int files_max, const char *token)
{
	char *query = psprintf("fields=nextPageToken,items(name,size,updated)&maxResults=%d&prefix=%s",
						   files_max, ice_s3_call_encode(prefix, false));

	if (token != NULL)
		query = psprintf("%s&pageToken=%s", query, ice_s3_call_encode(token, false));
	return query;
}

const IceObjectDialect ice_gcs_call_dialect = {
	.call = {.prepare = gcs_prepare, .describe = gcs_describe},
	.begin_put = gcs_begin_put,
	.is_absent = gcs_is_absent,
	.is_taken = gcs_is_taken,
	.list_query = gcs_list_query,
	.read_list = ice_list_answer_gcs,
};
