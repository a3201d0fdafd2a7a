/*
 * store_event.h
 *		Events: written without a number by a mutation, numbered afterwards by the sequencer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_EVENT_H
#define ICE_STORE_EVENT_H

#include "utils/timestamp.h"

#include "store/spi.h"

/* Channel on which the sequencer says that there are new numbers; the payload is the warehouse's
 * id. */
#define ICE_EVENT_CHANNEL "icecat_events"

/* Inserts an event in the caller's transaction and wakes the worker at its commit. namespace_levels
 * is a text[], or 0 for NULL; name and details_json may be NULL. version is the object's after the
 * change; 0 where it has none. */
extern void ice_event_insert(const pg_uuid_t *warehouse_id, const char *event_type,
							 const char *object_kind, const pg_uuid_t *object_id,
							 Datum namespace_levels, const char *name, int64 version,
							 const char *details_json);

typedef enum IceSequenceResult
{
	ICE_SEQUENCE_DONE, /* nothing that was visible is left */
	ICE_SEQUENCE_MORE, /* a full batch was numbered: call again */
	ICE_SEQUENCE_BUSY  /* another session is numbering this warehouse */
} IceSequenceResult;

/* Numbers one batch of a warehouse's pending events in the current transaction. Never waits.
 * numbered is raised by the number of events. */
extern IceSequenceResult ice_events_sequence(const pg_uuid_t *warehouse_id, int64 *numbered);

/* Is there a visible event without a number in the warehouse? */
extern bool ice_events_pending(const pg_uuid_t *warehouse_id);

/* Ids of the warehouses with visible unnumbered events: a List of pg_uuid_t *. For the worker only:
 * it is not bound to a warehouse. */
extern List *ice_events_pending_warehouses(void);

/* Runs the reader's query: numbered events after a number, in order. Leaves the rows as SPI's
 * result; field 13 is the principal. */
extern uint64 ice_events_read(const pg_uuid_t *warehouse_id, int64 after, int64 limit);
/* The same, but details that are longer than this say only how long they are: for those who send an
 * event to many. */
#define ICE_EVENT_PART_BYTES_MAX 16384
extern uint64 ice_events_read_short(const pg_uuid_t *warehouse_id, int64 after, int64 limit);

/* The same of those up to a number that occurred at a time or later. */
extern uint64 ice_events_read_since(const pg_uuid_t *warehouse_id, int64 after, int64 last,
									TimestampTz since, int64 limit);

/* The last number that was given, and the oldest that is still there; 0: there is none. */
extern void ice_events_range(const pg_uuid_t *warehouse_id, int64 *oldest, int64 *last);
/* Are all events after a number still there? Where they are not, oldest is the number to begin
 * with. */
extern bool ice_events_kept(const pg_uuid_t *warehouse_id, int64 after, int64 *oldest);
/* Raises EVENTS_TRIMMED if there was an event after a number, and it is not there any more. */
extern void ice_events_require(const pg_uuid_t *warehouse_id, int64 after);

/* For those who follow events. Name of a warehouse, by its id; NULL: it is gone. */
extern char  *ice_event_warehouse(const pg_uuid_t *warehouse_id);
/* The last snapshot that a version of a table added, as long as its row is there; NULL: none. */
extern char  *ice_event_snapshot(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								 int64 version);
/* Tables that have a uuid in their metadata, in the spelling that was given or the canonical one.
 * The number of rows; field 1 is the id. */
extern uint64 ice_event_tables_of_uuid(const pg_uuid_t *warehouse_id, const char *given,
									   const char *canonical);

/* The uuid in the metadata of a table or view that is there, or was not trimmed yet; NULL: it is
 * not known. */
extern char *ice_event_uuid_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

/* Where a table or view was before a rename, by the details of the event; false: they do not
 * say. */
extern bool ice_event_source(const char *details, size_t len, Datum *levels, const char **name);
/* The details of a rename, where only the place before is seen. */
#define ICE_EVENT_MOVED_DETAILS "{\"moved-away\":true}"

/* Drops the monthly partitions that end before a time; returns how many. */
extern int32 ice_events_trim(TimestampTz before);

#endif
