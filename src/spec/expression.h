/*
 * expression.h
 *		Iceberg expressions: a predicate over the columns of a schema, in one canonical form.
 *
 * Iceberg spec, "Expressions Spec", with the older spelling of REST (term, value) as input. What is
 * bound names columns by their field ids, so a rename does not change what it means. Functions and
 * transforms are refused, and so are columns inside of lists and maps, where "the value of the row"
 * means nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_EXPRESSION_H
#define ICE_EXPRESSION_H

#include "spec/schema.h"

/* Checks a predicate against a schema: its columns, the types of its operators and its literals,
 * how many predicates and literals it has. Returns its canonical form, in which constants stand
 * alone (true, false) or nowhere. What is canonical comes out as it is. Raises BAD_REQUEST for what
 * is no predicate, VALIDATION for what does not fit the schema, LIMIT_EXCEEDED. */
extern IceJson *ice_expression_bind(IceJson *predicate, const IceSchema *schema, int nodes_max);

/* Both: the canonical form of two canonical ones. NULL stands for true. */
extern IceJson *ice_expression_and(IceJson *left, IceJson *right);

/* Is it the constant? */
extern bool ice_expression_is(const IceJson *predicate, bool value);

#endif
