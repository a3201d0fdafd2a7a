/*
 * object_path.h
 *		Locations in object stores: s3, s3a, s3n, gs, abfs, abfss, wasb, wasbs.
 *
 * Keys are bytes, and are taken as they are written: nothing is percent-decoded. A client's
 * spelling is kept in the metadata; the canonical one is only compared.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_OBJECT_PATH_H
#define ICE_OBJECT_PATH_H

#include "postgres.h"

/* Does the location's scheme say so? */
extern bool ice_object_path_is(const char *location);

/* The canonical spelling, without slashes at its end: s3a and s3n are s3; abfs, wasb and wasbs are
 * abfss, with the host name of the file system, in small letters. What is no location of its scheme
 * comes back as it is. Raises nothing; palloc'd. */
extern char *ice_object_path_spelling(const char *location);

/* Raises FORBIDDEN_LOCATION for what nothing may be placed at: a bucket, container or account whose
 * name is none; a segment that is empty, "." or ".."; a backslash where it is a slash. */
extern void ice_object_path_check(const char *location);

#endif
