/*
 * needs.h
 *		Collects what a commit has to load.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NEEDS_H
#define ICE_NEEDS_H

#include "spec/table_metadata.h"

extern void ice_needs_list(IceCommitNeeds *needs, IcePartKind kind);
extern void ice_needs_snapshot(IceCommitNeeds *needs, int64 snapshot_id);

/* Sorts the snapshot ids and drops repeated ones. */
extern void ice_needs_finish(IceCommitNeeds *needs);

#endif
