/*
 * dropped_list.h
 *		The lists of tables and views that were dropped and can be undropped.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DROPPED_LIST_H
#define ICE_DROPPED_LIST_H

#include "postgres.h"

#include "fmgr.h"

#include "store/store_relation.h"

/* Is argument 4, deleted, true? Callers of before have no such argument. */
extern bool  ice_dropped_list_wanted(FunctionCallInfo fcinfo);
/* By the arguments of icecat.list_tables(): what of a namespace the caller may undrop. */
extern Datum ice_dropped_list(FunctionCallInfo fcinfo, IceRelationKind kind);

#endif
