/*
 * store_test.c
 *		SQL functions over the storage handles, for the tests of stores. Not part of icecat.
 *
 * A library of its own, with the same objects in it. A store is named by its root and a text array
 * of options and values.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "budget_server.h"
#include "guc.h"
#include "storage/profile.h"
#include "storage/s3_login.h"
#include "storage/storage.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	ice_guc_metadata_file_bytes_max = 64 * 1024 * 1024;
	ice_guc_request_memory_max = 512;
	ice_guc_json_depth_max = 100;
	ice_guc_file_roots = "";
	ice_budget_init();
}

/* -- arguments --------------------------------------------------------------------------------- */

static char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Datum *
texts_arg(FunctionCallInfo fcinfo, int n, int *count)
{
	Datum *values;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  count);
	return values;
}

/* The settings of the session, where it has changed them. */
static void
take_settings(void)
{
	const char *requests = GetConfigOption("icecat.store_requests_max", true, false);
	const char *parts = GetConfigOption("icecat.multipart_bytes", true, false);

	ice_guc_store_requests_max = requests != NULL ? atoi(requests) : 100;
	ice_guc_multipart_bytes = parts != NULL ? atoi(parts) : 5 * 1024 * 1024;
}

static IceStorageProfile *
profile_arg(FunctionCallInfo fcinfo)
{
	char              *root = text_arg(fcinfo, 0);
	int                count;
	Datum             *values = texts_arg(fcinfo, 1, &count);
	IceStorageProfile *profile = ice_profile_make(ice_profile_kind(root), root);
	StringInfoData     all;

	take_settings();
	initStringInfo(&all);
	profile->name = "test";
	for (int i = 0; i + 1 < count; i += 2)
	{
		char *name = TextDatumGetCString(values[i]);
		char *value = TextDatumGetCString(values[i + 1]);

		ice_profile_set(profile, ice_profile_option(profile->kind, name), value);
		appendStringInfo(&all, "%s=%s\n", name, value);
	}
	ice_profile_complete(profile);
	profile->revision = (int64) hash_bytes((const unsigned char *) all.data, all.len);
	return profile;
}

static const IceStorage *
storage_arg(FunctionCallInfo fcinfo)
{
	IceStorageProfile *profile = profile_arg(fcinfo);

	return ice_storage_open(profile->root, profile);
}

/* -- writing ----------------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(store_write);
Datum
store_write(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	char             *location = text_arg(fcinfo, 2);
	bytea            *data = PG_GETARG_BYTEA_PP(3);
	char             *how = text_arg(fcinfo, 4);
	const char       *bytes = VARDATA_ANY(data);
	size_t            len = VARSIZE_ANY_EXHDR(data);
	IceFileWrite      file = {.location = location, .data = bytes, .len = len};

	if (strcmp(how, "atomic") == 0)
		storage->write_atomic(storage, location, bytes, len);
	else if (strcmp(how, "new") == 0)
	{
		if (!storage->write_new(storage, location, bytes, len))
			PG_RETURN_TEXT_P(cstring_to_text("exists"));
	}
	else
	{
		file.only_new = strcmp(how, "batch-new") == 0;
		storage->write_batch(storage, &file, 1);
		if (file.error != NULL)
			PG_RETURN_TEXT_P(cstring_to_text(file.error));
	}
	PG_RETURN_TEXT_P(cstring_to_text("written"));
}

/* So many files of so many bytes below a folder; the first error, or how many were written. */
PG_FUNCTION_INFO_V1(store_write_many);
Datum
store_write_many(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	char             *folder = text_arg(fcinfo, 2);
	int               count = PG_GETARG_INT32(3);
	int               bytes = PG_GETARG_INT32(4);
	IceFileWrite     *files = palloc0(sizeof(IceFileWrite) * (size_t) Max(count, 1));
	char             *data = palloc((size_t) bytes);

	memset(data, 'x', (size_t) bytes);
	for (int i = 0; i < count; i++)
		files[i] = (IceFileWrite){.location = psprintf("%s/%05d", folder, i),
								  .data = data,
								  .len = (size_t) bytes,
								  .only_new = true};
	storage->write_batch(storage, files, count);
	for (int i = 0; i < count; i++)
		if (files[i].error != NULL)
			PG_RETURN_TEXT_P(cstring_to_text(files[i].error));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%d", count)));
}

/* -- reading ----------------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(store_read);
Datum
store_read(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	StringInfoData    out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	storage->read(storage, text_arg(fcinfo, 2), (size_t) PG_GETARG_INT32(3), &out);
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P(out.data);
}

/* The bytes, and the size of the file behind a slash. */
PG_FUNCTION_INFO_V1(store_range);
Datum
store_range(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	StringInfoData    out;
	uint64            size = 0;

	initStringInfo(&out);
	storage->read_range(storage, text_arg(fcinfo, 2), (uint64) PG_GETARG_INT64(3),
						(size_t) PG_GETARG_INT32(4), &out, &size);
	appendStringInfo(&out, "/" UINT64_FORMAT, size);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

PG_FUNCTION_INFO_V1(store_exists);
Datum
store_exists(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);

	PG_RETURN_BOOL(storage->exists(storage, text_arg(fcinfo, 2)));
}

/* All pages: "location size", and an empty text between two pages. */
PG_FUNCTION_INFO_V1(store_list);
Datum
store_list(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	IceStoragePage    page = {.files_max = PG_GETARG_INT32(3)};
	ArrayBuildState  *result = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ListCell         *cell;

	do
	{
		storage->list(storage, text_arg(fcinfo, 2), &page);
		foreach (cell, page.files)
		{
			IceStorageEntry *entry = lfirst(cell);

			accumArrayResult(
				result,
				CStringGetTextDatum(psprintf("%s " UINT64_FORMAT "%s", entry->location, entry->size,
											 entry->modified_s > 0 ? "" : " undated")),
				false, TEXTOID, CurrentMemoryContext);
		}
		if (page.next != NULL)
			accumArrayResult(result, CStringGetTextDatum(""), false, TEXTOID, CurrentMemoryContext);
	} while (page.next != NULL);
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/* -- deleting ---------------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(store_remove);
Datum
store_remove(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);

	PG_RETURN_BOOL(storage->remove(storage, text_arg(fcinfo, 2)));
}

/* The error of each, empty where it was removed. */
PG_FUNCTION_INFO_V1(store_remove_many);
Datum
store_remove_many(PG_FUNCTION_ARGS)
{
	const IceStorage *storage = storage_arg(fcinfo);
	int               count;
	Datum            *locations = texts_arg(fcinfo, 2, &count);
	IceFileRemoval   *files = palloc0(sizeof(IceFileRemoval) * (size_t) Max(count, 1));
	Datum            *errors = palloc(sizeof(Datum) * (size_t) Max(count, 1));

	for (int i = 0; i < count; i++)
		files[i].location = TextDatumGetCString(locations[i]);
	storage->remove_batch(storage, files, count);
	for (int i = 0; i < count; i++)
		errors[i] = CStringGetTextDatum(files[i].removed         ? ""
										: files[i].error != NULL ? files[i].error
																 : "not there");
	PG_RETURN_ARRAYTYPE_P(construct_array(errors, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The key that an S3 profile signs with. */
PG_FUNCTION_INFO_V1(store_login);
Datum
store_login(PG_FUNCTION_ARGS)
{
	IceSigv4Key key;

	if (!ice_s3_login_get(profile_arg(fcinfo), &key))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(key.access_key));
}
