/*
 * storage.h
 *		Files that tables are made of: handles of the stores that they lie in, opened by location.
 *
 * Locations are taken literally: Iceberg clients do not percent-encode the paths that they write
 * into metadata, so nothing is decoded here. "file:///a/b", "file:/a/b" and "/a/b" are the same
 * file.
 *
 * Nothing here touches the database. Calls can take long (a disk, later a network) and must not be
 * made while rows are locked that others need, except in the sync mode of a commit.
 *
 * Errors: FORBIDDEN_LOCATION for a location outside the allowed roots, of an unknown scheme or that
 * is no URI, NO_SUCH_FILE, LIMIT_EXCEEDED, STORAGE for everything else (with the operating system's
 * reason).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORAGE_H
#define ICE_STORAGE_H

#include "storage/storage_def.h"

struct List;

/* The store of a location, by its scheme, as the profile says (NULL: none). Lives as long as the
 * current memory context, at least. Raises FORBIDDEN_LOCATION for an unknown scheme, or for no URI
 * at all. */
extern const IceStorage *ice_storage_open(const char *location, const IceStorageProfile *profile);

/* Is a location in the root of a profile (NULL: in none)? */
extern bool ice_storage_reaches(const IceStorageProfile *profile, const char *location);
/* Does a location lie on disks of this machine? */
extern bool ice_storage_is_local(const char *location);

/* Has the file of a location that was accepted once vanished? False where that cannot be told
 * cheaply. */
extern bool ice_storage_missing(const char *location);

/* Is the file there? Raises as its store does. */
extern bool ice_storage_exists(const char *location, const IceStorageProfile *profile);

/* The canonical spelling of a location. Raises where it is not allowed. */
extern char *ice_storage_checked(const char *location, const IceStorageProfile *profile);
/* The same; NULL where it is not allowed. */
extern char *ice_storage_canonical(const char *location, const IceStorageProfile *profile);

/* Every canonical spelling of a file or folder, whether the server may use it or not: first that of
 * its letters, then the one with all links resolved in the folders above it, and in itself, where
 * they differ. A List of C strings, of one at least. Raises nothing. */
extern struct List *ice_storage_spellings(const char *location);
/* The first of these, without a look at storage. */
extern char        *ice_storage_spelling(const char *location);
/* Raises FORBIDDEN_LOCATION for what no table or view may be placed at, in any store: control
 * characters, and what object_path.h says. What the server may use is another question. */
extern void         ice_storage_check_place(const char *location);
/* Is a folder (canonical) a root of file storage, or around one? */
extern bool         ice_storage_holds_root(const char *folder);
/* Is a name in a client's file one that a row can hold? */
extern bool         ice_storage_is_text(const char *name, size_t len);
/* Is a path the folder, or below it? Both in canonical spelling. */
extern bool         ice_storage_is_below(const char *path, const char *folder);

/* Metadata files: gzip'd where the name says so (.gz.metadata.json, .metadata.json.gz); at most
 * icecat.metadata_file_bytes_max unpacked. */
extern void ice_storage_read_metadata(const char *location, const IceStorageProfile *profile,
									  StringInfo out);
extern void ice_storage_write_metadata(const char *location, const IceStorageProfile *profile,
									   const char *data, size_t len);
/* Many of them, together; see write_batch. */
extern void ice_storage_write_metadata_batch(IceFileWrite *files, int count);

/* Deletes files of any stores; see remove_batch. */
extern void ice_storage_remove_batch(IceFileRemoval *files, int count);

#endif
