/*
 * event_wanted.h
 *		Which events a request of the coming standard (queryEvents) asks for.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_EVENT_WANTED_H
#define ICE_API_EVENT_WANTED_H

#include "postgres.h"

#include "utils/timestamp.h"

#include "api/event_rows.h"
#include "json/json.h"

/* Each list: NULL where all are wanted. */
typedef struct IceEventWanted
{
	TimestampTz since;
	IceJson    *types;   /* of operations */
	IceJson    *kinds;   /* of objects */
	IceJson    *ids;     /* objects of a uuid and a kind */
	IceJson    *names;   /* arrays of strings: namespaces, or namespaces and names */
	char     ***paths;   /* the same, as they are compared; each ends with NULL */
	bool        folds;   /* case does not matter in the warehouse */
	bool        narrows; /* is there a filter at all? */
} IceEventWanted;

/* Reads the filters of a request's body. Raises BAD_REQUEST, LIMIT_EXCEEDED. */
extern void ice_event_wanted_take(const IceJson *request, bool folds, IceEventWanted *out);

/* What can be said without looking at the details. */
extern bool ice_event_wanted_kind(const IceEventWanted *wanted, const IceEventRow *row);
/* uuid: in the metadata; NULL: none is known. */
extern bool ice_event_wanted_id(const IceEventWanted *wanted, const IceEventRow *row,
								const char *uuid);
/* By its place, and before a rename. Who must not learn where it is now gets no answer that depends
 * on that. */
extern bool ice_event_wanted_place(const IceEventWanted *wanted, const IceEventRow *row,
								   IceEventSight sight);

#endif
