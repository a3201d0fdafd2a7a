/*
 * table_metadata_write.c
 *		The metadata document: scalars, and the parts' own texts one after the other.
 *
 * The fields come in the order of the Java writer. Version 1 repeats the current schema and the
 * default spec for old readers, which is the only thing here that looks into a part.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"


#define SCALARS_SIZE   1024 /* more than the fields take that are no parts */
#define PART_OVERHEAD  8    /* separators */
#define FIRST_SIZE_MAX (512 * 1024 * 1024)

/* -- members ---------------------------------------------------------------------------------- */

static void
member_int(StringInfo out, const char *name, int64 value)
{
	appendStringInfo(out, ",\"%s\":" INT64_FORMAT, name, value);
}

static void
member_string(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ",\"%s\":", name);
	ice_json_escape(out, value);
}

/* ,"name":[part,part,...] */
static void
member_list(StringInfo out, const char *name, const IcePartList *list)
{
	appendStringInfo(out, ",\"%s\":", name);
	ice_part_list_write(out, list);
}

/* ,"refs":{"name":ref,...} */
static void
member_refs(StringInfo out, const IcePartList *list)
{
	bool first = true;

	appendStringInfoString(out, ",\"refs\":{");
	for (int i = 0; i < list->count; i++)
	{
		const IcePart *part = list->items[i];

		if (part->removed)
			continue;
		if (!first)
			appendStringInfoCharMacro(out, ',');
		first = false;
		ice_json_escape(out, part->key);
		appendStringInfoCharMacro(out, ':');
		appendBinaryStringInfo(out, part->body, (int) part->body_len);
	}
	appendStringInfoCharMacro(out, '}');
}

/* -- version 1 -------------------------------------------------------------------------------- */

static void
member_current_schema(StringInfo out, const IceTableMetadata *metadata)
{
	const IcePart *schema = ice_table_part_find(metadata, ICE_PART_SCHEMA,
												metadata->current_schema_id);

	if (schema == NULL)
		return;
	appendStringInfoString(out, ",\"schema\":");
	appendBinaryStringInfo(out, schema->body, (int) schema->body_len);
}

static void
member_default_spec(StringInfo out, const IceTableMetadata *metadata)
{
	IcePart *spec = ice_table_part_find(metadata, ICE_PART_PARTITION_SPEC,
										metadata->default_spec_id);

	if (spec == NULL)
		return;
	appendStringInfoString(out, ",\"partition-spec\":");
	ice_json_write(out, ice_json_array(ice_part_json(spec), "fields"));
}

/* -- document --------------------------------------------------------------------------------- */

size_t
ice_table_metadata_size(const IceTableMetadata *metadata)
{
	size_t size = SCALARS_SIZE;

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		const IcePartList *list = &metadata->lists[kind];

		for (int i = 0; i < list->count; i++)
			size += list->items[i]->body_len + PART_OVERHEAD +
					(kind == ICE_PART_REF ? strlen(list->items[i]->key) : 0);
	}
	return size;
}

static void
write_identity(StringInfo out, const IceTableMetadata *metadata)
{
	appendStringInfo(out, "\"format-version\":%d", metadata->format_version);
	member_string(out, "table-uuid", metadata->table_uuid);
	if (metadata->location != NULL)
		member_string(out, "location", metadata->location);
	if (metadata->format_version > 1)
		member_int(out, "last-sequence-number", metadata->last_sequence_number);
	member_int(out, "last-updated-ms", metadata->last_updated_ms);
	member_int(out, "last-column-id", metadata->last_column_id);
}

static void
write_structure(StringInfo out, const IceTableMetadata *metadata)
{
	const IcePartList *lists = metadata->lists;

	if (metadata->format_version == 1)
		member_current_schema(out, metadata);
	member_int(out, "current-schema-id", metadata->current_schema_id);
	member_list(out, "schemas", &lists[ICE_PART_SCHEMA]);
	if (metadata->format_version == 1)
		member_default_spec(out, metadata);
	member_int(out, "default-spec-id", metadata->default_spec_id);
	member_list(out, "partition-specs", &lists[ICE_PART_PARTITION_SPEC]);
	member_int(out, "last-partition-id", metadata->last_partition_id);
	member_int(out, "default-sort-order-id", metadata->default_sort_order_id);
	member_list(out, "sort-orders", &lists[ICE_PART_SORT_ORDER]);
}

static void
write_properties(StringInfo out, const IceTableMetadata *metadata)
{
	const IcePart *part = ice_table_part_only(metadata, ICE_PART_PROPERTIES);

	appendStringInfoString(out, ",\"properties\":");
	if (part == NULL)
		appendStringInfoString(out, "{}");
	else
		appendBinaryStringInfo(out, part->body, (int) part->body_len);
}

/* Readers of versions 1 and 2 know "no snapshot" as -1. */
static void
write_current_snapshot(StringInfo out, const IceTableMetadata *metadata)
{
	if (metadata->current_snapshot_id == ICE_NO_SNAPSHOT && metadata->format_version >= 3)
		appendStringInfoString(out, ",\"current-snapshot-id\":null");
	else
		member_int(out, "current-snapshot-id", metadata->current_snapshot_id);
}

static void
write_history(StringInfo out, const IceTableMetadata *metadata)
{
	const IcePartList *lists = metadata->lists;

	if (metadata->format_version >= 3)
		member_int(out, "next-row-id", metadata->next_row_id);
	if (ice_table_part_count(metadata, ICE_PART_ENCRYPTION_KEY) > 0)
		member_list(out, "encryption-keys", &lists[ICE_PART_ENCRYPTION_KEY]);
	member_refs(out, &lists[ICE_PART_REF]);
	member_list(out, "snapshots", &lists[ICE_PART_SNAPSHOT]);
	member_list(out, "statistics", &lists[ICE_PART_STATISTICS]);
	member_list(out, "partition-statistics", &lists[ICE_PART_PARTITION_STATISTICS]);
	member_list(out, "snapshot-log", &lists[ICE_PART_SNAPSHOT_LOG]);
	member_list(out, "metadata-log", &lists[ICE_PART_METADATA_LOG]);
}

void
ice_table_metadata_write(StringInfo out, const IceTableMetadata *metadata)
{
	const IcePart *extra = ice_table_part_only(metadata, ICE_PART_EXTRA);

	enlargeStringInfo(out, (int) Min(ice_table_metadata_size(metadata), FIRST_SIZE_MAX));
	appendStringInfoChar(out, '{');
	write_identity(out, metadata);
	write_structure(out, metadata);
	write_properties(out, metadata);
	write_current_snapshot(out, metadata);
	write_history(out, metadata);
	if (extra != NULL)
		ice_part_write_members(out, extra);
	appendStringInfoChar(out, '}');
}

void
ice_table_metadata_write_scalars(StringInfo out, const IceTableMetadata *metadata)
{
	write_identity(out, metadata);
	member_int(out, "current-schema-id", metadata->current_schema_id);
	member_int(out, "default-spec-id", metadata->default_spec_id);
	member_int(out, "last-partition-id", metadata->last_partition_id);
	member_int(out, "default-sort-order-id", metadata->default_sort_order_id);
	write_current_snapshot(out, metadata);
	if (metadata->format_version >= 3)
		member_int(out, "next-row-id", metadata->next_row_id);
}
