/*
 * snappy.h
 *		Snappy's raw format, by libsnappy.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SNAPPY_H
#define ICE_SNAPPY_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends at most limit bytes. Raises STORAGE for broken data, LIMIT_EXCEEDED for more. */
extern void ice_snappy_unpack(const char *data, size_t len, size_t limit, StringInfo out);

#endif
