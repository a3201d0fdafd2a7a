/*
 * table_metadata_stream.c
 *		The metadata document part by part; see table_metadata.h.
 *
 * It has the members of the written document in another order, which says the same: first the
 * scalars, then the lists in the order of their kinds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"


/* Name of a kind's member, and how it is enclosed. */
static const struct
{
	const char *name;
	char        open;
	char        close;
} members[ICE_PART_KINDS] = {
	[ICE_PART_SCHEMA] = {"schemas", '[', ']'},
	[ICE_PART_PARTITION_SPEC] = {"partition-specs", '[', ']'},
	[ICE_PART_SORT_ORDER] = {"sort-orders", '[', ']'},
	[ICE_PART_PROPERTIES] = {"properties", 0, 0},
	[ICE_PART_SNAPSHOT] = {"snapshots", '[', ']'},
	[ICE_PART_REF] = {"refs", '{', '}'},
	[ICE_PART_SNAPSHOT_LOG] = {"snapshot-log", '[', ']'},
	[ICE_PART_METADATA_LOG] = {"metadata-log", '[', ']'},
	[ICE_PART_STATISTICS] = {"statistics", '[', ']'},
	[ICE_PART_PARTITION_STATISTICS] = {"partition-statistics", '[', ']'},
	[ICE_PART_ENCRYPTION_KEY] = {"encryption-keys", '[', ']'},
	[ICE_PART_EXTRA] = {NULL, 0, 0},
};

void
ice_table_metadata_stream_begin(IceMetadataStream *stream, StringInfo out,
								const IceTableMetadata *metadata)
{
	stream->metadata = metadata;
	stream->kind = -1;
	stream->count = 0;
	initStringInfo(&stream->repeated);
	appendStringInfoChar(out, '{');
	ice_table_metadata_write_scalars(out, metadata);
}

/* Closes the open list; format version 1 repeats parts of two of them. */
static void
close_list(IceMetadataStream *stream, StringInfo out)
{
	if (stream->kind < 0)
		return;
	if (stream->kind == ICE_PART_PROPERTIES && stream->count == 0)
		appendStringInfoString(out, ",\"properties\":{}");
	else if (members[stream->kind].close != 0 &&
			 (stream->count > 0 || stream->kind != ICE_PART_ENCRYPTION_KEY))
		appendStringInfoChar(out, members[stream->kind].close);
	if (stream->repeated.len > 0)
		appendBinaryStringInfo(out, stream->repeated.data, stream->repeated.len);
	resetStringInfo(&stream->repeated);
}

static void
open_list(IceMetadataStream *stream, StringInfo out, int kind)
{
	stream->kind = kind;
	stream->count = 0;
	if (members[kind].open != 0 && kind != ICE_PART_ENCRYPTION_KEY)
		appendStringInfo(out, ",\"%s\":%c", members[kind].name, members[kind].open);
}

/* Closes and opens lists, empty ones too, until the kind's own is open. */
static void
go_to(IceMetadataStream *stream, StringInfo out, int kind)
{
	while (stream->kind < kind)
	{
		int next = stream->kind + 1;

		close_list(stream, out);
		open_list(stream, out, next);
	}
}

/* What readers of format version 1 look for beside the lists. */
static void
repeat(IceMetadataStream *stream, IcePartKind kind, int64 id, const char *body, size_t body_len)
{
	const IceTableMetadata *m = stream->metadata;

	if (m->format_version != 1)
		return;
	if (kind == ICE_PART_SCHEMA && id == m->current_schema_id)
	{
		appendStringInfoString(&stream->repeated, ",\"schema\":");
		appendBinaryStringInfo(&stream->repeated, body, (int) body_len);
	}
	else if (kind == ICE_PART_PARTITION_SPEC && id == m->default_spec_id)
	{
		IcePart spec = {.body = body, .body_len = body_len};

		appendStringInfoString(&stream->repeated, ",\"partition-spec\":");
		ice_json_write(&stream->repeated, ice_json_array(ice_part_json(&spec), "fields"));
	}
}

/* Lists without a part are written as empty ones, except the keys, which older readers do not
 * know. */
void
ice_table_metadata_stream_part(IceMetadataStream *stream, StringInfo out, IcePartKind kind,
							   int64 id, const char *key, const char *body, size_t body_len)
{
	IcePart part = {.body = body, .body_len = body_len};

	go_to(stream, out, kind);
	if (kind == ICE_PART_EXTRA)
	{
		ice_part_write_members(out, &part);
		return;
	}
	if (kind == ICE_PART_PROPERTIES)
		appendStringInfoString(out, ",\"properties\":");
	else if (kind == ICE_PART_ENCRYPTION_KEY && stream->count == 0)
		appendStringInfoString(out, ",\"encryption-keys\":[");
	else if (stream->count > 0)
		appendStringInfoChar(out, ',');
	if (kind == ICE_PART_REF)
	{
		ice_json_escape(out, key);
		appendStringInfoChar(out, ':');
	}
	appendBinaryStringInfo(out, body, (int) body_len);
	stream->count++;
	repeat(stream, kind, id, body, body_len);
}

void
ice_table_metadata_stream_end(IceMetadataStream *stream, StringInfo out)
{
	go_to(stream, out, ICE_PART_EXTRA);
	appendStringInfoChar(out, '}');
}
