/*
 * key_scan.h
 *		Reads by key without the executor: what the plan of a statement would do, done directly.
 *
 * The start of the executor costs more than all else that a look-up by key does. So a statement
 * whose plan is one scan of a b-tree index of one plain table, with conditions and columns of the
 * simplest kinds, is read here, by PostgreSQL's own index access. The plan stays what says which
 * rows: it was made by PostgreSQL, with all that holds for the table. Where it is anything else
 * (foreign, distributed, partitioned or inherited tables, views, row security, other indexes, what
 * another extension has planned), there is no scan for it, and the executor runs it as before.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_KEY_SCAN_H
#define ICE_KEY_SCAN_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/plannodes.h"
#include "utils/plancache.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct IceKeyScan IceKeyScan;

/* The rows of a scan: of row r the column c (both from 0) is values[r * columns + c]. */
typedef struct IceRows
{
	uint64 count;
	uint64 room;
	int    columns;
	Datum *values;
	bool  *nulls;
} IceRows;

/* The scan that a plan is, allocated in the current memory context; NULL where it is more. */
extern const IceKeyScan *ice_key_scan_of(const CachedPlan *plan);

extern Oid ice_key_scan_table(const IceKeyScan *scan);

/* Reads the rows that a snapshot shows. The plan must be held, which locks its table. The rows are
 * allocated in the current memory context. */
extern IceRows *ice_key_scan_run(const IceKeyScan *scan, const CachedPlan *plan,
								 const Datum *values, Snapshot snapshot);

/* -- for what writes the row that it finds (key_write.h) --------------------------------------- */

/* The statement of a plan, if it has one, which is the same for all roles; else NULL. */
extern const PlannedStmt *ice_key_scan_statement(const CachedPlan *plan);

/* The scan of one node of a plan, yet without columns; NULL where it is more. */
extern IceKeyScan *ice_key_scan_of_node(const PlannedStmt *statement, const Plan *plan);
/* Gives it the columns of a node's result. A smallint is an integer as it is. False: they are
 * more. */
extern bool        ice_key_scan_columns(IceKeyScan *scan, const List *targets);
/* Does the scan of a node find one row at most, as its conditions give all columns of a unique
 * index? */
extern bool        ice_key_scan_is_unique(const IceKeyScan *scan, const Plan *plan);

/* Puts the first row that a snapshot shows into the slot, of the open table; false: there is
 * none. */
extern bool     ice_key_scan_find(const IceKeyScan *scan, Relation table, const Datum *values,
								  Snapshot snapshot, TupleTableSlot *slot);
/* The columns of the row in a slot; NULL: no row. In the current memory context. */
extern IceRows *ice_key_scan_row(const IceKeyScan *scan, Relation table, TupleTableSlot *slot);

#endif
