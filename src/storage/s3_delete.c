/*
 * s3_delete.c
 *		Deletes objects of an S3 store. See s3_delete.h.
 *
 * DeleteObjects takes 1,000 keys of one bucket. Where a store has no such request (Google's,
 * Azure's), the objects are deleted one by one, many at once.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "storage/s3_delete.h"
#include "storage/s3_run.h"
#include "xml/xml.h"

#define KEYS_MAX     1000
#define ANSWER_BYTES (4 * 1024 * 1024)

/* Some files that one request deletes. */
typedef struct Group
{
	IceS3Call        s3; /* first */
	IceFileRemoval **files;
	char           **keys;
	int              count;
	char            *bucket;
} Group;

/* -- one by one -------------------------------------------------------------------------------- */

static void
delete_singly(const IceStorageProfile *profile, IceFileRemoval **files, int count)
{
	IceS3Call  *calls = palloc(sizeof(IceS3Call) * (size_t) count);
	IceS3Call **run = palloc(sizeof(IceS3Call *) * (size_t) count);
	char       *problem;

	for (int i = 0; i < count; i++)
	{
		run[i] = &calls[i];
		ice_s3_run_begin(run[i], profile, "DELETE", "delete", files[i]->location);
	}
	problem = ice_s3_run_try(profile, run, count);
	for (int i = 0; i < count; i++)
	{
		const IceStoreCall *call = &calls[i].call;
		bool                absent = ice_s3_call_dialect_of(&calls[i])->is_absent(&calls[i]);

		files[i]->removed = problem == NULL && call->error == NULL &&
							(call->net.status / 100 == 2 || absent);
		if (!files[i]->removed)
			files[i]->error = problem != NULL ? problem : ice_store_call_complaint(call);
	}
	pfree(calls);
	pfree(run);
}

/* -- many at once ------------------------------------------------------------------------------ */

/* The request of a group. Its hash is in the signature; some stores want the MD5, too. */
static void
begin_group(Group *group, const IceStorageProfile *profile)
{
	StringInfoData body;
	uint8          digest[ICE_SHA256_BYTES];

	initStringInfo(&body);
	appendStringInfoString(
		&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
	for (int i = 0; i < group->count; i++)
	{
		appendStringInfoString(&body, "<Object><Key>");
		ice_xml_append(&body, group->keys[i]);
		appendStringInfoString(&body, "</Key></Object>");
	}
	appendStringInfoString(&body, "</Delete>");
	ice_s3_run_begin(&group->s3, profile, "POST", "delete", group->files[0]->location);
	group->s3.object = pstrdup("");
	group->s3.query = "delete=";
	group->s3.call.net.answer_max = ANSWER_BYTES;
	ice_s3_call_body(&group->s3, body.data, (size_t) body.len);
	ice_s3_call_extra(&group->s3, "content-type", "application/xml");
	if (ice_net()->md5(body.data, (size_t) body.len, digest))
		ice_s3_call_extra(&group->s3, "content-md5", ice_s3_call_base64(digest, 16));
	ice_net()->sha256(body.data, (size_t) body.len, digest);
	ice_s3_call_extra(&group->s3, "x-amz-checksum-sha256",
					  ice_s3_call_base64(digest, ICE_SHA256_BYTES));
}

static void
note_error(Group *group, const char *key, const char *code, const char *message)
{
	if (strcmp(code, "NoSuchKey") == 0)
		return;
	for (int i = 0; i < group->count; i++)
		if (strcmp(group->keys[i], key) == 0)
		{
			group->files[i]->removed = false;
			group->files[i]->error = psprintf("could not delete %s: the store answers %s: %s",
											  group->files[i]->location, ice_store_call_quote(code),
											  ice_store_call_quote(message));
		}
}

/* Reads what could not be deleted; all others were. Raises where the answer is not read. */
static void
read_errors(Group *group)
{
	const char *key = "";
	const char *code = "";
	const char *message = "";
	IceXml      xml;

	for (int i = 0; i < group->count; i++)
		group->files[i]->removed = true;
	ice_xml_begin(&xml, group->s3.call.net.answer, group->s3.call.net.answer_len);
	while (ice_xml_next(&xml))
	{
		if (ice_xml_is_leaf(&xml, "DeleteResult/Error/Key"))
			key = pstrdup(xml.text.data);
		else if (ice_xml_is_leaf(&xml, "DeleteResult/Error/Code"))
			code = pstrdup(xml.text.data);
		else if (ice_xml_is_leaf(&xml, "DeleteResult/Error/Message"))
			message = pstrdup(xml.text.data);
		else if (ice_xml_is(&xml, "DeleteResult/Error"))
		{
			note_error(group, key, code, message);
			key = code = message = "";
		}
	}
}

static void
fail_group(Group *group, const char *why)
{
	for (int i = 0; i < group->count; i++)
	{
		group->files[i]->removed = false;
		group->files[i]->error = pstrdup(why);
	}
}

/* Has the store no such request? */
static bool
is_not_offered(const IceStoreCall *call)
{
	char *code;

	if (call->error != NULL)
		return false;
	if (call->net.status == 405 || call->net.status == 501)
		return true;
	code = ice_s3_call_code((const IceS3Call *) call);
	return call->net.status == 400 && code != NULL &&
		   (strcmp(code, "NotImplemented") == 0 || strcmp(code, "InvalidArgument") == 0);
}

/* What became of a group: problem is that of the whole run, or NULL. */
static void
end_group(Group *group, const char *problem)
{
	MemoryContext       context = CurrentMemoryContext;
	const IceStoreCall *call = &group->s3.call;

	if (problem != NULL)
		fail_group(group, problem);
	else if (call->profile->kind != ICE_STORE_S3 || is_not_offered(call))
		delete_singly(call->profile, group->files, group->count);
	else if (call->error != NULL || call->net.status != 200)
		fail_group(group, ice_store_call_complaint(call));
	else
	{
		PG_TRY();
		{
			read_errors(group);
		}
		PG_CATCH();
		{
			fail_group(group, ice_store_call_caught(context));
		}
		PG_END_TRY();
	}
}

/* Adds a file to the group that is being filled, or begins one. Returns how many there are. */
static int
add_to_group(Group *groups, int count, IceFileRemoval *file)
{
	char  *bucket;
	char  *key;
	Group *group = count > 0 ? &groups[count - 1] : NULL;

	ice_s3_call_split(file->location, &bucket, &key);
	if (group == NULL || group->count == KEYS_MAX || strcmp(group->bucket, bucket) != 0)
	{
		group = &groups[count++];
		group->files = palloc(sizeof(IceFileRemoval *) * KEYS_MAX);
		group->keys = palloc(sizeof(char *) * KEYS_MAX);
		group->count = 0;
		group->bucket = bucket;
	}
	group->files[group->count] = file;
	group->keys[group->count++] = key;
	return count;
}

void
ice_s3_delete(const IceStorageProfile *profile, IceFileRemoval *files, int count)
{
	Group      *groups = palloc0(sizeof(Group) * (size_t) Max(count, 1));
	IceS3Call **run;
	char       *problem;
	int         n = 0;

	for (int i = 0; i < count; i++)
		if (files[i].error == NULL)
			n = add_to_group(groups, n, &files[i]);
	run = palloc(sizeof(IceS3Call *) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		begin_group(&groups[i], profile);
		run[i] = &groups[i].s3;
	}
	problem = n > 0 && profile->kind == ICE_STORE_S3 ? ice_s3_run_try(profile, run, n) : NULL;
	for (int i = 0; i < n; i++)
		end_group(&groups[i], problem);
	pfree(run);
	pfree(groups);
}
