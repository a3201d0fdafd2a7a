/*
 * avro.h
 *		Reads one string field out of every record of an Avro object container file.
 *
 * That is all a purge needs of manifest lists and manifests. The files are written by clients, and
 * this code runs in the server: every length is checked, memory is palloc'd and bounded, nesting
 * and the number of decoded values too. A broken file raises STORAGE, an unknown codec UNSUPPORTED.
 * libavro is not used, because it allocates what a file tells it to, outside of any memory context,
 * and brings jansson into the server.
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

/* A file that is read block by block. What it takes lies in the memory context that is current when
 * it is opened, which must be current again for each block. */
typedef struct IceAvroFile IceAvroFile;

/* Reads the head of a file. data, and path, must stay where they are. path: names of nested record
 * fields, outermost first; NULL ends it. */
extern IceAvroFile *ice_avro_open(const char *data, size_t len, const char *const *path);
/* Passes over records whose field of that name, a number, is value. */
extern void         ice_avro_pass_over(IceAvroFile *file, const char *field, int64 value);
/* Calls visit for the string at path of every record of the next block. A record where it is absent
 * or null is passed over. False: there is no block left. */
extern bool         ice_avro_next_block(IceAvroFile *file, IceAvroVisit visit, void *arg);

/* The same for all blocks of a file. */
extern void ice_avro_visit(const char *data, size_t len, const char *const *path,
						   IceAvroVisit visit, void *arg);

#endif
