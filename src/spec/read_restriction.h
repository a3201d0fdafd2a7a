/*
 * read_restriction.h
 *		What a reader of a table must do to it: which rows it may show, and how it must change
 *		columns.
 *
 * REST, LoadTableResult "read-restrictions". Rows are filtered by their original values, then
 * columns are masked. A column has one mask at most, and none within one that is masked.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_READ_RESTRICTION_H
#define ICE_READ_RESTRICTION_H

#include "spec/schema.h"

/* Both in the form that is sent: an expression over field ids, NULL: none;
 * [{"field-id":4,"action":"show-last-4"}] by ascending id, NULL: none. */
typedef struct IceReadRestriction
{
	IceJson *row_filter;
	IceJson *masks;
} IceReadRestriction;

/* Checks a restriction against a schema and brings it into that form. Masks may be an object of
 * columns and actions, too, and name a column by "column" instead of "field-id". Raises
 * BAD_REQUEST, VALIDATION, LIMIT_EXCEEDED. */
extern void ice_read_restriction_bind(IceReadRestriction *restriction, const IceSchema *schema,
									  int nodes_max);

/* Adds one to the sum: a row must pass both filters, and a column gets either's mask. False, and
 * the sum is of no use, if they mask one column in two ways, or a column and another within it. */
extern bool ice_read_restriction_add(IceReadRestriction *sum, const IceReadRestriction *more,
									 const IceSchema *schema);

/* Do its masks go together with others, which may be NULL? Those of columns that the schema has no
 * more do not count. */
extern bool ice_read_restriction_agrees(const IceReadRestriction *restriction, const IceJson *masks,
										const IceSchema *schema);

/* Does it restrict nothing? */
extern bool ice_read_restriction_is_empty(const IceReadRestriction *restriction);

/* Appends the object that is sent. */
extern void ice_read_restriction_write(StringInfo out, const IceReadRestriction *restriction);

#endif
