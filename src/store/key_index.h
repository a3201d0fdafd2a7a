/*
 * key_index.h
 *		The indexes of a table that is written without the executor (key_write.h).
 *
 * They are b-trees of PostgreSQL's own operator classes, checked at once, on columns and on
 * PostgreSQL's own functions of columns; a condition on them is one of key_test.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_KEY_INDEX_H
#define ICE_KEY_INDEX_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "utils/relcache.h"

typedef struct IceKeyIndexes IceKeyIndexes;

/* The indexes of an open table, for writes that give the columns a new value, which are offset by
 * FirstLowInvalidHeapAttributeNumber. Allocated in the current memory context. NULL: one of them is
 * more than that. */
extern const IceKeyIndexes *ice_key_index_all(Relation table, const Bitmapset *given);

/* Does the table still have these, and no others? */
extern bool ice_key_index_same(const IceKeyIndexes *indexes, Relation table);

/* Adds the entries of new rows, which are in the table. changed: they are other versions of rows.
 * Raises unique_violation. */
extern void ice_key_index_add(const IceKeyIndexes *indexes, Relation table, TupleTableSlot **slots,
							  int count, bool changed);

#endif
