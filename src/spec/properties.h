/*
 * properties.h
 *		Table properties.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PROPERTIES_H
#define ICE_PROPERTIES_H

#include "spec/schema.h"
#include "spec/table_metadata.h"

/* Properties that carry metadata fields in a request and are never kept as properties. */
extern bool ice_property_is_reserved(const char *name);

/* The properties that a new table keeps: the defaults for new tables, then the given ones
 * without the reserved ones; given may be NULL. */
extern IceJson *ice_properties_of_new_table(const IceJson *given);

/* What Java asks of a new table's properties: commit.retry.* are numbers, metrics are of columns
 * that exist, encryption needs version 3. Raises VALIDATION or BAD_REQUEST. */
extern void ice_properties_check_new_table(const IceJson *properties, const IceSchema *schema,
										   int32 format_version);

/* The property "format-version", or the default. Raises BAD_REQUEST. */
extern int32 ice_properties_format_version(const IceJson *given);

/* Puts another properties object in the place of the old one. */
extern void ice_properties_replace(IceTableMetadata *metadata, IceJson *properties);

#endif
