/*
 * storage_file.h
 *		file:// storage: whole files below the directories of icecat.file_roots.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORAGE_FILE_H
#define ICE_STORAGE_FILE_H

#include "storage/storage_def.h"

/* It has no profile: the roots are the server's. */
extern const IceStorage *ice_storage_file_open(void);

#endif
