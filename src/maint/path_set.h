/*
 * path_set.h
 *		A set of paths, for the files that use it: path_set_create(), path_set_insert(),
 *		path_set_lookup() and an iterator.
 *
 * A path lies where the caller put it: the set keeps the pointer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PATH_SET_H
#define ICE_PATH_SET_H

#include "postgres.h"

#include "budget.h"

typedef struct PathEntry
{
	char  *path;
	uint32 status;
	uint32 hash;
} PathEntry;

#define SH_PREFIX            path_set
#define SH_ELEMENT_TYPE      PathEntry
#define SH_KEY_TYPE          char *
#define SH_KEY               path
#define SH_HASH_KEY(tb, key) (uint32) ice_budget_hash(key, strlen(key))
#define SH_EQUAL(tb, a, b)   (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE           static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#endif
