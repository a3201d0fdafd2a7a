/*
 * frozen_head.c
 *		What a queued metadata file cannot read from rows later. See frozen_head.h.
 *
 * It is in the row of the queue, and so in the WAL, of each commit. So it is an array: keys would
 * be half of it. What version 0.1.0 has queued is an object with these keys, and the location of
 * the table spelled out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "errors.h"
#include "guc.h"
#include "store/frozen_head.h"

/* Places in the array. */
enum
{
	HEAD_FORMAT_VERSION,
	HEAD_TABLE_UUID,
	HEAD_LOCATION,
	HEAD_LAST_SEQUENCE_NUMBER,
	HEAD_LAST_UPDATED_MS,
	HEAD_LAST_COLUMN_ID,
	HEAD_CURRENT_SCHEMA_ID,
	HEAD_DEFAULT_SPEC_ID,
	HEAD_LAST_PARTITION_ID,
	HEAD_DEFAULT_SORT_ORDER_ID,
	HEAD_CURRENT_SNAPSHOT_ID,
	HEAD_NEXT_ROW_ID,
	HEAD_REFS,
	HEAD_PLACES
};

static const char *const head_keys[HEAD_PLACES] = {
	[HEAD_FORMAT_VERSION] = "format-version",
	[HEAD_TABLE_UUID] = "table-uuid",
	[HEAD_LOCATION] = "location",
	[HEAD_LAST_SEQUENCE_NUMBER] = "last-sequence-number",
	[HEAD_LAST_UPDATED_MS] = "last-updated-ms",
	[HEAD_LAST_COLUMN_ID] = "last-column-id",
	[HEAD_CURRENT_SCHEMA_ID] = "current-schema-id",
	[HEAD_DEFAULT_SPEC_ID] = "default-spec-id",
	[HEAD_LAST_PARTITION_ID] = "last-partition-id",
	[HEAD_DEFAULT_SORT_ORDER_ID] = "default-sort-order-id",
	[HEAD_CURRENT_SNAPSHOT_ID] = "current-snapshot-id",
	[HEAD_NEXT_ROW_ID] = "next-row-id",
	[HEAD_REFS] = "refs"};

#define METADATA_FOLDER "/metadata"

/* The length of the part of a metadata file's location that is the table's location, where files
 * lie in its folder "metadata"; 0: it does not lie in such a folder. */
static size_t
location_in(const char *metadata_location)
{
	const char *end = strrchr(metadata_location, '/');
	size_t      folder = strlen(METADATA_FOLDER);

	if (end == NULL || (size_t) (end - metadata_location) <= folder ||
		strncmp(end - folder, METADATA_FOLDER, folder) != 0)
		return 0;
	return (size_t) (end - metadata_location) - folder;
}

static void
write_location(IceJsonWriter *w, const IceTable *table)
{
	const char *location = table->metadata->location;
	size_t      len = location_in(table->metadata_location);

	if (len > 0 && len == strlen(location) && memcmp(location, table->metadata_location, len) == 0)
		ice_json_write_null(w);
	else
		ice_json_write_string(w, location);
}

static void
write_refs(IceJsonWriter *w, const IcePartList *refs)
{
	Assert(refs->loaded);
	ice_json_write_begin_object(w);
	for (int i = 0; i < refs->count; i++)
		if (!refs->items[i]->removed)
		{
			ice_json_write_key(w, refs->items[i]->key);
			ice_json_write_raw(w, refs->items[i]->body, refs->items[i]->body_len);
		}
	ice_json_write_end_object(w);
}

char *
ice_frozen_head_write(const IceTable *table)
{
	const IceTableMetadata *m = table->metadata;
	StringInfoData          out;
	IceJsonWriter           w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_array(&w);
	ice_json_write_int(&w, m->format_version);
	ice_json_write_string(&w, m->table_uuid);
	write_location(&w, table);
	ice_json_write_int(&w, m->last_sequence_number);
	ice_json_write_int(&w, m->last_updated_ms);
	ice_json_write_int(&w, m->last_column_id);
	ice_json_write_int(&w, m->current_schema_id);
	ice_json_write_int(&w, m->default_spec_id);
	ice_json_write_int(&w, m->last_partition_id);
	ice_json_write_int(&w, m->default_sort_order_id);
	ice_json_write_int(&w, m->current_snapshot_id);
	ice_json_write_int(&w, m->next_row_id);
	write_refs(&w, &m->lists[ICE_PART_REF]);
	ice_json_write_end_array(&w);
	return out.data;
}

static IceJson *
head_value(const IceJson *head, int place)
{
	IceJson *value = NULL;

	if (head->kind != ICE_JSON_ARRAY)
		value = ice_json_get(head, head_keys[place]);
	else if (place < head->count)
		value = head->items[place];
	if (value == NULL)
		ice_raise(ICE_ERR_CORRUPT, "A queued metadata file has no %s", head_keys[place]);
	return value;
}

static int64
head_int64(const IceJson *head, int place)
{
	return ice_json_to_int64(head_value(head, place), head_keys[place]);
}

static int32
head_int32(const IceJson *head, int place)
{
	return ice_json_to_int32(head_value(head, place), head_keys[place]);
}

static const char *
head_location(const IceJson *head, const char *metadata_location)
{
	const IceJson *value = head_value(head, HEAD_LOCATION);

	return value->kind == ICE_JSON_NULL
			   ? pnstrdup(metadata_location, location_in(metadata_location))
			   : ice_json_to_string(value, head_keys[HEAD_LOCATION]);
}

IceTableMetadata *
ice_frozen_head_read(const char *text, const char *metadata_location)
{
	IceJson          *head = ice_json_parse(text, strlen(text), ice_guc_json_depth_max);
	IceTableMetadata *m = palloc0(sizeof(IceTableMetadata));
	const IceJson    *refs = head_value(head, HEAD_REFS);

	m->format_version = head_int32(head, HEAD_FORMAT_VERSION);
	m->table_uuid = ice_json_to_string(head_value(head, HEAD_TABLE_UUID),
									   head_keys[HEAD_TABLE_UUID]);
	m->location = head_location(head, metadata_location);
	m->last_sequence_number = head_int64(head, HEAD_LAST_SEQUENCE_NUMBER);
	m->last_updated_ms = head_int64(head, HEAD_LAST_UPDATED_MS);
	m->last_column_id = head_int32(head, HEAD_LAST_COLUMN_ID);
	m->current_schema_id = head_int32(head, HEAD_CURRENT_SCHEMA_ID);
	m->default_spec_id = head_int32(head, HEAD_DEFAULT_SPEC_ID);
	m->last_partition_id = head_int32(head, HEAD_LAST_PARTITION_ID);
	m->default_sort_order_id = head_int32(head, HEAD_DEFAULT_SORT_ORDER_ID);
	m->current_snapshot_id = head_int64(head, HEAD_CURRENT_SNAPSHOT_ID);
	m->next_row_id = head_int64(head, HEAD_NEXT_ROW_ID);
	for (int i = 0; refs->kind == ICE_JSON_OBJECT && i < refs->count; i++)
	{
		IceJson *ref = refs->members[i].value;

		ice_table_part_stored(m, ICE_PART_REF, ice_json_int64(ref, "snapshot-id"),
							  refs->members[i].key, i, ref->text, ref->text_len);
	}
	m->lists[ICE_PART_REF].loaded = true;
	return m;
}
