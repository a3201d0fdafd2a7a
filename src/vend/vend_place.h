/*
 * vend_place.h
 *		A location on an object store, taken apart: what credentials are narrowed to.
 *
 * Keys are bytes and are taken literally: nothing is decoded. A location that a store, a proxy or
 * another client could understand in another way is refused here, so nothing that uses a place has
 * to ask again: no empty or dot segments, no control characters, no empty key (that would be the
 * whole bucket).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_PLACE_H
#define ICE_VEND_PLACE_H

#include "json/pure.h"

typedef enum IceVendStore
{
	ICE_VEND_S3,
	ICE_VEND_GCS,
	ICE_VEND_ADLS
} IceVendStore;

typedef struct IceVendPlace
{
	IceVendStore store;
	const char  *bucket;   /* of ADLS: the container */
	const char  *host;     /* of ADLS: the account's host; else NULL */
	const char  *key;      /* without a slash at either end; never empty */
	const char  *location; /* as the client wrote it, without slashes at its end */
} IceVendPlace;

/* The places of one table in one store: none lies in another. The first is the one that holds the
 * metadata file. */
typedef struct IceVendPlaces
{
	IceVendPlace *items;
	int           count;
	int           capacity; /* private */
} IceVendPlaces;

/* Sets *place. Returns NULL, or why nothing is vended for the location (for a message). */
extern const char *ice_vend_place_parse(const char *location, IceVendPlace *place);

/* Adds a location unless a place holds it already, and takes away places that lie in it. Returns
 * as ice_vend_place_parse(); also refused is another store than that of the first. */
extern const char *ice_vend_place_add(IceVendPlaces *places, const char *location);

/* Is the key of a bucket in the place? The place's own key is no file in it. */
extern bool ice_vend_place_holds(const IceVendPlace *place, const char *bucket, const char *key);

/* What a client is told: the location; with a slash at its end where another place's location
 * begins with it, since clients compare letters. */
extern const char *ice_vend_place_prefix(const IceVendPlaces *places, int n);

#endif
