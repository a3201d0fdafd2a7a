/*
 * place.h
 *		May a table's or view's files be there?
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_PLACE_H
#define ICE_COMMIT_PLACE_H

#include "store/store_table.h"
#include "store/store_view.h"

/* Who chose the location of a table or view. */
typedef enum IcePlaceChoice
{
	ICE_PLACE_SERVER,  /* derived, with a uuid that nobody knows */
	ICE_PLACE_DERIVED, /* as the server would derive it; a client said so */
	ICE_PLACE_CLIENT,
	ICE_PLACE_DOCUMENT /* a document that a client registers */
} IcePlaceChoice;

/* Of a location that the server has derived for this uuid. */
extern IcePlaceChoice ice_place_choice(const char *location, const char *uuid);

/* Of the folders that the metadata names, those that the object does not hold already:
 *
 *	- are places at all (ice_storage_check_place), in the tenant's part of the storage,
 *	- are where the warehouse's property icecat.client-location lets clients place things,
 *	- are not in a folder of another table or view that the caller may not write, or around one;
 *	  and, where tables of a warehouse are, are below the location of the namespace, unless the
 *	  caller may create in the whole warehouse,
 *	- are not the location of a warehouse, or of a namespace of its own warehouse, nor around one:
 *	  nobody else could place anything there; unless the warehouse's property
 *	  icecat.location-overlap allows it in its own,
 *	- are not in a folder of another live table or view, or around one, of any warehouse, unless
 *	  the warehouse's property icecat.location-overlap allows it, or it is the same table or view:
 *	  a document that is registered twice is where it is.
 *
 * Two transactions that place things in each other's way wait for each other, until the end of the
 * first. Raises FORBIDDEN or FORBIDDEN_LOCATION. Call it before folders are made. */
extern void ice_place_check_table(const IceWarehouse *warehouse, const IceTable *table,
								  IcePlaceChoice choice);
/* The same for a table that is going to be made, without a lock: it says what is the case now. */
extern void ice_place_expect_table(const IceWarehouse *warehouse, const IceTable *table,
								   IcePlaceChoice choice);
extern void ice_place_check_view(const IceWarehouse *warehouse, const IceView *view,
								 IcePlaceChoice choice);

#endif
