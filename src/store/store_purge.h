/*
 * store_purge.h
 *		What the rows of dropped tables say: which files they had, and which rows can go.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PURGE_H
#define ICE_STORE_PURGE_H

#include "utils/timestamp.h"

#include "store/spi.h"

/* What the rows of a dropped table say about it. */
typedef struct IceDroppedTable
{
	const char *location;
	const char *metadata_location;
	const char *properties; /* JSON object */
	const char *name;
	Datum       namespace_levels; /* text[], or 0 where the namespace is gone */
} IceDroppedTable;

/* False if the table's head is gone or the table is not dropped. */
extern bool ice_purge_read_table(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								 IceDroppedTable *out);

/* What else names its files. */
typedef enum IcePurgeList
{
	ICE_PURGE_SNAPSHOTS,    /* JSON objects */
	ICE_PURGE_METADATA_LOG, /* files */
	ICE_PURGE_STATISTICS,   /* JSON objects */
	ICE_PURGE_PARTITION_STATISTICS,
	ICE_PURGE_DELETIONS, /* files */
	ICE_PURGE_LISTS
} IcePurgeList;

/* The next rows of a list, some hundreds: a List of C strings; NIL at its end. after: -1 at first;
 * the call moves it on. */
extern List *ice_purge_read_page(IcePurgeList list, const pg_uuid_t *warehouse_id,
								 const pg_uuid_t *table_id, int64 *after);

/* Deletes some of the rows of its lists, and of what it refers to; true if none are left. */
extern bool ice_purge_delete_parts(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

typedef struct IceDroppedRelation
{
	pg_uuid_t warehouse_id;
	pg_uuid_t id;
	bool      is_view;
} IceDroppedRelation;

/* Tables and views dropped before a time for which no task is queued: a List of IceDroppedRelation
 * *. For the worker only. */
extern List *ice_purge_dropped_relations(TimestampTz before, int limit);

#endif
