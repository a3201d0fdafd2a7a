/*
 * file_prune.h
 *		Takes away the empty folders of file storage, and abandoned temporary files of ours.
 *
 * A folder may have a hundred thousand others in it: the walk stops after some entries and goes on
 * later. It keeps the directories on its way open, no more than it may go deep; they are closed
 * with the memory context of the walk, also after an error. Each was opened in its parent without
 * following a link.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FILE_PRUNE_H
#define ICE_FILE_PRUNE_H

#include "storage/storage_def.h"

/* Names of the files that are being written. */
#define ICE_TEMPORARY_PREFIX ".icecat-"
#define ICE_TEMPORARY_SUFFIX ".tmp"

/* IceStorage.prune. A root itself is never removed. */
extern bool ice_file_prune(const IceStorage *storage, const char *location, IceStorageWalk **walk,
						   int entries);

#endif
