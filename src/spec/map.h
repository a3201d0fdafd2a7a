/*
 * map.h
 *		A hash table from texts to pointers, for look-ups that must not take longer the more there
 *		is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_MAP_H
#define ICE_MAP_H

#include "json/pure.h"

typedef struct IceMap IceMap;

extern IceMap *ice_map_make(void);
extern void    ice_map_free(IceMap *map); /* not what its values point to */

/* The place of a key's value, which is NULL at first. Keys are copied. It moves when another key
 * comes. */
extern void **ice_map_at(IceMap *map, const void *key, size_t len);

/* The value of a key, or NULL. */
extern void *ice_map_get(const IceMap *map, const void *key, size_t len);

/* Puts a key in; false if it was there. */
extern bool ice_map_add(IceMap *map, const void *key, size_t len);

#endif
