/*
 * storage.h
 *		Files that tables are made of: one vtable per URI scheme.
 *
 * Locations are taken literally: Iceberg clients do not percent-encode the paths that they write into
 * metadata, so nothing is decoded here. "file:///a/b", "file:/a/b" and "/a/b" are the same file.
 *
 * Nothing here touches the database. Calls can take long (a disk, later a network) and must not be made
 * while rows are locked that others need, except in the sync mode of a commit.
 *
 * Errors: FORBIDDEN_LOCATION for a location outside the allowed roots, of an unknown scheme or that is no URI,
 * NO_SUCH_FILE, LIMIT_EXCEEDED, STORAGE for everything else (with the operating system's reason).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORAGE_H
#define ICE_STORAGE_H

#include "postgres.h"

#include "lib/stringinfo.h"

struct List;

/* One file of a batch. */
typedef struct IceFileWrite
{
	const char *location;
	const char *data;
	size_t      len;
	char       *error; /* set by the call if the file was not written; palloc'd */
} IceFileWrite;

typedef struct IceStorage
{
	/* The one spelling that all spellings of a location share; palloc'd. Raises if not allowed. */
	char *(*canonical)(const char *location);
	/* Appends the file's bytes; more than limit is LIMIT_EXCEEDED, absence NO_SUCH_FILE. */
	void (*read)(const char *location, size_t limit, StringInfo out);
	/* Replaces or creates the file as a whole: readers see the old or the new one, also after a crash. Makes
	 * missing directories. */
	void (*write_atomic)(const char *location, const char *data, size_t len);
	/* The same for many files, which costs less than one after the other. An error of one is its own; raises none, except
	 * for an interrupt. */
	void (*write_batch)(IceFileWrite *files, int count);
	/* False if the file was not there. */
	bool (*remove)(const char *location);
	void (*make_directory)(const char *location); /* with its parents; no error if there */
	bool (*exists)(const char *location);
	/* True only if the server may look there and there is nothing. Cheap: on the path of every load. */
	bool (*missing)(const char *location);
	/* Removes the directory and those below it as far as they hold no file. */
	void (*prune)(const char *location);
} IceStorage;

/* The storage of a location's scheme. Raises FORBIDDEN_LOCATION for an unknown scheme, or for no URI at all. */
extern const IceStorage *ice_storage_for(const char *location);

/* Has the file of a location that was accepted once vanished? False where that cannot be told cheaply. */
extern bool ice_storage_missing(const char *location);

/* The canonical spelling of a location; NULL where it is not allowed. */
extern char *ice_storage_canonical(const char *location);

/* Every canonical spelling of a file or folder, whether the server may use it or not: first that of its letters, then
 * the one with all links resolved in the folders above it, and in itself, where they differ. A List of C strings, of one
 * at least. Raises nothing. */
extern struct List *ice_storage_spellings(const char *location);
/* The first of these, without a look at storage. */
extern char *ice_storage_spelling(const char *location);
/* Is a folder (canonical) a root of file storage, or around one? */
extern bool ice_storage_holds_root(const char *folder);
/* Is a path the folder, or below it? Both in canonical spelling. */
extern bool ice_storage_is_below(const char *path, const char *folder);

/* Metadata files: gzip'd where the name says so (.gz.metadata.json, .metadata.json.gz); at most
 * icecat.metadata_file_bytes_max unpacked. */
extern void ice_storage_read_metadata(const char *location, StringInfo out);
extern void ice_storage_write_metadata(const char *location, const char *data, size_t len);
/* Many of them, together; see write_batch. */
extern void ice_storage_write_metadata_batch(IceFileWrite *files, int count);

extern const IceStorage ice_storage_file;
/* The same of file storage. */
extern struct List *ice_storage_file_spellings(const char *location);
extern char        *ice_storage_file_spelling(const char *location);

#endif
