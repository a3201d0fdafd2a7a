/*
 * storage_s3.h
 *		Object stores: s3://, gs://, abfss:// and their other spellings, reached as a profile says.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORAGE_S3_H
#define ICE_STORAGE_S3_H

#include "storage/storage_def.h"

/* In the current memory context; the profile must live as long. */
extern const IceStorage *ice_storage_s3_open(const IceStorageProfile *profile);

#endif
