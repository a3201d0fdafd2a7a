/*
 * clock_skew.h
 *		Times of documents, compared with room for clocks that disagree.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_CLOCK_SKEW_H
#define ICE_CLOCK_SKEW_H

#include "json/pure.h"

/* Where client and server clocks may disagree. */
#define ICE_CLOCK_SKEW_MS INT64CONST(60000)

/* Is a time before another by more than that? Any 64-bit number can stand in a document. */
static inline bool
ice_time_is_before(int64 time, int64 other)
{
	return time < other && (uint64) other - (uint64) time > (uint64) ICE_CLOCK_SKEW_MS;
}

/* The same as Java compares the times of a document that it reads: a difference that has no place
 * in 64 bits turns around. */
static inline bool
ice_time_is_before_in_java(int64 time, int64 other)
{
	return (int64) ((uint64) time - (uint64) other) < -ICE_CLOCK_SKEW_MS;
}

#endif
