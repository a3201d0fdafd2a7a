/*
 * metadata_limits.h
 *		Limits on a table or view that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_METADATA_LIMITS_H
#define ICE_METADATA_LIMITS_H

#include "spec/table_metadata.h"
#include "spec/view_metadata.h"

/* Raise LIMIT_EXCEEDED if a change left a table or view with more properties than
 * icecat.properties_max. */
extern void ice_metadata_limits_check(const IceTableMetadata *metadata);
extern void ice_metadata_limits_check_view(const IceViewMetadata *metadata);

#endif
