/*
 * s3_delete.h
 *		Deletes objects of an S3 store, many with one request.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_DELETE_H
#define ICE_S3_DELETE_H

#include "storage/storage_def.h"

/* Files of one profile, whose locations have been checked, except those that have an error already.
 * Sets of each whether it is gone, or why not; raises nothing, except for an interrupt. An object
 * that was not there counts as removed: a store does not say which it was. */
extern void ice_s3_delete(const IceStorageProfile *profile, IceFileRemoval *files, int count);

#endif
