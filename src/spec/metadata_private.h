/*
 * metadata_private.h
 *		What the files of the spec layer share about metadata values among themselves.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_METADATA_PRIVATE_H
#define ICE_METADATA_PRIVATE_H

#include "spec/table_metadata.h"

/* Where client and server clocks may disagree. */
#define ICE_CLOCK_SKEW_MS INT64CONST(60000)

/* Is a time before another by more than that? Any 64-bit number can stand in a document. */
static inline bool
ice_time_is_before(int64 time, int64 other)
{
	return time < other && (uint64) other - (uint64) time > (uint64) ICE_CLOCK_SKEW_MS;
}

/* The same as Java compares the times of a document that it reads: a difference that has no place in 64 bits turns
 * around. */
static inline bool
ice_time_is_before_in_java(int64 time, int64 other)
{
	return (int64) ((uint64) time - (uint64) other) < -ICE_CLOCK_SKEW_MS;
}

/* In table_metadata.c. */
extern IcePart *ice_part_find_any(const IceTableMetadata *metadata, IcePartKind kind,
								  int64 id); /* also a removed one */
extern int      ice_part_count(const IceTableMetadata *metadata, IcePartKind kind);
extern IcePart *ice_part_only(const IceTableMetadata *metadata,
							  IcePartKind kind); /* the last that is not removed, or NULL */

/* In table_metadata_write.c: the members that are no lists, the first without a comma. */
extern void ice_table_metadata_write_scalars(StringInfo out, const IceTableMetadata *metadata);

/* In properties.c: puts another properties object in the place of the old one. */
extern void ice_properties_replace(IceTableMetadata *metadata, IceJson *properties);

#endif
