/*
 * key_write.h
 *		Rows written, or locked, without the executor: what the plan of a statement would do, done
 *		directly.
 *
 * As with reads by key (key_scan.h), the plan says what is written. Where the table is a plain
 * local one and nothing else happens at a write than that the row and its index entries come, go or
 * change, that is done here, by PostgreSQL's own access to tables and indexes. Triggers, CHECKs,
 * generated columns, row security, rules, partitions, other indexes than b-trees, and what another
 * extension has planned: there the executor runs it as before.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_KEY_WRITE_H
#define ICE_KEY_WRITE_H

#include "postgres.h"

#include "storage/lockdefs.h"
#include "utils/plancache.h"
#include "utils/snapshot.h"

#include "store/key_scan.h"

typedef struct IceKeyWrite IceKeyWrite;

/* What became of a row that was to be changed or locked. */
typedef enum IceKeyOutcome
{
	ICE_KEY_DONE,
	ICE_KEY_NONE,        /* the snapshot shows no such row */
	ICE_KEY_BY_EXECUTOR, /* nothing was done: others have the row, or it is not allowed */
} IceKeyOutcome;

/* The write that a plan is, allocated in the current memory context; NULL where it is more. */
extern const IceKeyWrite *ice_key_write_of(const CachedPlan *plan);

/* The table, and the lock that a held plan has on it. */
extern Oid      ice_key_write_table(const IceKeyWrite *write);
extern LOCKMODE ice_key_write_lockmode(const IceKeyWrite *write);

/* An INSERT: so many rows, each of width parameters. False: nothing was done, the executor must. */
extern bool ice_key_write_insert(const IceKeyWrite *write, const CachedPlan *plan,
								 const Datum *values, const bool *nulls, int width, int rows);

/* An UPDATE or DELETE of the one row that a snapshot shows. */
extern IceKeyOutcome ice_key_write_change(const IceKeyWrite *write, const CachedPlan *plan,
										  const Datum *values, const bool *nulls,
										  Snapshot snapshot);

/* SELECT … FOR UPDATE of the one row that a snapshot shows. Never waits. rows: in the current
 * memory context. */
extern IceKeyOutcome ice_key_write_lock(const IceKeyWrite *write, const CachedPlan *plan,
										const Datum *values, Snapshot snapshot, IceRows **rows);

/* Is it an INSERT? Else it changes or locks one row. */
extern bool ice_key_write_inserts(const IceKeyWrite *write);

#endif
