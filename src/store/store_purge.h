/*
 * store_purge.h
 *		What the rows of dropped tables say: which files they had, and which rows can go.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PURGE_H
#define ICE_STORE_PURGE_H

#include "utils/timestamp.h"

#include "store/plan_cache.h"

/* What the rows of a dropped table say about its files. All lists are of C strings. */
typedef struct IceTableFiles
{
	const char *location;
	const char *metadata_location;
	const char *properties; /* JSON object */
	List       *snapshots;  /* JSON objects */
	List       *statistics; /* JSON objects, of both kinds */
	List       *metadata_log; /* metadata files */
	const char *name;
	Datum       namespace_levels; /* text[], or 0 where the namespace is gone */
} IceTableFiles;

/* False if the table's head is gone or the table is not dropped. */
extern bool ice_purge_read_table(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								 IceTableFiles *out);

typedef struct IceDroppedRelation
{
	pg_uuid_t warehouse_id;
	pg_uuid_t id;
	bool      is_view;
} IceDroppedRelation;

/* Tables and views dropped before a time for which no task is queued: a List of IceDroppedRelation *. For the worker
 * only. */
extern List *ice_purge_dropped_relations(TimestampTz before, int limit);

#endif
