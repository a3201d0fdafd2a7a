/*
 * table_metadata.c
 *		The parts of a table's metadata: adding and finding.
 *
 * Long lists of the kinds that are looked up (by id or by key) have a hash table of positions,
 * which the look-ups bring up to date, so that filling a list costs nothing extra.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"

#include "common/hashfn.h"

#include "spec/metadata_private.h"

#define SLOTS_FROM 16 /* lists up to this length are searched from the front */
#define SLOT_FREE  (-1)

#define PREVIOUS_VERSIONS_MAX_PROPERTY "write.metadata.previous-versions-max"
#define PREVIOUS_VERSIONS_MAX_DEFAULT 100

static bool
has_text_key(IcePartKind kind)
{
	return kind == ICE_PART_REF || kind == ICE_PART_METADATA_LOG || kind == ICE_PART_ENCRYPTION_KEY;
}

static uint32
part_hash(IcePartKind kind, int64 id, const char *key)
{
	if (has_text_key(kind))
		return hash_bytes((const unsigned char *) key, (int) strlen(key));
	return hash_bytes((const unsigned char *) &id, sizeof(id));
}

static bool
part_matches(const IcePart *part, IcePartKind kind, int64 id, const char *key)
{
	return has_text_key(kind) ? strcmp(part->key, key) == 0 : part->id == id;
}

static void
slot_insert(IcePartList *list, IcePartKind kind, int position)
{
	const IcePart *part = list->items[position];
	uint32         slot = part_hash(kind, part->id, part->key);

	for (;; slot++)
	{
		slot &= list->slot_count - 1;
		if (list->slots[slot] == SLOT_FREE)
			break;
	}
	list->slots[slot] = position;
}

/* Puts the items that were added since the last look-up into the hash table; at most half full. */
static void
update_slots(IcePartList *list, IcePartKind kind)
{
	if (list->slot_count < list->count * 2)
	{
		int slot_count = Max(list->slot_count, SLOTS_FROM);

		while (slot_count < list->count * 2)
			slot_count *= 2;
		if (list->slots != NULL)
			pfree(list->slots);
		list->slots = palloc(sizeof(int) * slot_count);
		memset(list->slots, 0xFF, sizeof(int) * slot_count);
		list->slot_count = slot_count;
		list->slotted = 0;
	}
	for (; list->slotted < list->count; list->slotted++)
		slot_insert(list, kind, list->slotted);
}

/* The part with this id or key; of several the one that is not removed, if with_removed is
 * false. */
static IcePart *
find(const IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key,
	 bool with_removed)
{
	/* the hash table is a cache: building it changes nothing that a caller can see */
	IcePartList *list = unconstify(IcePartList *, &metadata->lists[kind]);

	if (list->count <= SLOTS_FROM)
	{
		for (int i = 0; i < list->count; i++)
			if (part_matches(list->items[i], kind, id, key) &&
				(with_removed || !list->items[i]->removed))
				return list->items[i];
		return NULL;
	}

	update_slots(list, kind);
	for (uint32 slot = part_hash(kind, id, key);; slot++)
	{
		int position = list->slots[slot & (list->slot_count - 1)];

		if (position == SLOT_FREE)
			return NULL;

		IcePart *part = list->items[position];

		if (part_matches(part, kind, id, key) && (with_removed || !part->removed))
			return part;
	}
}

IcePart *
ice_part_find(const IceTableMetadata *metadata, IcePartKind kind, int64 id)
{
	return find(metadata, kind, id, NULL, false);
}

IcePart *
ice_part_find_key(const IceTableMetadata *metadata, IcePartKind kind, const char *key)
{
	return find(metadata, kind, 0, key, false);
}

IcePart *
ice_part_find_any(const IceTableMetadata *metadata, IcePartKind kind, int64 id)
{
	return find(metadata, kind, id, NULL, true);
}

IcePart *
ice_part_add(IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key, IceJson *json)
{
	return ice_part_list_add(&metadata->lists[kind], id, key, json);
}

IcePart *
ice_part_stored(IceTableMetadata *metadata, IcePartKind kind, int64 id, const char *key,
				int64 ordinal, const char *body, size_t body_len)
{
	return ice_part_list_stored(&metadata->lists[kind], id, key, ordinal, body, body_len);
}

int
ice_part_count(const IceTableMetadata *metadata, IcePartKind kind)
{
	return ice_part_list_count(&metadata->lists[kind]);
}

IcePart *
ice_part_only(const IceTableMetadata *metadata, IcePartKind kind)
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
	ice_part_add(metadata, ICE_PART_PROPERTIES, 0, NULL, ice_json_make_object());
	return metadata;
}

const char *
ice_table_property(const IceTableMetadata *metadata, const char *name)
{
	IcePart *part = ice_part_only(metadata, ICE_PART_PROPERTIES);

	return part == NULL ? NULL : ice_json_opt_string(ice_part_json(part), name);
}

void
ice_metadata_log_push(IceTableMetadata *metadata, const char *metadata_file, int64 before_ms)
{
	IceJson *entry = ice_json_make_object();

	ice_json_set(entry, "timestamp-ms", ice_json_make_int(before_ms));
	ice_json_set(entry, "metadata-file", ice_json_make_string(metadata_file));
	ice_part_add(metadata, ICE_PART_METADATA_LOG, 0, pstrdup(metadata_file), entry);
}

/* A value that is no number counts as absent: a property must not make a table unwritable. */
int
ice_metadata_log_max(const IceTableMetadata *metadata)
{
	const char *text = ice_table_property(metadata, PREVIOUS_VERSIONS_MAX_PROPERTY);
	int32       max;

	if (text == NULL || !ice_parse_int32(text, &max))
		return PREVIOUS_VERSIONS_MAX_DEFAULT;
	return Max(max, 1);
}
