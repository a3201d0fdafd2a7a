/*
 * event_sight.h
 *		Which events the caller may see: those of what it may load, and the drops of what it could.
 *
 * An event tells where its object was at that time. Of a table or view that is there, or can come
 * back, a role sees it that may load that today. All others are seen with select on the warehouse,
 * or on the namespace of that time (or one above it), if that is still the same: a namespace that
 * was made later under the same name tells nothing of the one before it.
 *
 * A role that sees only where a table or view was moved away from learns that it is gone, not where
 * to.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_EVENT_SIGHT_H
#define ICE_EVENT_SIGHT_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef enum IceEventSight
{
	ICE_EVENT_HIDDEN,
	ICE_EVENT_MOVED_AWAY, /* only where it was before */
	ICE_EVENT_SEEN
} IceEventSight;

/* What decides. */
typedef struct IceEventSubject
{
	const char *object_kind;
	pg_uuid_t   object_id;
	TimestampTz occurred_at;
	Datum       levels; /* text[]; 0: none */
	Datum       source; /* of a rename: the namespace before it; 0: none */
} IceEventSubject;

/* Remembers namespaces between events, of many callers: to be used for one batch of events. */
typedef struct IceEventEyes IceEventEyes;

extern IceEventEyes *ice_event_sight_begin(const pg_uuid_t *warehouse_id);

/* Does the caller see every event of the warehouse? Then none of them needs to be asked about. */
extern bool          ice_event_sight_is_whole(const pg_uuid_t *warehouse_id);
extern IceEventSight ice_event_sight(IceEventEyes *eyes, const IceEventSubject *subject);

#endif
