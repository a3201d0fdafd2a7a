/*
 * avro.h
 *		Reads one string field out of every record of an Avro object container file.
 *
 * That is all a purge needs of manifest lists and manifests. The files are written by clients, and this
 * code runs in the server: every length is checked, memory is palloc'd and bounded, nesting and the number
 * of decoded values too. A broken file raises STORAGE, an unknown codec UNSUPPORTED. libavro is not
 * used, because it allocates what a file tells it to, outside of any memory context, and brings jansson
 * into the server.
 *
 * Codecs: null, deflate, snappy, zstandard.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_AVRO_H
#define ICE_AVRO_H

#include "postgres.h"

/* value is not NUL-terminated, and is gone after the call. */
typedef void (*IceAvroVisit)(const char *value, size_t len, void *arg);

/* Calls visit for the string at path (names of nested record fields, outermost first; NULL ends it) of
 * every record. A record where it is absent or null is passed over. */
extern void ice_avro_visit(const char *data, size_t len, const char *const *path,
						   IceAvroVisit visit, void *arg);

#endif
