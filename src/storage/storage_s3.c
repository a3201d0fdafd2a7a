/*
 * storage_s3.c
 *		s3:// and gs:// storage: objects of a bucket, reached as a profile says. See storage_s3.h.
 *
 * All locations lie in the profile's root; others are refused before anything is sent.
 *
 * A write can arrive although its answer did not. Sent again under the condition that there is no
 * object, it finds its own: so where a store says that there is one, it is compared, and one of
 * the same bytes counts as written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "errors.h"
#include "guc.h"
#include "storage/gcs_call.h"
#include "storage/s3_call.h"
#include "storage/s3_delete.h"
#include "storage/s3_multipart.h"
#include "storage/s3_run.h"
#include "storage/storage_s3.h"
#include "xml/xml.h"

#define LIST_BYTES_MAX  (16 * 1024 * 1024)
#define LIST_FILES_MAX  1000
#define COMPLAINT_BYTES 4096 /* what a store may say of an error, however little is asked for */

typedef struct S3Store
{
	IceStorage               storage; /* first */
	const IceStorageProfile *profile;
} S3Store;

static const IceStorageProfile *
profile_of(const IceStorage *storage)
{
	return ((const S3Store *) storage)->profile;
}

static const char *
scheme_of(const IceStorageProfile *profile)
{
	return profile->kind == ICE_STORE_GCS ? "gs" : "s3";
}

/* The location in canonical spelling; raises unless it is in the profile's root. */
static char *
s3_canonical(const IceStorage *storage, const char *location)
{
	const char *root = profile_of(storage)->root;
	char       *bucket;
	char       *object;
	char       *canonical;
	size_t      len;

	ice_s3_call_split(location, &bucket, &object);
	canonical = psprintf("%s://%s/%s", scheme_of(profile_of(storage)), bucket, object);
	while (canonical[strlen(canonical) - 1] == '/')
		canonical[strlen(canonical) - 1] = '\0';
	len = strlen(root);
	if (strncmp(canonical, root, len) != 0 || (canonical[len] != '/' && canonical[len] != '\0'))
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
				  "Location is outside of the storage profile's root: %s", location);
	return canonical;
}

/* -- running ----------------------------------------------------------------------------------- */

/* Begins a request for a location of the store. */
static IceS3Call *
begin(const IceStorage *storage, const char *method, const char *action, const char *location)
{
	IceS3Call *s3 = palloc(sizeof(IceS3Call));

	pfree(s3_canonical(storage, location));
	ice_s3_run_begin(s3, profile_of(storage), method, action, location);
	return s3;
}

static void
run_one(IceS3Call *s3)
{
	ice_s3_run(s3->call.profile, &s3, 1);
}

/* Raises what is wrong, unless the status is as expected. */
static void
expect(const IceS3Call *s3, int status)
{
	if (s3->call.error != NULL || s3->call.net.status != status)
		ice_store_call_raise(&s3->call);
}

/* -- reading ----------------------------------------------------------------------------------- */

static bool
is_absent(const IceS3Call *s3)
{
	char *code;

	if (s3->call.error != NULL || s3->call.net.status != 404)
		return false;
	code = ice_s3_call_code(s3);
	return code == NULL || strcmp(code, "NoSuchKey") == 0;
}

/* All of a file, whose bytes are checked where the store has their digest. */
static void
s3_read(const IceStorage *storage, const char *location, size_t limit, StringInfo out)
{
	IceS3Call *s3 = begin(storage, "GET", "read", location);

	s3->call.net.answer_max = Max(limit, COMPLAINT_BYTES);
	ice_s3_call_extra(s3, "x-amz-checksum-mode", "ENABLED");
	run_one(s3);
	if (s3->call.net.fault == ICE_NET_TOO_LARGE ||
		(s3->call.net.status == 200 && s3->call.net.answer_len > limit))
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "File is larger than the limit of %zu bytes: %s", limit,
				  location);
	if (is_absent(s3))
		ice_raise(ICE_ERR_NO_SUCH_FILE, "File does not exist: %s", location);
	expect(s3, 200);
	if (ice_s3_call_is_corrupt(s3))
		ice_raise(ICE_ERR_STORAGE,
				  "could not read %s: its bytes do not have the checksum that the "
				  "store has of them",
				  location);
	if (s3->call.net.answer_len > 0)
		appendBinaryStringInfo(out, s3->call.net.answer, (int) s3->call.net.answer_len);
	if (s3->call.net.answer != NULL)
		pfree(s3->call.net.answer);
}

/* The size in "bytes 0-9/100" or, past the end, in "bytes *" + "/100". */
static uint64
size_in_range(const IceS3Call *s3)
{
	char *range = ice_net()->header(&s3->call.net, "content-range");
	char *slash = range == NULL ? NULL : strchr(range, '/');

	return slash == NULL ? 0 : strtoull(slash + 1, NULL, 10);
}

/* A part of a file; a store that knows no ranges would answer 200, which is an error here. */
static void
s3_read_range(const IceStorage *storage, const char *location, uint64 offset, size_t len,
			  StringInfo out, uint64 *size)
{
	IceS3Call *s3 = begin(storage, "GET", "read", location);

	s3->call.net.answer_max = Max(len, COMPLAINT_BYTES);
	ice_s3_call_extra(
		s3, "range",
		psprintf("bytes=" UINT64_FORMAT "-" UINT64_FORMAT, offset, offset + Max(len, 1) - 1));
	run_one(s3);
	if (is_absent(s3))
		ice_raise(ICE_ERR_NO_SUCH_FILE, "File does not exist: %s", location);
	if (s3->call.error == NULL && s3->call.net.status == 416)
	{
		*size = size_in_range(s3);
		return;
	}
	expect(s3, 206);
	*size = size_in_range(s3);
	if (s3->call.net.answer_len > len)
		ice_raise(ICE_ERR_STORAGE, "could not read %s: the store gives more than was asked for",
				  location);
	appendBinaryStringInfo(out, s3->call.net.answer, (int) s3->call.net.answer_len);
}

static bool
s3_exists(const IceStorage *storage, const char *location)
{
	IceS3Call *s3 = begin(storage, "HEAD", "look for", location);

	run_one(s3);
	if (is_absent(s3))
		return false;
	expect(s3, 200);
	return true;
}

/* Never asked of the network on the path of a load. */
static bool
s3_missing(const IceStorage *storage pg_attribute_unused(),
		   const char *location      pg_attribute_unused())
{
	return false;
}

/* -- writing ----------------------------------------------------------------------------------- */

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

/* A request that writes a file, or the first of those that write it in parts. */
static IceS3Call *
begin_put(const IceStorage *storage, const char *location, const char *data, size_t len,
		  bool only_new)
{
	IceS3Call *s3 = begin(storage, "PUT", "write", location);
	uint8      digest[ICE_SHA256_BYTES];

	ice_s3_call_body(s3, data, len);
	s3->only_new = only_new;
	put_headers(s3);
	if (s3->call.profile->kind == ICE_STORE_S3 && len > (size_t) ice_guc_multipart_bytes)
	{
		ice_s3_multipart_begin(s3);
		return s3;
	}
	if (s3->call.profile->kind == ICE_STORE_GCS)
	{
		s3->call.answered = ice_gcs_call_require_object;
		return s3;
	}
	s3->call.answered = require_tag;
	ice_net()->sha256(data, len, digest);
	ice_s3_call_extra(s3, "x-amz-checksum-sha256", ice_s3_call_base64(digest, sizeof(digest)));
	return s3;
}

/* Parts of an object that was not written are paid for until they are given up. */
static void
give_up_parts(IceS3Call **puts, int count)
{
	IceS3Call **aborts = palloc(sizeof(IceS3Call *) * (size_t) Max(count, 1));
	int         n = 0;

	for (int i = 0; i < count; i++)
	{
		char *id = puts[i] == NULL ? NULL : ice_s3_multipart_left(puts[i]);

		if (id == NULL)
			continue;
		aborts[n] = palloc(sizeof(IceS3Call));
		ice_s3_call_begin(aborts[n], puts[i]->call.profile, "DELETE", "give up the parts of",
						  puts[i]->call.location);
		aborts[n++]->query = psprintf("uploadId=%s", ice_s3_call_encode(id, false));
	}
	if (n > 0)
		(void) ice_s3_run_try(aborts[0]->call.profile, aborts, n);
	pfree(aborts);
}

static bool
is_taken(const IceS3Call *put)
{
	return put->call.error == NULL && put->call.net.status == 412;
}

static bool
is_same(const IceS3Call *get, const char *data, size_t len)
{
	return get->call.error == NULL && get->call.net.status == 200 &&
		   get->call.net.answer_len == len && memcmp(get->call.net.answer, data, len) == 0;
}

static IceS3Call *
begin_compare(const IceStorage *storage, const char *location, size_t len)
{
	IceS3Call *get = begin(storage, "GET", "compare", location);

	get->call.net.answer_max = Max(len, COMPLAINT_BYTES);
	return get;
}

static void
s3_write_atomic(const IceStorage *storage, const char *location, const char *data, size_t len)
{
	IceS3Call *put = begin_put(storage, location, data, len, false);

	run_one(put);
	give_up_parts(&put, 1);
	expect(put, 200);
}

static bool
s3_write_new(const IceStorage *storage, const char *location, const char *data, size_t len)
{
	IceS3Call *put = begin_put(storage, location, data, len, true);
	IceS3Call *get;

	run_one(put);
	give_up_parts(&put, 1);
	if (!is_taken(put))
	{
		expect(put, 200);
		return true;
	}
	/* Perhaps by the try before. */
	if (put->call.tries <= 1)
		return false;
	get = begin_compare(storage, location, len);
	run_one(get);
	return is_same(get, data, len);
}

/* begin_put() with its error as text. */
static IceS3Call *
try_begin_put(const IceStorage *storage, IceFileWrite *file)
{
	MemoryContext context = CurrentMemoryContext;
	IceS3Call *volatile put = NULL;

	PG_TRY();
	{
		put = begin_put(storage, file->location, file->data, file->len, file->only_new);
	}
	PG_CATCH();
	{
		file->error = ice_store_call_caught(context);
	}
	PG_END_TRY();
	return put;
}

/* Files that are there already are read: those of the same bytes are written. */
static void
compare_taken(const IceStorage *storage, IceFileWrite *files, IceS3Call **puts, int count)
{
	IceS3Call **gets = palloc(sizeof(IceS3Call *) * (size_t) Max(count, 1));
	int        *of = palloc(sizeof(int) * (size_t) Max(count, 1));
	char       *problem;
	int         n = 0;

	for (int i = 0; i < count; i++)
		if (puts[i] != NULL && is_taken(puts[i]))
		{
			of[n] = i;
			gets[n++] = begin_compare(storage, files[i].location, files[i].len);
		}
	problem = n > 0 ? ice_s3_run_try(profile_of(storage), gets, n) : NULL;
	for (int k = 0; k < n; k++)
	{
		IceFileWrite *file = &files[of[k]];

		if (problem != NULL)
			file->error = problem;
		else if (is_same(gets[k], file->data, file->len))
			file->error = NULL;
		else if (gets[k]->call.error == NULL)
			file->error = psprintf("could not write %s: another file has this name",
								   file->location);
		else
			file->error = ice_store_call_complaint(&gets[k]->call);
	}
	pfree(gets);
	pfree(of);
}

/* All files at once; then what is left of those in parts is given up, and those that were there are
 * compared. */
static void
s3_write_batch(const IceStorage *storage, IceFileWrite *files, int count)
{
	IceS3Call **puts = palloc(sizeof(IceS3Call *) * (size_t) Max(count, 1));
	IceS3Call **sent = palloc(sizeof(IceS3Call *) * (size_t) Max(count, 1));
	char       *problem;
	int         n = 0;

	for (int i = 0; i < count; i++)
	{
		puts[i] = try_begin_put(storage, &files[i]);
		if (puts[i] != NULL)
			sent[n++] = puts[i];
	}
	problem = ice_s3_run_try(profile_of(storage), sent, n);
	for (int i = 0; i < count; i++)
		if (puts[i] != NULL && problem != NULL)
			files[i].error = problem;
		else if (puts[i] != NULL &&
				 (puts[i]->call.error != NULL || puts[i]->call.net.status != 200))
			files[i].error = ice_store_call_complaint(&puts[i]->call);
	if (problem == NULL)
	{
		give_up_parts(puts, count);
		compare_taken(storage, files, puts, count);
	}
	pfree(puts);
	pfree(sent);
}

/* -- deleting ---------------------------------------------------------------------------------- */

static bool
s3_remove(const IceStorage *storage, const char *location)
{
	IceS3Call *s3 = begin(storage, "DELETE", "delete", location);

	run_one(s3);
	if (is_absent(s3))
		return false;
	if (s3->call.error != NULL || s3->call.net.status != 200)
		expect(s3, 204);
	return true;
}

/* What is wrong with a location, as the file's error. */
static void
check_removal(const IceStorage *storage, IceFileRemoval *file)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		pfree(s3_canonical(storage, file->location));
	}
	PG_CATCH();
	{
		file->error = ice_store_call_caught(context);
	}
	PG_END_TRY();
}

static void
s3_remove_batch(const IceStorage *storage, IceFileRemoval *files, int count)
{
	for (int i = 0; i < count; i++)
		check_removal(storage, &files[i]);
	ice_s3_delete(profile_of(storage), files, count);
}

/* -- lists ------------------------------------------------------------------------------------- */

/* What one element of the list says; its key as the store spells it. */
static void
read_list_member(const IceXml *xml, IceStorageEntry *entry)
{
	if (ice_xml_is_leaf(xml, "ListBucketResult/Contents/Key"))
		entry->location = pstrdup(xml->text.data);
	else if (ice_xml_is_leaf(xml, "ListBucketResult/Contents/Size"))
		entry->size = strtoull(xml->text.data, NULL, 10);
	else if (ice_xml_is_leaf(xml, "ListBucketResult/Contents/LastModified"))
		entry->modified_s = ice_store_call_time(xml->text.data);
}

/* Keys become locations. Raises where a store lists what was not asked for. */
static void
finish_page(const IceS3Call *s3, const char *prefix, bool encoded, IceStoragePage *page)
{
	ListCell *cell;

	foreach (cell, page->files)
	{
		IceStorageEntry *entry = lfirst(cell);
		char            *key = entry->location;

		if (key != NULL && encoded)
			ice_s3_call_decode(key);
		if (key == NULL || strncmp(key, prefix, strlen(prefix)) != 0)
			ice_raise(ICE_ERR_STORAGE, "could not list %s: the store lists other files, too",
					  s3->call.location);
		entry->location = psprintf("%s://%s/%s", scheme_of(s3->call.profile), s3->bucket, key);
	}
}

/* Reads the answer of a list. */
static void
read_page(const IceS3Call *s3, const char *prefix, IceStoragePage *page)
{
	IceStorageEntry *entry = palloc0(sizeof(IceStorageEntry));
	bool             more = false;
	bool             encoded = false;
	char            *token = NULL;
	IceXml           xml;

	entry->modified_s = -1;
	ice_xml_begin(&xml, s3->call.net.answer == NULL ? "" : s3->call.net.answer,
				  s3->call.net.answer_len);
	while (ice_xml_next(&xml))
	{
		read_list_member(&xml, entry);
		if (ice_xml_is(&xml, "ListBucketResult/Contents"))
		{
			page->files = lappend(page->files, entry);
			entry = palloc0(sizeof(IceStorageEntry));
			entry->modified_s = -1;
		}
		else if (ice_xml_is_leaf(&xml, "ListBucketResult/IsTruncated"))
			more = strcmp(xml.text.data, "true") == 0;
		else if (ice_xml_is_leaf(&xml, "ListBucketResult/EncodingType"))
			encoded = strcmp(xml.text.data, "url") == 0;
		else if (ice_xml_is_leaf(&xml, "ListBucketResult/NextContinuationToken"))
			token = pstrdup(xml.text.data);
	}
	if (more && token == NULL)
		ice_raise(ICE_ERR_STORAGE,
				  "could not list %s: the store does not say where the list goes on",
				  s3->call.location);
	finish_page(s3, prefix, encoded, page);
	page->next = more ? token : NULL;
}

static char *
list_query(const char *prefix, int files_max, const char *token)
{
	char *query = psprintf("list-type=2&encoding-type=url&max-keys=%d&prefix=%s", files_max,
						   ice_s3_call_encode(prefix, false));

	if (token != NULL)
		query = psprintf("%s&continuation-token=%s", query, ice_s3_call_encode(token, false));
	return query;
}

/* Keys come percent-encoded where the store can do that: XML cannot hold all of them. */
static void
s3_list(const IceStorage *storage, const char *folder, IceStoragePage *page)
{
	IceS3Call *s3 = begin(storage, "GET", "list", folder);
	char      *prefix = s3->object;
	int        max = Min(Max(page->files_max, 1), LIST_FILES_MAX);

	if (prefix[0] != '\0' && prefix[strlen(prefix) - 1] != '/')
		prefix = psprintf("%s/", prefix);
	s3->object = pstrdup("");
	s3->query = s3->call.profile->kind == ICE_STORE_GCS ? ice_gcs_call_list(prefix, max, page->next)
														: list_query(prefix, max, page->next);
	s3->call.net.answer_max = LIST_BYTES_MAX;
	page->files = NIL;
	run_one(s3);
	expect(s3, 200);
	if (s3->call.profile->kind == ICE_STORE_GCS)
	{
		ice_gcs_call_read_list(s3, page);
		finish_page(s3, prefix, false, page);
	}
	else
		read_page(s3, prefix, page);
}

/* -- the handle -------------------------------------------------------------------------------- */

/* A bucket has no folders. */
static void
s3_make_directory(const IceStorage *storage, const char *location)
{
	pfree(s3_canonical(storage, location));
}

static bool
s3_prune(const IceStorage *storage pg_attribute_unused(),
		 const char *location pg_attribute_unused(), IceStorageWalk **walk pg_attribute_unused(),
		 int entries pg_attribute_unused())
{
	return true;
}

const IceStorage *
ice_storage_s3_open(const IceStorageProfile *profile)
{
	static const IceStorage operations = {
		.is_local = false,
		.canonical = s3_canonical,
		.read = s3_read,
		.write_atomic = s3_write_atomic,
		.write_batch = s3_write_batch,
		.remove = s3_remove,
		.remove_batch = s3_remove_batch,
		.make_directory = s3_make_directory,
		.exists = s3_exists,
		.missing = s3_missing,
		.prune = s3_prune,
		.write_new = s3_write_new,
		.read_range = s3_read_range,
		.list = s3_list,
	};
	S3Store *store = palloc(sizeof(S3Store));

	*store = (S3Store){.storage = operations, .profile = profile};
	return &store->storage;
}
