/*
 * api_event_query.c
 *		SQL entry of the coming standard's queryEvents: pages of what happened in a warehouse.
 *
 * A page is what follows a number, as for all who read events. The token has that number, and the
 * highest time that was told; it is good for the warehouse, whatever the filters. A page is also
 * over when it looked at many events: a client whose filter lets few of them through goes on with
 * the token, which is there in any case.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "api/args.h"
#include "api/event_operation.h"
#include "api/event_rows.h"
#include "api/event_wanted.h"
#include "api/ticket.h"
#include "errors.h"
#include "guc.h"
#include "store/case_mode.h"
#include "store/store_event.h"
#include "store/store_worker.h"

#define READ_BATCH 1000    /* events read together */
#define LOOK_MAX   20000   /* after so many a page is over */
#define PAGE_BYTES 1048576 /* and with the event that goes over this */

PG_FUNCTION_INFO_V1(sql_ice_rest_query_events);

typedef struct EventQuery
{
	pg_uuid_t      warehouse_id;
	IceEventWanted wanted;
	int            size;
	bool           begun;   /* there is a token */
	int64          after;   /* the last number that was looked at */
	int64          last;    /* of the warehouse */
	int64          highest; /* time that was told, ms */
	bool           sees_all;
	StringInfoData out;
	IceJsonWriter  writer;
	int            count; /* of events on the page */
} EventQuery;

/* -- tokens ------------------------------------------------------------------------------------ */

static IceTicketUse
use_of(const EventQuery *query)
{
	return (IceTicketUse){&query->warehouse_id, "queryEvents", (const uint8 *) "", 0};
}

static const char *
make_token(const EventQuery *query, int64 after)
{
	IceTicketUse use = use_of(query);

	return ice_ticket_make(&use, psprintf(INT64_FORMAT " " INT64_FORMAT, after, query->highest));
}

/* What comes after the token must be there still. */
static void
check_kept(const EventQuery *query)
{
	int64 oldest;

	if (!ice_events_kept(&query->warehouse_id, query->after, &oldest))
		ice_raise(ICE_ERR_EVENTS_TRIMMED,
				  "Events after number " INT64_FORMAT
				  " are trimmed; the oldest event is number " INT64_FORMAT
				  ". The continuation-token that begins there: %s",
				  query->after, oldest, make_token(query, oldest - 1));
}

/* Requests are many and share their connections: they wait for nobody who numbers events. From 18
 * on, PostgreSQL takes a pipeline for a transaction block. */
static void
number_events(const pg_uuid_t *warehouse_id)
{
	if (!IsTransactionBlock())
		ice_event_rows_number(warehouse_id);
	else if (!RecoveryInProgress() && ice_events_pending(warehouse_id) && ice_worker_ensure())
		ice_worker_wake();
}

static void
open_token(EventQuery *query, const char *token)
{
	IceTicketUse use = use_of(query);
	const char  *text = ice_ticket_open(&use, token);

	if (text == NULL ||
		sscanf(text, INT64_FORMAT " " INT64_FORMAT, &query->after, &query->highest) != 2)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid continuation-token: it was not made for the events of this warehouse; "
				  "begin again without one");
	query->begun = true;
}

/* -- the request ------------------------------------------------------------------------------- */

static int
page_size(const IceJson *request)
{
	int32 size = ice_guc_page_size_default;

	if (ice_json_opt_int32(request, "page-size", &size) && size < 1)
		ice_json_raise(ice_json_get(request, "page-size"), ICE_ERR_BAD_REQUEST,
					   "Invalid page-size: %d (expected 1 or more)", size);
	return Min(size, ice_guc_page_size_max);
}

/* Reads the body, and finds out from where to where there are events. */
static void
take_request(EventQuery *query, const IceJson *request)
{
	const char *token;
	int64       oldest;

	if (request->kind != ICE_JSON_OBJECT)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST, "Request body must be a JSON object");
	ice_event_wanted_take(request, ice_case_mode_folds_of(&query->warehouse_id), &query->wanted);
	query->size = page_size(request);
	token = ice_json_opt_string(request, "continuation-token");
	if (token != NULL && *token != '\0')
		open_token(query, token);
	query->sees_all = ice_event_sight_is_whole(&query->warehouse_id);
	number_events(&query->warehouse_id);
	ice_events_range(&query->warehouse_id, &oldest, &query->last);
	if (query->after > query->last && !RecoveryInProgress()) /* a standby may be behind */
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid continuation-token: the last event is number " INT64_FORMAT
				  "; begin again without one",
				  query->last);
	if (query->begun)
		check_kept(query);
	else
		query->after = Max(query->after, oldest - 1);
}

/* -- the page ---------------------------------------------------------------------------------- */

/* The uuid of a table or view: the event has it, unless it is older than that, or its details are
 * left out. */
static const char *
uuid_of(const EventQuery *query, const IceEventRow *row, const IceJson *details)
{
	const char *kind = TextDatumGetCString(row->values[ICE_EVENT_KIND]);
	const char *uuid = NULL;

	if (strcmp(kind, "table") != 0 && strcmp(kind, "view") != 0)
		return NULL;
	if (details != NULL)
		uuid = ice_json_opt_string(details, *kind == 't' ? "table-uuid" : "view-uuid");
	if (uuid == NULL)
		uuid = ice_event_uuid_of(&query->warehouse_id,
								 DatumGetUUIDP(row->values[ICE_EVENT_OBJECT]));
	return uuid;
}

static IceJson *
details_of(const IceEventRow *row)
{
	const char *details;

	if (row->nulls[ICE_EVENT_DETAILS])
		return NULL;
	details = TextDatumGetCString(row->values[ICE_EVENT_DETAILS]);
	return ice_json_parse(details, strlen(details), ice_guc_json_depth_max);
}

static void
note_time(EventQuery *query, const IceEventRow *row)
{
	int64 at = ice_event_operation_ms(DatumGetTimestampTz(row->values[ICE_EVENT_OCCURRED]));

	query->highest = Max(query->highest, at);
}

/* Puts an event on the page, if the caller sees and wants it. Who does not see all is told no time
 * of what it does not see. */
static void
put_event(EventQuery *query, IceEventEyes *eyes, IceEventRow *row, const char *principal)
{
	IceEventOperation event = {.row = row, .principal = principal};
	IceEventSight     sight;

	if (query->sees_all)
		note_time(query, row);
	if (!ice_event_wanted_kind(&query->wanted, row))
		return;
	event.details = details_of(row);
	event.uuid = uuid_of(query, row, event.details);
	if (!ice_event_wanted_id(&query->wanted, row, event.uuid))
		return;
	sight = query->sees_all ? ICE_EVENT_SEEN : ice_event_row_sight(eyes, row);
	if (sight == ICE_EVENT_HIDDEN || !ice_event_wanted_place(&query->wanted, row, sight))
		return;
	event.moved_away = sight == ICE_EVENT_MOVED_AWAY;
	if (event.moved_away)
	{
		ice_event_row_move_away(row);
		event.uuid = NULL;
	}
	note_time(query, row);
	ice_event_operation_write(&query->writer, &event);
	query->count++;
}

/* Looks at the rows of the last result, until the page is full. */
static void
look(EventQuery *query, uint64 rows)
{
	IceEventEyes *eyes = ice_event_sight_begin(&query->warehouse_id);

	for (uint64 i = 0; i < rows && query->count < query->size && query->out.len < PAGE_BYTES; i++)
	{
		IceEventRow row;
		const char *principal;

		CHECK_FOR_INTERRUPTS();
		ice_event_row_take(i, &row);
		principal = ice_spi_field_text(i, ICE_EVENT_COLUMNS + 1);
		query->after = DatumGetInt64(row.values[ICE_EVENT_NUMBER]);
		(void) ice_spi_begin(); /* what is read for an event goes with it */
		put_event(query, eyes, &row, principal);
		ice_spi_end();
	}
}

/* Puts events on the page until it is full, it has looked at enough of them, or there are no
 * more. */
static void
put_page(EventQuery *query)
{
	int64         size = query->wanted.narrows || !query->sees_all ? READ_BATCH
																   : Min(READ_BATCH, query->size);
	MemoryContext outside = CurrentMemoryContext;
	MemoryContext batch = AllocSetContextCreate(outside, "icecat events", ALLOCSET_DEFAULT_SIZES);
	int64         end = Min(query->last, query->after + LOOK_MAX); /* also of what is too early */
	bool          more = true;

	while (more && query->count < query->size && query->out.len < PAGE_BYTES)
	{
		int64 rows;

		MemoryContextSwitchTo(batch);
		rows = (int64) ice_events_read_since(&query->warehouse_id, query->after, end,
											 query->wanted.since, size);
		more = rows == size;
		look(query, (uint64) rows);
		ice_spi_free_rows();
		MemoryContextSwitchTo(outside);
		MemoryContextReset(batch);
	}
	MemoryContextDelete(batch);
	if (!more && query->count < query->size && query->out.len < PAGE_BYTES)
		query->after = Max(query->after, end); /* what was too early is passed over */
}

Datum
sql_ice_rest_query_events(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	IceWarehouse   warehouse;
	EventQuery     query = {.after = 0};
	IceJsonWriter *out = &query.writer;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	query.warehouse_id = warehouse.id;
	take_request(&query, ice_arg_json(fcinfo, 1, "request"));
	ice_arg_result_begin(&query.out, caller);
	ice_json_write_init(out, &query.out);
	ice_json_write_begin_object(out);
	ice_json_write_key(out, "events");
	ice_json_write_begin_array(out);
	put_page(&query);
	ice_json_write_end_array(out);
	ice_json_write_key(out, "continuation-token");
	ice_json_write_string(out, make_token(&query, query.after));
	ice_json_write_key(out, "highest-processed-timestamp-ms");
	ice_json_write_int(out, query.highest);
	ice_json_write_end_object(out);
	ice_caller_end();
	PG_RETURN_DATUM(ice_arg_result_end(&query.out));
}
