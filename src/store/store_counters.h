/*
 * store_counters.h
 *		What was written to each object store since the server started, in shared memory.
 *
 * There is room for some hundred stores of all databases. One that finds none takes that of the
 * store to which nothing was written for longest, whose counters begin again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_COUNTERS_H
#define ICE_STORE_COUNTERS_H

#include "postgres.h"

#include "utils/uuid.h"

#define ICE_STORE_COUNTERS_ROOM 256

typedef struct IceStoreCounters
{
	pg_uuid_t profile_id; /* the nil uuid: disks of this machine */
	int64     files_written;
	int64     files_failed; /* tries */
	int64     bytes_written;
	int64     lag_us; /* from the commit until the file was there, of all files */
} IceStoreCounters;

/* Adds to what was counted of a store. */
extern void ice_store_counters_add(const IceStoreCounters *more);
/* A profile is dropped: its room is free when the transaction commits. */
extern void ice_store_counters_drop(const pg_uuid_t *profile_id);
/* Those of this database; returns how many. */
extern int  ice_store_counters_read(IceStoreCounters out[ICE_STORE_COUNTERS_ROOM]);

#endif
