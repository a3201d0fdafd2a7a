/*
 * ref.h
 *		Snapshot references: branches and tags.
 *
 * Iceberg spec, "Snapshot References".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_REF_H
#define ICE_REF_H

#include "json/json.h"

typedef struct IceRef
{
	int64 snapshot_id;
	bool  is_branch;
	bool  has_min_snapshots_to_keep;
	bool  has_max_snapshot_age_ms;
	bool  has_max_ref_age_ms;
	int32 min_snapshots_to_keep;
	int64 max_snapshot_age_ms;
	int64 max_ref_age_ms;
} IceRef;

/* Reads a ref, or the same fields of an update. Raises BAD_REQUEST. */
extern void ice_ref_parse(IceRef *ref, const IceJson *json);

/* The type in lower case, and no nulls: what readers expect of a stored one. */
extern void ice_ref_settle(const IceRef *ref, IceJson *json);

extern bool     ice_ref_equal(const IceRef *a, const IceRef *b);
extern IceJson *ice_ref_to_json(const IceRef *ref);

#endif
