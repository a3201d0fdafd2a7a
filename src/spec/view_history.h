/*
 * view_history.h
 *		Which versions of a view are kept.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VIEW_HISTORY_H
#define ICE_VIEW_HISTORY_H

#include "spec/view_metadata.h"

/* Removes the oldest versions, but not the current one, and keeps at least keep_min; then the log
 * up to the last entry of a version that is gone. */
extern void ice_view_history_expire(IceViewMetadata *view, int keep_min);

#endif
