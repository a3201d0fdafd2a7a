/*
 * zstd.h
 *		Zstandard, by libzstd.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ZSTD_H
#define ICE_ZSTD_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends at most limit bytes, of one frame or several. Raises STORAGE for broken data;
 * LIMIT_EXCEEDED for more, or where unpacking takes more memory than the request may. */
extern void ice_zstd_unpack(const char *data, size_t len, size_t limit, StringInfo out);

#endif
