/*
 * api_stream.c
 *		SQL entry for documents too large for one value: a LoadTableResult piece by piece.
 *
 * The rows are read through a cursor, some at a time, so memory is bounded by the largest part of
 * the table. All of it is one state: the snapshot of the calling query.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "api/delegation.h"
#include "api/table_answer.h"
#include "api/represent.h"
#include "spec/steering.h"
#include "store/store_parts.h"
#include "store/warehouse_rules.h"

PG_FUNCTION_INFO_V1(sql_ice_rest_load_table_pieces);

#define PIECE_BYTES (256 * 1024)

/* Lives as long as the call of the set. */
typedef struct Pieces
{
	char             *stream;   /* NULL: all parts are read */
	char             *end;      /* what follows the metadata: ice_table_answer_end() */
	bool              steering; /* show the properties that steer readers */
	IceTable          table;
	IceTableMetadata  metadata;
	IceMetadataStream document;
	StringInfoData    pending; /* what is not given out yet, from sent on */
	int               sent;
} Pieces;

/* Finds the table and opens its parts. The first piece, the entity tag, is pending then. */
static Pieces *
begin(FunctionCallInfo fcinfo, MemoryContext context)
{
	IceRepresentation representation = {.refs_only = ice_table_answer_refs_only(fcinfo, 3)};
	MemoryContext     old;
	IceTable          table;
	Pieces           *pieces;

	ice_table_answer_find(fcinfo, 4, &table, &representation);
	ice_represent(&table, &representation);
	ice_delegation_record(&table, &representation);
	old = MemoryContextSwitchTo(context);
	pieces = palloc0(sizeof(Pieces));
	pieces->table = table;
	pieces->metadata = *table.metadata;
	pieces->table.metadata = &pieces->metadata;
	pieces->metadata.table_uuid = pstrdup(table.metadata->table_uuid);
	pieces->metadata.location = pstrdup(table.metadata->location);
	pieces->table.metadata_location = pstrdup(table.metadata_location);
	initStringInfo(&pieces->pending);
	ice_table_answer_end(&pieces->pending, &representation);
	pieces->end = pieces->pending.data;
	pieces->steering = ice_warehouse_rules_steering(&table.warehouse_id);
	pieces->stream = ice_parts_stream(&table, representation.refs_only);
	initStringInfo(&pieces->pending);
	appendStringInfoString(&pieces->pending, ice_etag(&table, &representation));
	MemoryContextSwitchTo(old);
	return pieces;
}

static void
write_head(Pieces *pieces, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	appendStringInfoString(&pieces->pending, "{\"metadata-location\":");
	ice_json_escape(&pieces->pending, pieces->table.metadata_location);
	appendStringInfoString(&pieces->pending, ",\"metadata\":");
	ice_table_metadata_stream_begin(&pieces->document, &pieces->pending, &pieces->metadata);
	MemoryContextSwitchTo(old);
}

/* The properties as they are shown. */
static void
hide_steering(const char **body, size_t *body_len)
{
	IcePart  part = {.body = *body, .body_len = *body_len};
	IceJson *rest = ice_steering_without(ice_part_json(&part));

	if (rest == NULL)
		return;
	*body = ice_json_text(rest);
	*body_len = strlen(*body);
}

/* Appends the next parts, or the end. */
static void
read_more(Pieces *pieces)
{
	uint64 rows = ice_parts_stream_next(pieces->stream);

	for (uint64 i = 0; i < rows; i++)
	{
		IcePartKind kind;
		int64       id;
		const char *key;
		const char *body;
		size_t      body_len;

		ice_parts_stream_row(i, &kind, &id, &key, &body, &body_len);
		if (kind == ICE_PART_PROPERTIES && !pieces->steering)
			hide_steering(&body, &body_len);
		ice_table_metadata_stream_part(&pieces->document, &pieces->pending, kind, id, key, body,
									   body_len);
	}
	ice_spi_free_rows();
	if (rows > 0)
		return;
	ice_table_metadata_stream_end(&pieces->document, &pieces->pending);
	appendStringInfo(&pieces->pending, "%s}", pieces->end);
	pieces->stream = NULL;
}

/* The next piece, whole characters, in the given context; 0 when there is none. */
static Datum
next_piece(Pieces *pieces, MemoryContext caller)
{
	StringInfo    pending = &pieces->pending;
	MemoryContext old;
	Datum         piece;
	int           len;

	if (pieces->sent == pending->len)
	{
		resetStringInfo(pending);
		pieces->sent = 0;
	}
	while (pieces->stream != NULL && pending->len < PIECE_BYTES)
		read_more(pieces);
	len = pending->len - pieces->sent;
	if (len > PIECE_BYTES)
		len = pg_mbcliplen(pending->data + pieces->sent, len, PIECE_BYTES);
	if (len == 0)
		return (Datum) 0;
	old = MemoryContextSwitchTo(caller);
	piece = ice_spi_text_datum(pending->data + pieces->sent, len);
	MemoryContextSwitchTo(old);
	pieces->sent += len;
	return piece;
}

Datum
sql_ice_rest_load_table_pieces(PG_FUNCTION_ARGS)
{
	FuncCallContext *set;
	MemoryContext    caller;
	Pieces          *pieces;
	Datum            piece;

	if (SRF_IS_FIRSTCALL())
	{
		set = SRF_FIRSTCALL_INIT();
		caller = ice_caller_begin(fcinfo);
		set->user_fctx = pieces = begin(fcinfo, set->multi_call_memory_ctx);
		MemoryContextSwitchTo(caller);
		piece = ice_spi_text_datum(pieces->pending.data, pieces->pending.len);
		resetStringInfo(&pieces->pending);
		ice_caller_end();
		write_head(pieces, set->multi_call_memory_ctx);
		SRF_RETURN_NEXT(set, piece);
	}
	set = SRF_PERCALL_SETUP();
	caller = ice_caller_begin(fcinfo);
	piece = next_piece(set->user_fctx, caller);
	ice_caller_end();
	if (piece == (Datum) 0)
		SRF_RETURN_DONE(set);
	SRF_RETURN_NEXT(set, piece);
}
