/*
 * sort_order.h
 *		Sort orders.
 *
 * Iceberg spec, "Sorting" and "Appendix C: Sort Orders". Order 0 is the unsorted order.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SORT_ORDER_H
#define ICE_SORT_ORDER_H

#include "spec/schema.h"
#include "spec/transform.h"

#define ICE_UNSORTED_ORDER_ID     0
#define ICE_INITIAL_SORT_ORDER_ID 1

typedef struct IceSortField
{
	IceTransform transform;
	IceSources   sources;
	bool         descending;
	bool         nulls_last;
	IceJson     *json;
} IceSortField;

typedef struct IceSortOrder
{
	int32         order_id;
	bool          has_order_id;
	IceSortField *fields;
	int           field_count;
	IceJson      *json;
} IceSortOrder;

/* Raises BAD_REQUEST; order-id may be missing. */
extern IceSortOrder *ice_sort_order_parse(IceJson *json);

/* Source columns exist, and their types suit the transforms. Raises VALIDATION. */
extern void ice_sort_order_check_types(const IceSortOrder *order, const IceSchema *schema);

/* Writes lists of one source as source-id. */
extern void ice_sort_order_settle(const IceSortOrder *order);

/* For new orders: nothing that the format version has not; settles them. Raises VALIDATION. */
extern void ice_sort_order_check_new(const IceSortOrder *order, int32 format_version);

/* Same fields; the id does not count. */
extern bool ice_sort_order_same(const IceSortOrder *a, const IceSortOrder *b);

/* {"order-id":0,"fields":[]} */
extern IceJson *ice_sort_order_unsorted_json(void);

#endif
