/*
 * limits.h
 *		Limits on a table that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_LIMITS_H
#define ICE_LIMITS_H

#include "spec/table_metadata.h"

/* Raises LIMIT_EXCEEDED if a change left a table with more properties than icecat.properties_max. */
extern void ice_limits_check(const IceTableMetadata *metadata);

#endif
