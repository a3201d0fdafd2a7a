/*
 * file_path.h
 *		Paths of file:// locations: their spellings, and the roots of icecat.file_roots.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FILE_PATH_H
#define ICE_FILE_PATH_H

#include "postgres.h"

#include "pg_compat.h"

struct List;

/* A folder of this name, anywhere below a root, is ours: no location lies in it. */
#define ICE_MARK_FOLDER ".icecat"

/* The path of a location: without "file:" and an empty authority; normalised. Raises
 * FORBIDDEN_LOCATION. */
extern char        *ice_file_path(const char *location);
/* The same; raises also unless it is below a root by its letters. */
extern char        *ice_file_path_checked(const char *location);
/* The root that a normalised path lies below, with the rest of the path; NULL if there is none.
 * With resolve, links in the roots are resolved, for a path that is. */
extern char        *ice_file_path_root(const char *path, bool resolve, const char **rest);
/* The roots that may be used: a List of C strings, normalised; links resolved, with resolve. */
extern struct List *ice_file_path_roots(bool resolve);
/* Those of the setting that are not used, because they hold or lie in PostgreSQL's data directory
 * or a tablespace. */
extern struct List *ice_file_path_refused_roots(void);
extern void         ice_file_path_raise_outside(const char *path) pg_attribute_noreturn();
/* The path with its links resolved as far as it exists; NULL and errno if that cannot be told. */
extern char        *ice_file_path_resolve(const char *path);

/* Every spelling of a location that may be any; see ice_storage_spellings(). */
extern struct List *ice_file_path_spellings(const char *location);
extern char        *ice_file_path_spelling(const char *location);

#endif
