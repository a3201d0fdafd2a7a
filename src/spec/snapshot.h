/*
 * snapshot.h
 *		Snapshots.
 *
 * Iceberg spec, "Snapshots".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SNAPSHOT_H
#define ICE_SNAPSHOT_H

#include "json/json.h"

typedef struct IceSnapshot
{
	int64 snapshot_id;
	int64 parent_id;       /* valid if has_parent */
	int64 sequence_number; /* 0 if absent */
	int64 timestamp_ms;
	int64 first_row_id; /* valid if has_first_row_id */
	int64 added_rows;   /* 0 if absent */
	bool  has_parent;
	bool  has_first_row_id;
	bool  has_operation;
} IceSnapshot;

/* Raises BAD_REQUEST, naming the field. is_new: of an update, not of a document. */
extern void ice_snapshot_parse(IceSnapshot *snapshot, IceJson *json, bool is_new);

/* The row id after the snapshot's rows. Raises VALIDATION if it does not fit. */
extern int64 ice_snapshot_end_row_id(const IceSnapshot *snapshot);

#endif
