/*
 * evolution.h
 *		What may change between the schema that data was written with and the next one.
 *
 * Iceberg spec, "Schema Evolution".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_EVOLUTION_H
#define ICE_EVOLUTION_H

#include "spec/schema.h"
#include "spec/table_metadata.h"

/* Fields that both schemas have must keep their place and their initial default, and their type
 * unless it is promoted. Raises VALIDATION. */
extern void ice_evolution_check_schema(const IceSchema *before, const IceSchema *after,
									   int32 format_version);

/* No partition field of any spec may get other values by a promotion. Raises VALIDATION. */
extern void ice_evolution_check_specs(const IceTableMetadata *metadata, const IceSchema *before,
									  const IceSchema *after);

#endif
