/*
 * properties.h
 *		Table properties, and small texts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PROPERTIES_H
#define ICE_PROPERTIES_H

#include "spec/table_metadata.h"

/* Properties that carry metadata fields in a request and are never kept as properties. */
extern bool ice_property_is_reserved(const char *name);

/* The properties that a new table keeps: the defaults for new tables, then the given ones
 * without the reserved ones; given may be NULL. Raises VALIDATION for commit.retry.* values
 * that are no numbers. */
extern IceJson *ice_properties_of_new_table(const IceJson *given);

/* The property "format-version", or the default. Raises BAD_REQUEST. */
extern int32 ice_properties_format_version(const IceJson *given);

#endif
