/*
 * event_operation.h
 *		An event as the coming standard of Iceberg's REST protocol has it (queryEvents): an
 *		operation, under the names that the protocol gives it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_EVENT_OPERATION_H
#define ICE_API_EVENT_OPERATION_H

#include "utils/timestamp.h"

#include "api/event_rows.h"
#include "json/json.h"

typedef struct IceEventOperation
{
	const IceEventRow *row;
	IceJson           *details;    /* NULL: none */
	const char        *uuid;       /* of a table or view, in its metadata; NULL: not known */
	const char        *principal;  /* NULL: none */
	bool               moved_away; /* only where it was is seen, and that is in the row */
} IceEventOperation;

/* Types that begin so are those of operations that the standard does not know. */
#define ICE_EVENT_CUSTOM_PREFIX "x-"

/* The standard's name for an event of ours; one of our own where it has none. */
extern const char *ice_event_operation_type(const char *event_type);
/* Is it a name that the standard has? */
extern bool        ice_event_operation_is_standard(const char *type);
/* An event of a rename, of which only the place before is seen, is of this type. */
extern const char *ice_event_operation_moved_type(const char *event_type);

/* From 1970 to 2000, where PostgreSQL's clock begins. */
#define ICE_EVENT_EPOCH_DAYS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE))
/* A time in ms since 1970. */
extern int64 ice_event_operation_ms(TimestampTz at);

/* Writes the event, an object. */
extern void ice_event_operation_write(IceJsonWriter *out, const IceEventOperation *event);

#endif
