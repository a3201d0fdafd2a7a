/*
 * s3_multipart.h
 *		Large objects, written in parts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_MULTIPART_H
#define ICE_S3_MULTIPART_H

#include "storage/s3_call.h"

/* Makes of a call that writes one body a chain of calls that write it in parts. The headers that
 * the call has are those of the object. */
extern void  ice_s3_multipart_begin(IceS3Call *s3);
/* Of a chain that did not come to its end: the identifier of what must be given up; NULL: none. */
extern char *ice_s3_multipart_left(const IceS3Call *s3);

#endif
