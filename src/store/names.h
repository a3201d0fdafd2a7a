/*
 * names.h
 *		Rules of names, and ranges of an ordered list of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_NAMES_H
#define ICE_STORE_NAMES_H

#include "store/spi.h"

/* Which names of a list are wanted. */
typedef struct IceNameRange
{
	const char *after; /* those behind this one, in byte order; NULL: from the first */
	int64       limit; /* at most so many; 0: all */
} IceNameRange;

typedef struct IceNames
{
	const char **items;
	int          count;
} IceNames;

/* For the name of something new, of any kind (what). Raises BAD_REQUEST for one that no path of
 * REST can carry. */
extern void ice_name_check_new(const char *what, const char *name);

/* Runs a statement that lists names, with the range as its last two parameters: after, limit. */
extern void ice_names_read(IceStatement *statement, Datum *values, const IceNameRange *range,
						   IceNames *out);

#endif
