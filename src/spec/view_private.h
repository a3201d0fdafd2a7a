/*
 * view_private.h
 *		What the files of the spec layer share about views among themselves.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VIEW_PRIVATE_H
#define ICE_VIEW_PRIVATE_H

#include "spec/view_metadata.h"
#include "spec/view_version.h"

/* In view_metadata.c. */
extern IcePart *ice_view_part_add(IceViewMetadata *view, IceViewPartKind kind, int64 id,
								  IceJson *json);
/* How many versions are kept. Raises VALIDATION. */
extern int32    ice_view_history_size(const IceViewMetadata *view);
extern void     ice_view_log_push(IceViewMetadata *view, int32 version_id, int64 timestamp_ms);

/* In view_history.c: removes the oldest versions, but not the current one, and keeps at least
 * keep_min; then the log up to the last entry of a version that is gone. */
extern void ice_view_expire_versions(IceViewMetadata *view, int keep_min);

#endif
