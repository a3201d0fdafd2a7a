/*
 * storage.c
 *		From a location to the store that it lies in, and what all stores share.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"

#include "codec/gzip.h"
#include "errors.h"
#include "guc.h"
#include "storage/file_path.h"
#include "storage/object_path.h"
#include "storage/profile.h"
#include "storage/storage.h"
#include "storage/storage_file.h"
#include "storage/storage_s3.h"

/* Length of the scheme before ':' (RFC 3986), or 0. */
static size_t
scheme_length(const char *location)
{
	size_t n = 0;

	if (!isalpha((unsigned char) location[0]))
		return 0;
	while (isalnum((unsigned char) location[n]) || strchr("+-.", location[n]) != NULL)
	{
		if (location[n] == '\0')
			return 0;
		n++;
	}
	return location[n] == ':' ? n : 0;
}

static bool
is_file(const char *location)
{
	size_t n = scheme_length(location);

	return (n == 4 && pg_strncasecmp(location, "file", 4) == 0) || (n == 0 && location[0] == '/');
}

/* File storage has no profile; its roots are the server's. */
const IceStorage *
ice_storage_open(const char *location, const IceStorageProfile *profile)
{
	size_t n = scheme_length(location);

	if (is_file(location))
		return ice_storage_file_open();
	if (n == 0)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is not an absolute URI: %s", location);
	if (ice_profile_kind(location) >= 0 && !ice_storage_reaches(profile, location))
		ice_raise_full(ICE_ERR_FORBIDDEN_LOCATION,
					   psprintf("The server may not reach the location: %s", location),
					   profile == NULL
						   ? "Its warehouse has no storage profile."
						   : "It is not in the root of the warehouse's storage profile.",
					   NULL);
	if (ice_profile_kind(location) >= 0)
		return ice_storage_s3_open(profile);
	ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Storage scheme is not supported: %.*s", (int) n,
			  location);
}

bool
ice_storage_reaches(const IceStorageProfile *profile, const char *location)
{
	return profile != NULL && ice_profile_kind(location) == (int) profile->kind &&
		   ice_storage_is_below(ice_storage_spelling(location), profile->root);
}

bool
ice_storage_is_local(const char *location)
{
	return is_file(location);
}

bool
ice_storage_missing(const char *location)
{
	const IceStorage *storage = is_file(location) ? ice_storage_file_open() : NULL;

	return storage != NULL && storage->missing(storage, location);
}

bool
ice_storage_exists(const char *location, const IceStorageProfile *profile)
{
	const IceStorage *storage = ice_storage_open(location, profile);

	return storage->exists(storage, location);
}

char *
ice_storage_checked(const char *location, const IceStorageProfile *profile)
{
	const IceStorage *storage = ice_storage_open(location, profile);

	return storage->canonical(storage, location);
}

char *
ice_storage_canonical(const char *location, const IceStorageProfile *profile)
{
	MemoryContext context = CurrentMemoryContext;
	char         *result = NULL;

	PG_TRY();
	{
		result = ice_storage_checked(location, profile);
	}
	PG_CATCH();
	{
		/* Only the pure checks above raise: there is nothing to roll back. */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		result = NULL;
	}
	PG_END_TRY();
	return result;
}

char *
ice_storage_spelling(const char *location)
{
	size_t len = strlen(location);

	if (is_file(location))
		return ice_file_path_spelling(location);
	if (ice_object_path_is(location))
		return ice_object_path_spelling(location);
	while (len > 1 && location[len - 1] == '/')
		len--;
	return pnstrdup(location, len);
}

void
ice_storage_check_place(const char *location)
{
	for (const char *c = location; *c != '\0'; c++)
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Invalid location: it holds control characters");
	if (ice_object_path_is(location))
		ice_object_path_check(location);
	else if (!is_file(location) && strstr(psprintf("%s/", location), "/../") != NULL)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Invalid location: it steps upwards: %s", location);
}

bool
ice_storage_is_text(const char *name, size_t len)
{
	return memchr(name, '\0', len) == NULL &&
		   pg_verify_mbstr(GetDatabaseEncoding(), name, (int) len, true);
}

List *
ice_storage_spellings(const char *location)
{
	if (is_file(location))
		return ice_file_path_spellings(location);
	return list_make1(ice_storage_spelling(location));
}

bool
ice_storage_is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (strncmp(path, folder, n) != 0)
		return false;
	return path[n] == '\0' || path[n] == '/' || (n > 0 && folder[n - 1] == '/');
}

bool
ice_storage_holds_root(const char *folder)
{
	List     *roots = list_concat(ice_file_path_roots(false), ice_file_path_roots(true));
	ListCell *cell;

	foreach (cell, roots)
		if (ice_storage_is_below(psprintf("file://%s", (char *) lfirst(cell)), folder))
			return true;
	return false;
}

static bool
ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text);
	size_t m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

/* Iceberg spec, "Naming for GZIP compressed Metadata JSON files"; the second form is the older
 * one. */
static bool
is_gzip_name(const char *location)
{
	return ends_with(location, ".gz.metadata.json") || ends_with(location, ".metadata.json.gz");
}

void
ice_storage_read_metadata(const char *location, const IceStorageProfile *profile, StringInfo out)
{
	const IceStorage *storage = ice_storage_open(location, profile);
	size_t            limit = (size_t) ice_guc_metadata_file_bytes_max;
	StringInfoData    packed;

	if (!is_gzip_name(location))
	{
		storage->read(storage, location, limit, out);
		return;
	}
	initStringInfo(&packed);
	storage->read(storage, location, limit, &packed);
	ice_gzip_unpack(packed.data, packed.len, false, limit, out);
	pfree(packed.data);
}

void
ice_storage_write_metadata(const char *location, const IceStorageProfile *profile, const char *data,
						   size_t len)
{
	const IceStorage *storage = ice_storage_open(location, profile);
	StringInfoData    packed;

	if (!is_gzip_name(location))
	{
		storage->write_atomic(storage, location, data, len);
		return;
	}
	initStringInfo(&packed);
	ice_gzip_pack(data, len, &packed);
	storage->write_atomic(storage, location, packed.data, packed.len);
	pfree(packed.data);
}

/* Its storage, and its bytes as they are stored. */
static const IceStorage *
prepare_write(IceFileWrite *file)
{
	MemoryContext context = CurrentMemoryContext;
	const IceStorage *volatile storage = NULL;

	PG_TRY();
	{
		storage = ice_storage_open(file->location, file->profile);
		if (is_gzip_name(file->location))
		{
			StringInfoData packed;

			initStringInfo(&packed);
			ice_gzip_pack(file->data, file->len, &packed);
			file->data = packed.data;
			file->len = (size_t) packed.len;
		}
	}
	PG_CATCH();
	{
		ErrorData *error;

		/* Nothing to roll back here either. */
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		file->error = error->message;
	}
	PG_END_TRY();
	return storage;
}

/* Neighbours of one store go together; a file that cannot be written stands alone. */
void
ice_storage_write_metadata_batch(IceFileWrite *files, int count)
{
	const IceStorage **storages = palloc(sizeof(IceStorage *) * Max(count, 1));
	int                end;

	for (int i = 0; i < count; i++)
		storages[i] = prepare_write(&files[i]);
	for (int begin = 0; begin < count; begin = end)
	{
		end = begin + 1;
		if (files[begin].error != NULL)
			continue;
		while (end < count && files[end].error == NULL &&
			   storages[end]->write_batch == storages[begin]->write_batch &&
			   files[end].profile == files[begin].profile)
			end++;
		storages[begin]->write_batch(storages[begin], &files[begin], end - begin);
	}
	pfree(storages);
}

/* The store of a file that is to go; NULL where there is none, and the file's error says why. */
static const IceStorage *
open_removal(IceFileRemoval *file)
{
	MemoryContext context = CurrentMemoryContext;
	const IceStorage *volatile storage = NULL;

	PG_TRY();
	{
		storage = ice_storage_open(file->location, file->profile);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		file->error = error->message;
	}
	PG_END_TRY();
	return storage;
}

void
ice_storage_remove_batch(IceFileRemoval *files, int count)
{
	const IceStorage **storages = palloc(sizeof(IceStorage *) * Max(count, 1));
	int                end;

	for (int i = 0; i < count; i++)
		storages[i] = open_removal(&files[i]);
	for (int begin = 0; begin < count; begin = end)
	{
		end = begin + 1;
		if (storages[begin] == NULL)
			continue;
		while (end < count && storages[end] != NULL &&
			   storages[end]->remove_batch == storages[begin]->remove_batch &&
			   files[end].profile == files[begin].profile)
			end++;
		storages[begin]->remove_batch(storages[begin], &files[begin], end - begin);
	}
	pfree(storages);
}
