/*
 * store_dropped.h
 *		Tables and views that were dropped and can be undropped: their rows stay for a while.
 *
 * A warehouse says for how long (icecat.undrop-retention-s). The name is free at once; privileges,
 * labels, restrictions and what the table holds on storage stay with its id. When the time is over
 * the worker purges it, if that was asked for, or else forgets it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_DROPPED_H
#define ICE_STORE_DROPPED_H

#include "json/json.h"
#include "store/spi.h"
#include "store/store_relation.h"

#define ICE_DROPPED_RETENTION_PROPERTY "icecat.undrop-retention-s"

/* Is the state of a version that can undrop? */
extern bool ice_dropped_exists(void);

/* The property, of the properties of a warehouse; 0: a drop is final. Raises BAD_REQUEST for what
 * is no number of seconds up to ten years. */
extern int64 ice_dropped_retention_s(const IceJson *properties);

/* The table or view was dropped by this transaction, and can be undropped for that time. purge: its
 * files go then. */
extern void ice_dropped_keep(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
							 int64 retention_s, bool purge);

/* Finds what can be undropped: of that uuid, wherever it was, or (NULL) the latest of that name
 * in the namespace. Its head is locked. False: there is none. */
extern bool ice_dropped_lock(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
							 const char *name, const char *uuid, IceRelationKind kind,
							 pg_uuid_t *relation_id);

/* Gives it a name again. Raises ALREADY_EXISTS, QUOTA_EXCEEDED. False: its time is over. */
extern bool ice_dropped_revive(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
							   const pg_uuid_t *namespace_id, const char *name,
							   IceRelationKind kind, const char *display);

/* Ends the time of some now: of one uuid, or (NULL) of all in the warehouse. Returns how many. */
extern int64 ice_dropped_hurry(const pg_uuid_t *warehouse_id, const char *uuid);

/* How many in a warehouse can be undropped, or wait for the worker after that. */
extern int64 ice_dropped_count(const pg_uuid_t *warehouse_id);

/* One that can be undropped. */
typedef struct IceDroppedRow
{
	pg_uuid_t   id;
	const char *json; /* what a list says of it */
} IceDroppedRow;

/* Those of a namespace, by ids after one: a List of IceDroppedRow *. */
extern List *ice_dropped_rows(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
							  Datum levels, IceRelationKind kind, const pg_uuid_t *after,
							  int limit);

/* For the worker: ends those whose time is over, at most limit: queues their purge, and writes
 * their events. Returns how many. */
extern int ice_dropped_expire(int limit);

#endif
