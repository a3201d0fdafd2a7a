/*
 * event_rows.h
 *		Events as rows of a result: those that the caller sees, and a filter lets through.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_EVENT_ROWS_H
#define ICE_API_EVENT_ROWS_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/uuid.h"

#include "store/event_sight.h"

#define ICE_EVENT_LIMIT_MAX 100000

/* The columns of read_events(), from 0. */
enum
{
	ICE_EVENT_NUMBER,
	ICE_EVENT_ID,
	ICE_EVENT_OCCURRED,
	ICE_EVENT_TYPE,
	ICE_EVENT_KIND,
	ICE_EVENT_OBJECT,
	ICE_EVENT_LEVELS,
	ICE_EVENT_NAME,
	ICE_EVENT_VERSION,
	ICE_EVENT_ACTOR,
	ICE_EVENT_REQUEST,
	ICE_EVENT_DETAILS,
	ICE_EVENT_COLUMNS
};

typedef struct IceEventRow
{
	Datum       values[ICE_EVENT_COLUMNS];
	bool        nulls[ICE_EVENT_COLUMNS];
	Datum       source; /* of a rename: the namespace before it; 0: it is none */
	const char *source_name;
} IceEventRow;

/* A row of what ice_events_read() has left. */
extern void          ice_event_row_take(uint64 i, IceEventRow *out);
extern IceEventSight ice_event_row_sight(IceEventEyes *eyes, const IceEventRow *row);
/* A column that is a text; NULL where it is null. */
extern char         *ice_event_row_text(const IceEventRow *row, int column);
/* Takes out what a role that sees only the source must not know. */
extern void          ice_event_row_move_away(IceEventRow *row);

/* What is wanted; NULL: everything. */
typedef struct IceEventFilter
{
	ArrayType       *levels; /* in this namespace, or below it; a rename also from there */
	ArrayType       *kinds;  /* of objects */
	ArrayType       *types;  /* of events */
	const pg_uuid_t *object_id;
	bool             folds; /* case does not matter in the warehouse */
} IceEventFilter;

/* Has committed events of the warehouse numbered, where this transaction can see to it. */
extern void ice_event_rows_number(const pg_uuid_t *warehouse_id);

/* Puts the events after a number into a function's result, at most limit, and moves the number on
 * to the last one that was looked at. Without a filter, and where all is seen, that is the last one
 * returned. Returns how many there are. hidden is the first number that the filter lets through,
 * and the caller does not see; 0: none. The result's columns are those of read_events(). */
extern int64 ice_event_rows_return(ReturnSetInfo *result, const pg_uuid_t *warehouse_id,
								   int64 *after, int64 limit, const IceEventFilter *filter,
								   int64 *hidden);

#endif
