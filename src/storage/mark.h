/*
 * mark.h
 *		Which copy of a catalog a root of storage belongs to.
 *
 * A dump, a template, a base backup or a promoted standby is the same catalog, with the same tables
 * at the same locations. Only one of them may delete files. A mark, <root>/.icecat/<id of the
 * catalog>, says which: it holds what a copy cannot share with its original, and a database that
 * deletes compares it with its own.
 *
 * Nothing here touches the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_MARK_H
#define ICE_MARK_H

#include "postgres.h"

#include "storage/storage_def.h"

typedef enum IceMark
{
	ICE_MARK_NONE,
	ICE_MARK_OWN,
	ICE_MARK_OTHER
} IceMark;

/* Looks in a folder (canonical) and all folders above it. One of another database decides; where
 * gets its file. Not during recovery. */
extern IceMark ice_mark_look(const char *folder, const char *catalog, char **where);

/* Marks the root of a location, unless there is a mark in or above the location. Failures are
 * passed over: without a mark nothing is deleted. */
extern void ice_mark_make(const char *location, const char *catalog);

/* The same of the root of a profile, in which a mark has that place. Asks the store once; raises
 * what it raises. */
extern IceMark ice_mark_look_in_store(const IceStorageProfile *profile, const char *catalog,
									  char **where);
/* Marks the root of a profile: with adopt, over another database's mark, else unless there is one.
 * Raises what its store raises. */
extern void    ice_mark_make_in_store(const IceStorageProfile *profile, const char *catalog,
									  bool adopt);

/* Makes the marks at a folder (canonical), and above it, those of this database. Raises STORAGE. */
extern void ice_mark_adopt(const char *folder, const char *catalog);

#endif
