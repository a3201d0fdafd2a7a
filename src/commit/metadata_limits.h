/*
 * metadata_limits.h
 *		Limits on a table or view that the pure rules do not know, for they are settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_METADATA_LIMITS_H
#define ICE_METADATA_LIMITS_H

#include "postgres.h"

#include "utils/uuid.h"

#include "spec/table_metadata.h"
#include "spec/view_metadata.h"

/* Raise LIMIT_EXCEEDED if a change left a table or view with more properties than
 * icecat.properties_max. */
extern void ice_metadata_limits_check(const pg_uuid_t        *warehouse_id,
									  const IceTableMetadata *metadata);
extern void ice_metadata_limits_check_view(const pg_uuid_t       *warehouse_id,
										   const IceViewMetadata *metadata);

#endif
