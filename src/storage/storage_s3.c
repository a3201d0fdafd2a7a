/*
 * storage_s3.c
 *		Object stores (S3, Google's, Azure's): objects of a bucket, reached as a profile says. See
 *		storage_s3.h.
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
#include "storage/object_path.h"
#include "storage/s3_call.h"
#include "storage/s3_delete.h"
#include "storage/s3_run.h"
#include "storage/storage_s3.h"
#include "storage/store_blame.h"

#define LIST_BYTES_MAX  (16 * 1024 * 1024)
#define LIST_FILES_MAX  1000
#define GIVE_UP_MS      2000
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
	canonical = ice_object_path_is(location) ? ice_object_path_spelling(location) : pstrdup("");
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

static bool
is_done(const IceS3Call *s3)
{
	return s3->call.error == NULL && s3->call.net.status / 100 == 2;
}

/* Raises what is wrong, unless it was done. */
static void
expect_done(const IceS3Call *s3)
{
	if (!is_done(s3))
		ice_store_call_raise(&s3->call);
}

/* -- reading ----------------------------------------------------------------------------------- */

static bool
is_absent(const IceS3Call *s3)
{
	return ice_s3_call_dialect_of(s3)->is_absent(s3);
}

static bool
is_corrupt(const IceS3Call *s3)
{
	const IceObjectDialect *dialect = ice_s3_call_dialect_of(s3);

	return dialect->is_corrupt != NULL && dialect->is_corrupt(s3);
}

/* All of a file, whose bytes are checked where the store has their digest. */
static void
s3_read(const IceStorage *storage, const char *location, size_t limit, StringInfo out)
{
	IceS3Call *s3 = begin(storage, "GET", "read", location);

	s3->call.net.answer_max = Max(limit, COMPLAINT_BYTES);
	if (ice_s3_call_dialect_of(s3)->begin_get != NULL)
		ice_s3_call_dialect_of(s3)->begin_get(s3);
	run_one(s3);
	if (s3->call.net.fault == ICE_NET_TOO_LARGE ||
		(s3->call.net.status == 200 && s3->call.net.answer_len > limit))
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "File is larger than the limit of %zu bytes: %s", limit,
				  location);
	if (is_absent(s3))
		ice_raise(ICE_ERR_NO_SUCH_FILE, "File does not exist: %s", location);
	expect_done(s3);
	if (is_corrupt(s3))
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
	if (s3->call.net.status != 206)
		ice_store_call_raise(&s3->call);
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
	expect_done(s3);
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

/* A request that writes a file, or the first of those that write it in parts. */
static IceS3Call *
begin_put(const IceStorage *storage, const char *location, const char *data, size_t len,
		  bool only_new)
{
	IceS3Call *s3 = begin(storage, "PUT", "write", location);

	ice_s3_call_body(s3, data, len);
	s3->only_new = only_new;
	ice_s3_call_dialect_of(s3)->begin_put(s3);
	return s3;
}

static char *
left_query(const IceS3Call *put)
{
	const IceObjectDialect *dialect = ice_s3_call_dialect_of(put);

	return dialect->left_query == NULL ? NULL : dialect->left_query(put);
}

/* Parts of an object that was not written are paid for until they are given up. Where the time is
 * over, there is a little more for that. */
static void
give_up_parts(const IceStorage *storage, IceS3Call **puts, int count)
{
	IceStorageProfile profile = *profile_of(storage);
	IceS3Call       **aborts = palloc(sizeof(IceS3Call *) * (size_t) Max(count, 1));
	int               n = 0;

	if (profile.stop_at_ms > 0)
		profile.request_timeout_ms = Min(profile.request_timeout_ms, GIVE_UP_MS);
	profile.stop_at_ms = 0;
	for (int i = 0; i < count; i++)
	{
		char *query = puts[i] == NULL ? NULL : left_query(puts[i]);

		if (query == NULL)
			continue;
		aborts[n] = palloc(sizeof(IceS3Call));
		ice_s3_run_begin(aborts[n], &profile, "DELETE", "give up the parts of",
						 puts[i]->call.location);
		aborts[n++]->query = query;
	}
	if (n > 0)
		(void) ice_s3_run_try(&profile, aborts, n);
	pfree(aborts);
}

static bool
is_taken(const IceS3Call *put)
{
	return ice_s3_call_dialect_of(put)->is_taken(put);
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
	give_up_parts(storage, &put, 1);
	expect_done(put);
}

static bool
s3_write_new(const IceStorage *storage, const char *location, const char *data, size_t len)
{
	IceS3Call *put = begin_put(storage, location, data, len, true);
	IceS3Call *get;

	run_one(put);
	give_up_parts(storage, &put, 1);
	if (!is_taken(put))
	{
		expect_done(put);
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

/* What is wrong with a request that wrote or compared a file, as the file's error. */
static void
fail_file(IceFileWrite *file, const IceS3Call *s3)
{
	file->error = ice_store_call_complaint(&s3->call);
	file->store_fails = ice_store_blame_is_stores(s3);
}

/* There was no login for any of them. */
static void
fail_all(IceFileWrite *file, char *problem)
{
	file->error = problem;
	file->store_fails = true;
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
			fail_all(file, problem);
		else if (is_same(gets[k], file->data, file->len))
			file->error = NULL;
		else if (gets[k]->call.error == NULL || gets[k]->call.net.fault == ICE_NET_TOO_LARGE)
			file->error = psprintf("could not write %s: another file has this name",
								   file->location);
		else
			fail_file(file, gets[k]);
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
			fail_all(&files[i], problem);
		else if (puts[i] != NULL && !is_done(puts[i]))
			fail_file(&files[i], puts[i]);
	if (problem == NULL)
	{
		give_up_parts(storage, puts, count);
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
	expect_done(s3);
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

/* Where a list is read into. */
typedef struct ListReading
{
	const IceS3Call *s3;
	const char      *prefix;
	size_t           bucket; /* bytes of the profile's root before its key */
	IceStoragePage  *page;
} ListReading;

/* Keys become locations. Raises where a store lists what was not asked for. */
static void
add_to_page(const IceListEntry *listed, void *arg)
{
	ListReading     *reading = arg;
	IceStorageEntry *entry = palloc(sizeof(IceStorageEntry));
	const char      *prefix = reading->prefix;

	if (listed->key == NULL || strncmp(listed->key, prefix, strlen(prefix)) != 0)
		ice_raise(ICE_ERR_STORAGE, "the store lists other files, too");
	*entry = (IceStorageEntry){.location = psprintf("%.*s/%s", (int) reading->bucket,
													reading->s3->call.profile->root, listed->key),
							   .size = listed->size,
							   .modified_s = listed->modified_s};
	reading->page->files = lappend(reading->page->files, entry);
}

/* Whatever is wrong with the answer is the store's fault, and not the caller's. */
static void
read_page(const IceS3Call *s3, const char *prefix, IceStoragePage *page)
{
	MemoryContext     context = CurrentMemoryContext;
	const char       *root = s3->call.profile->root;
	const IceNetCall *net = &s3->call.net;
	ListReading       reading = {.s3 = s3, .prefix = prefix, .page = page};
	char *volatile next = NULL;
	char *volatile problem = NULL;

	reading.bucket = (size_t) (strstr(root, "://") + 3 - root);
	reading.bucket += strcspn(root + reading.bucket, "/");
	PG_TRY();
	{
		next = ice_s3_call_dialect_of(s3)->read_list(net->answer == NULL ? "" : net->answer,
													 net->answer_len, add_to_page, &reading);
	}
	PG_CATCH();
	{
		problem = ice_store_call_caught(context);
	}
	PG_END_TRY();
	if (problem != NULL)
		ice_raise(ICE_ERR_STORAGE, "could not list %s: %s", s3->call.location, problem);
	page->next = next;
}

static void
s3_list(const IceStorage *storage, const char *folder, IceStoragePage *page)
{
	IceS3Call *s3 = begin(storage, "GET", "list", folder);
	char      *prefix = s3->object;
	int        max = Min(Max(page->files_max, 1), LIST_FILES_MAX);

	if (prefix[0] != '\0' && prefix[strlen(prefix) - 1] != '/')
		prefix = psprintf("%s/", prefix);
	s3->object = pstrdup("");
	s3->query = ice_s3_call_dialect_of(s3)->list_query(prefix, max, page->next);
	s3->call.net.answer_max = LIST_BYTES_MAX;
	page->files = NIL;
	run_one(s3);
	expect_done(s3);
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
