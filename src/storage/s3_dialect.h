/*
 * s3_dialect.h
 *		How requests for objects are said to S3 stores.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_DIALECT_H
#define ICE_S3_DIALECT_H

#include "storage/s3_call.h"

extern const IceObjectDialect ice_s3_dialect_object;

#endif
