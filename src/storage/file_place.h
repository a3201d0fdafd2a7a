/*
 * file_place.h
 *		Opens the directories of file storage, so that no symbolic link leads out of the roots.
 *
 * Descriptors are plain ones: the caller closes them on every way out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FILE_PLACE_H
#define ICE_FILE_PLACE_H

#include "postgres.h"

/* A file's place: an open directory and a name in it. */
typedef struct IcePlace
{
	int         directory; /* -1: not open */
	const char *leaf;
	const char *path; /* for messages and for resolving links */
} IcePlace;

/* openat() without following a link, not disturbed by signals; -1 and errno. */
extern int  ice_file_place_open_at(int directory, const char *name, int flags, int mode);
/* Opens a directory in another without following a link; ELOOP for a link. */
extern int  ice_file_place_open_subdirectory(int parent, const char *name);
/* Opens the directory of a checked path; with make, missing ones below the root are made. -1 and
 * errno if it is not there; raises FORBIDDEN_LOCATION. */
extern int  ice_file_place_open_directory(const char *path, bool make);
/* Opens the place of a file; place->directory is -1, and errno set, where its directory is
 * missing. */
extern void ice_file_place_open(const char *path, bool make, IcePlace *place);
extern void ice_file_place_close(IcePlace *place);

#endif
