/*
 * table_metadata.c
 *		The parts of a table's metadata: adding and finding.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"

#include "spec/spec_text.h"

#define PREVIOUS_VERSIONS_MAX_PROPERTY "write.metadata.previous-versions-max"
#define PREVIOUS_VERSIONS_MAX_DEFAULT  100

static bool
has_text_key(IcePartKind kind)
{
	return kind == ICE_PART_REF || kind == ICE_PART_METADATA_LOG || kind == ICE_PART_ENCRYPTION_KEY;
}

/* A list is looked into by key, or by id. */
static IcePart *
find(const IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key,
	 IcePartWanted wanted)
{
	return ice_part_list_find(&metadata->lists[kind], id, has_text_key(kind) ? key : NULL, wanted);
}

IcePart *
ice_table_part_find(const IceTableMetadata *metadata, IcePartKind kind, int64 id)
{
	return find(metadata, kind, id, NULL, ICE_PART_LIVE);
}

IcePart *
ice_table_part_find_key(const IceTableMetadata *metadata, IcePartKind kind, const char *key)
{
	return find(metadata, kind, 0, key, ICE_PART_LIVE);
}

IcePart *
ice_table_part_find_gone(const IceTableMetadata *metadata, IcePartKind kind, const char *key)
{
	return find(metadata, kind, 0, key, ICE_PART_GONE);
}

IcePart *
ice_table_part_find_any(const IceTableMetadata *metadata, IcePartKind kind, int64 id)
{
	return find(metadata, kind, id, NULL, ICE_PART_ANY);
}

IcePart *
ice_table_part_add(IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key,
				   IceJson *json)
{
	return ice_part_list_add(&metadata->lists[kind], id, key, json);
}

IcePart *
ice_table_part_stored(IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key,
					  int64 ordinal, const char *body, size_t body_len)
{
	return ice_part_list_stored(&metadata->lists[kind], id, key, ordinal, body, body_len);
}

int
ice_table_part_count(const IceTableMetadata *metadata, IcePartKind kind)
{
	return ice_part_list_count(&metadata->lists[kind]);
}

IcePart *
ice_table_part_only(const IceTableMetadata *metadata, IcePartKind kind)
{
	return ice_part_list_last(&metadata->lists[kind]);
}

IceTableMetadata *
ice_table_metadata_empty(int32 format_version, const char *table_uuid)
{
	IceTableMetadata *metadata = palloc0(sizeof(IceTableMetadata));

	metadata->format_version = format_version;
	metadata->table_uuid = table_uuid;
	metadata->current_snapshot_id = ICE_NO_SNAPSHOT;
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		metadata->lists[kind].loaded = true;
	ice_table_part_add(metadata, ICE_PART_PROPERTIES, 0, NULL, ice_json_make_object());
	return metadata;
}

const IceJson *
ice_table_properties(const IceTableMetadata *metadata)
{
	IcePart *part = ice_table_part_only(metadata, ICE_PART_PROPERTIES);

	return part == NULL ? NULL : ice_part_json(part);
}

const char *
ice_table_property(const IceTableMetadata *metadata, const char *name)
{
	IcePart *part = ice_table_part_only(metadata, ICE_PART_PROPERTIES);

	return part == NULL ? NULL : ice_json_opt_string(ice_part_json(part), name);
}

void
ice_table_log_push(IceTableMetadata *metadata, const char *metadata_file, int64 before_ms)
{
	IceJson *entry = ice_json_make_object();

	ice_json_set(entry, "timestamp-ms", ice_json_make_int(before_ms));
	ice_json_set(entry, "metadata-file", ice_json_make_string(metadata_file));
	ice_table_part_add(metadata, ICE_PART_METADATA_LOG, 0, pstrdup(metadata_file), entry);
}

/* A value that is no number counts as absent: a property must not make a table unwritable. */
int
ice_table_log_max(const IceTableMetadata *metadata)
{
	const char *text = ice_table_property(metadata, PREVIOUS_VERSIONS_MAX_PROPERTY);
	int32       max;

	if (text == NULL || !ice_text_to_int32(text, &max))
		return PREVIOUS_VERSIONS_MAX_DEFAULT;
	return Max(max, 1);
}
