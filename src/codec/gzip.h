/*
 * gzip.h
 *		gzip and deflate, by zlib.
 *
 * Memory is palloc'd, so an error leaks nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GZIP_H
#define ICE_GZIP_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends the data with a gzip header. */
extern void ice_gzip_pack(const char *data, size_t len, StringInfo out);

/* Appends at most limit bytes. raw: deflate without the gzip header, as in Avro blocks. Raises
 * STORAGE for broken data, LIMIT_EXCEEDED for more. */
extern void ice_gzip_unpack(const char *data, size_t len, bool raw, size_t limit, StringInfo out);

#endif
