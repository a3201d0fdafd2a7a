/*
 * partition.h
 *		Partition specs.
 *
 * Iceberg spec, "Partition Specs" and "Appendix C: Partition Specs".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PARTITION_H
#define ICE_PARTITION_H

#include "spec/schema.h"
#include "spec/transform.h"

#define ICE_PARTITION_FIELD_ID_START 1000
#define ICE_UNPARTITIONED_LAST_ID    999
#define ICE_INITIAL_SPEC_ID          0

typedef struct IcePartitionField
{
	IceSources   sources;
	int32        field_id;
	bool         has_field_id;
	const char  *name;
	IceTransform transform;
	IceJson     *json;
} IcePartitionField;

typedef struct IcePartitionSpec
{
	int32              spec_id; /* 0 if absent */
	IcePartitionField *fields;
	int                field_count;
	IceJson           *json; /* NULL if made from a bare list of fields */
} IcePartitionSpec;

/* An object with spec-id (which may be missing) and fields. Raises BAD_REQUEST. */
extern IcePartitionSpec *ice_partition_spec_parse(IceJson *json);

/* A bare list of fields, as in "partition-spec" of version 1; missing field ids count from 1000. */
extern IcePartitionSpec *ice_partition_spec_parse_fields(IceJson *fields, int32 spec_id);

/* Names: not empty, unique, not that of another column. Raises VALIDATION. */
extern void ice_partition_spec_check_names(const IcePartitionSpec *spec, const IceSchema *schema);

/* Source columns exist, and their types suit the transforms. Raises VALIDATION. */
extern void ice_partition_spec_check_types(const IcePartitionSpec *spec, const IceSchema *schema);

/* Writes lists of one source as source-id. */
extern void ice_partition_spec_settle(const IcePartitionSpec *spec);

/* For specs that are not the default: columns that the schema still has suit the transforms as far
 * as readers ask for it. Raises VALIDATION. */
extern void ice_partition_spec_check_readable(const IcePartitionSpec *spec,
											  const IceSchema        *schema);

/* For new specs: nothing that the format version has not, and no field id twice; settles them.
 * Raises VALIDATION. */
extern void ice_partition_spec_check_new(const IcePartitionSpec *spec, int32 format_version);

/* Same sources, transforms and names in the same order. */
extern bool ice_partition_spec_compatible(const IcePartitionSpec *a, const IcePartitionSpec *b);

/* Field ids 1000, 1001, ...: what version 1 requires. */
extern bool ice_partition_spec_is_sequential(const IcePartitionSpec *spec);

/* Highest field id, at least 999. */
extern int32 ice_partition_spec_last_id(const IcePartitionSpec *spec);

/* The spec as an object: {"spec-id":..,"fields":[..]}, for specs read from a bare list. */
extern IceJson *ice_partition_spec_to_json(const IcePartitionSpec *spec);

/* As the Java class prints it, for messages. */
extern const char *ice_partition_field_text(const IcePartitionField *field);
extern const char *ice_partition_spec_text(const IcePartitionSpec *spec);

#endif
