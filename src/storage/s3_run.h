/*
 * s3_run.h
 *		Runs requests to an S3 store, signed by the profile's login.
 *
 * A temporary login that has expired is replaced, and the requests that it failed are sent once
 * more.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_RUN_H
#define ICE_S3_RUN_H

#include "storage/s3_call.h"

/* A request for a location, in the dialect of the profile's store. */
extern void  ice_s3_run_begin(IceS3Call *s3, const IceStorageProfile *profile, const char *method,
							  const char *action, const char *location);
/* All of one profile. Raises STORAGE where there is no login. */
extern void  ice_s3_run(const IceStorageProfile *profile, IceS3Call **calls, int count);
/* The same; gives that error as text, palloc'd, instead; NULL: none. */
extern char *ice_s3_run_try(const IceStorageProfile *profile, IceS3Call **calls, int count);

#endif
