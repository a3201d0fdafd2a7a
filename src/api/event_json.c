/*
 * event_json.c
 *		An event as a document; see event_json.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "api/event_json.h"
#include "guc.h"
#include "store/store_event.h"
#include "store/uuid.h"

void
ice_event_json_put(IceJsonWriter *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	ice_json_write_key(out, key);
	ice_json_write_string(out, value);
}

static List *
levels_of(Datum levels)
{
	List  *list = NIL;
	Datum *elements;
	int    count;

	deconstruct_array(DatumGetArrayTypeP(levels), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		list = lappend(list, TextDatumGetCString(elements[i]));
	return list;
}

void
ice_event_json_levels(IceJsonWriter *out, Datum levels)
{
	ListCell *cell;

	ice_json_write_begin_array(out);
	foreach (cell, levels_of(levels))
		ice_json_write_string(out, lfirst(cell));
	ice_json_write_end_array(out);
}

/* What it is about, for people: a.b.t. */
static const char *
subject_of(const IceEventRow *row)
{
	StringInfoData text;
	ListCell      *cell;

	initStringInfo(&text);
	if (!row->nulls[ICE_EVENT_LEVELS])
		foreach (cell, levels_of(row->values[ICE_EVENT_LEVELS]))
			appendStringInfo(&text, "%s%s", text.len > 0 ? "." : "", (char *) lfirst(cell));
	if (!row->nulls[ICE_EVENT_NAME])
		appendStringInfo(&text, "%s%s", text.len > 0 ? "." : "",
						 ice_event_row_text(row, ICE_EVENT_NAME));
	return text.len > 0 ? text.data : NULL;
}

/* The attributes of CloudEvents; sequence is of their extension of that name. */
static void
put_attributes(IceJsonWriter *out, const IceEventRow *row, const IceEventSource *source)
{
	char time[MAXDATELEN + 1];
	int  utc = 0;

	JsonEncodeDateTime(time, row->values[ICE_EVENT_OCCURRED], TIMESTAMPTZOID, &utc);
	ice_event_json_put(out, "specversion", "1.0");
	ice_event_json_put(out, "id", ice_uuid_text(DatumGetUUIDP(row->values[ICE_EVENT_ID])));
	ice_event_json_put(out, "source",
					   psprintf("urn:icecat:warehouse:%s", ice_uuid_text(source->warehouse_id)));
	ice_event_json_put(out, "type", psprintf("icecat.%s", ice_event_row_text(row, ICE_EVENT_TYPE)));
	ice_event_json_put(out, "subject", subject_of(row));
	ice_event_json_put(out, "time", time);
	ice_event_json_put(out, "sequence",
					   psprintf(INT64_FORMAT, DatumGetInt64(row->values[ICE_EVENT_NUMBER])));
	ice_event_json_put(out, "datacontenttype", "application/json");
}

/* Id and summary: the rest is in the metadata file. A summary may be of any length, and is for many
 * clients: a long one is in the metadata file alone, too. */
static void
put_snapshot(IceJsonWriter *out, const char *body)
{
	IceJson    *snapshot = ice_json_parse(body, strlen(body), ice_guc_json_depth_max);
	IceJson    *summary = ice_json_opt_object(snapshot, "summary");
	const char *text;
	int64       id;

	ice_json_write_key(out, "snapshot");
	ice_json_write_begin_object(out);
	if (ice_json_opt_int64(snapshot, "snapshot-id", &id))
	{
		ice_json_write_key(out, "snapshot-id");
		ice_json_write_int(out, id);
	}
	if (summary != NULL && strlen(text = ice_json_text(summary)) > ICE_EVENT_PART_BYTES_MAX)
	{
		ice_json_write_key(out, "summary-left-out-bytes");
		ice_json_write_int(out, (int64) strlen(text));
	}
	else if (summary != NULL)
	{
		ice_json_write_key(out, "summary");
		ice_json_write_raw(out, text, strlen(text));
	}
	ice_json_write_end_object(out);
}

/* What happened, as icecat.events has it. */
static void
put_data(IceJsonWriter *out, const IceEventRow *row, const IceEventSource *source)
{
	const char *details = ice_event_row_text(row, ICE_EVENT_DETAILS);
	int64       count = 1;

	ice_event_json_put(out, "warehouse", source->warehouse);
	ice_json_write_key(out, "number");
	ice_json_write_int(out, DatumGetInt64(row->values[ICE_EVENT_NUMBER]));
	ice_event_json_put(out, "event-type", ice_event_row_text(row, ICE_EVENT_TYPE));
	ice_event_json_put(out, "object-kind", ice_event_row_text(row, ICE_EVENT_KIND));
	ice_event_json_put(out, "object-id",
					   ice_uuid_text(DatumGetUUIDP(row->values[ICE_EVENT_OBJECT])));
	if (!row->nulls[ICE_EVENT_LEVELS])
	{
		ice_json_write_key(out, "namespace");
		ice_event_json_levels(out, row->values[ICE_EVENT_LEVELS]);
	}
	ice_event_json_put(out, "name", ice_event_row_text(row, ICE_EVENT_NAME));
	ice_json_write_key(out, "version");
	ice_json_write_int(out, DatumGetInt64(row->values[ICE_EVENT_VERSION]));
	ice_event_json_put(out, "actor", ice_event_row_text(row, ICE_EVENT_ACTOR));
	ice_event_json_put(out, "principal", source->principal);
	ice_event_json_put(out, "request-id", ice_event_row_text(row, ICE_EVENT_REQUEST));
	if (details != NULL)
		(void) ice_json_opt_int64(ice_json_parse(details, strlen(details), ice_guc_json_depth_max),
								  "request-event-count", &count);
	ice_json_write_key(out, "request-event-count");
	ice_json_write_int(out, count);
	if (details != NULL)
	{
		ice_json_write_key(out, "details");
		ice_json_write_raw(out, details, strlen(details));
	}
	if (source->snapshot != NULL)
		put_snapshot(out, source->snapshot);
}

/* In JSON a tab or an end of a line can only stand between two values: it becomes a space. */
static void
join_lines(char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] == '\n' || text[i] == '\r' || text[i] == '\t')
			text[i] = ' ';
}

void
ice_event_json(StringInfo out, const IceEventRow *row, const IceEventSource *source)
{
	int           begin = out->len;
	IceJsonWriter w;

	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	put_attributes(&w, row, source);
	ice_json_write_key(&w, "data");
	ice_json_write_begin_object(&w);
	put_data(&w, row, source);
	ice_json_write_end_object(&w);
	ice_json_write_end_object(&w);
	join_lines(out->data + begin, out->len - begin);
}
