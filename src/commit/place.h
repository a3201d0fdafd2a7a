/*
 * place.h
 *		May the caller have a table's or view's files there?
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_PLACE_H
#define ICE_COMMIT_PLACE_H

#include "store/store_table.h"
#include "store/store_view.h"

/* Of the folders that the metadata names (those that the object holds already do not count): none
 * is in a folder of another table or view, or has one in it, unless the caller may write that one.
 * Where tables of a warehouse are, a caller who may not create in all of it places only below the
 * location of the namespace. Raises FORBIDDEN. Call it before folders are made. */
extern void ice_place_check_table(const IceWarehouse *warehouse, const IceTable *table);
extern void ice_place_check_view(const IceWarehouse *warehouse, const IceView *view);

#endif
