/*
 * key_test.h
 *		Values and conditions of a plan, or of an index, that are simple enough to be looked at
 *		without the executor: columns of one table compared with parameters and constants.
 *
 * Every function that is called is PostgreSQL's own: no code of anybody else can run in a test.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_KEY_TEST_H
#define ICE_KEY_TEST_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* A parameter of the statement, or a constant. */
typedef struct IceOperand
{
	int   parameter; /* from 0; -1: the constant */
	Datum constant;
	bool  is_null; /* the constant is NULL */
	bool  is_varlena;
} IceOperand;

typedef struct IceKeyTest IceKeyTest;

/* Conditions that must all hold. */
typedef struct IceKeyTests
{
	IceKeyTest *items;
	int         count;
} IceKeyTests;

/* Is it an object of PostgreSQL itself? */
extern bool ice_key_test_is_postgresqls(Oid object);

/* The operand that an expression is; false: it is more. A constant may be NULL. */
extern bool  ice_key_test_operand(const Node *node, IceOperand *out);
/* The value of an operand that is not NULL, with all of its bytes at hand. */
extern Datum ice_key_test_value(const IceOperand *operand, const Datum *parameters);

/* The number of a column of a table (or of an index: INDEX_VAR); 0 for anything else. */
extern AttrNumber ice_key_test_column(const Node *node, Index relation);
/* Both sides of a comparison: a column, and an operand that is not NULL. */
extern bool       ice_key_test_sides(const List *arguments, Oid operator, Index relation,
									 AttrNumber *column, IceOperand *operand);

/* The tests that conditions on a table are; false: they are more. Allocated in the current memory
 * context. */
extern bool ice_key_tests_of(const List *conditions, Index table, IceKeyTests *out);
extern bool ice_key_tests_pass(const IceKeyTests *tests, TupleTableSlot *slot,
							   const Datum *parameters);

#endif
