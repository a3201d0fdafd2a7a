/*
 * event_json.h
 *		An event as a document: CloudEvents 1.0, in their JSON format.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_EVENT_JSON_H
#define ICE_API_EVENT_JSON_H

#include "api/event_rows.h"
#include "json/json.h"

typedef struct IceEventSource
{
	const pg_uuid_t *warehouse_id;
	const char      *warehouse; /* its name */
	const char      *principal; /* of the event; NULL: none */
	const char      *snapshot;  /* that the event's version added, as JSON; NULL: none */
} IceEventSource;

/* Appends the document, on one line, without tabs. */
extern void ice_event_json(StringInfo out, const IceEventRow *row, const IceEventSource *source);
/* A member, unless its value is NULL. */
extern void ice_event_json_put(IceJsonWriter *out, const char *key, const char *value);
/* Appends levels as a JSON array. */
extern void ice_event_json_levels(IceJsonWriter *out, Datum levels);

#endif
