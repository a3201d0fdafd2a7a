/*
 * store_inspection.h
 *		Snapshots whose manifests are still to be read, and files that were found outside of the
 *		folders of their table.
 *
 * Rows are made by commits in warehouses whose icecat.outside-files is report, or strict with
 * shared locations, and done by the session that has ICE_LOCK_TASKS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_INSPECTION_H
#define ICE_STORE_INSPECTION_H

#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef struct IceInspection
{
	pg_uuid_t warehouse_id;
	pg_uuid_t table_id;
	int64     snapshot_id;
	int32     attempts;
} IceInspection;

/* Is what a commit adds to a warehouse read afterwards? That is so from the moment on in which it
 * is said, whatever the commit's snapshot of the database sees: who turns it on waits for commits
 * that have been told no (ice_inspection_add_all()), and nobody waits for the one that turns it
 * on. */
extern bool ice_inspection_wanted(const pg_uuid_t *warehouse_id);
/* Queues a snapshot, and wakes the worker when the transaction commits. */
extern void ice_inspection_add(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
							   int64 snapshot_id);
/* Waits for the commits that were told no, as long as icecat.commit_lock_timeout_ms at most; those
 * that begin are told yes. */
extern void ice_inspection_wait(const pg_uuid_t *warehouse_id);
/* The same; then queues all snapshots that the tables of the warehouse have, parents first. */
extern void ice_inspection_add_all(const pg_uuid_t *warehouse_id);

/* The one that is due and has waited longest, of all warehouses; false: none is. */
extern bool        ice_inspection_due(TimestampTz now, IceInspection *out);
/* When one is due next; DT_NOEND: none. */
extern TimestampTz ice_inspection_next(void);

/* When the oldest snapshot was committed of those that purges in a warehouse wait for; DT_NOEND:
 * there is none. */
extern TimestampTz ice_inspections_awaited(const pg_uuid_t *warehouse_id);
/* Is a snapshot still to be read? */
extern bool ice_inspection_is_queued(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
									 int64 snapshot_id);

/* The text of a snapshot of a table that is live, or can be undropped; NULL: it is gone. */
extern const char *ice_inspection_snapshot(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
										   int64 snapshot_id);
/* Folders in which files of a table may lie: its own, present and former, and those that the
 * property icecat.shared-locations of the warehouse names (properties NULL: only its own);
 * canonical C strings. */
extern List       *ice_inspection_folders(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
										  const char *properties);
/* The properties of a warehouse. */
extern const char *ice_inspection_properties(const pg_uuid_t *warehouse_id);

/* It is over: deletes the row, keeps the files (C strings) that were found, and tells of them in an
 * event, of all count. */
extern void ice_inspection_done(const IceInspection *inspection, const List *files, int64 count);
/* It is tried again at that time, or, DT_NOEND, not any more. awaited: purges wait for it. */
extern void ice_inspection_failed(const IceInspection *inspection, TimestampTz next_attempt_at,
								  const char *error, bool awaited);
/* Its store fails: it is tried at that time, and this try does not count. */
extern void ice_inspection_postpone(const IceInspection *inspection, TimestampTz until,
									const char *error);
/* A store is back: all that could not be read in the warehouses of its profile begin again, those
 * that were given up, too. */
extern void ice_inspections_release_store(const pg_uuid_t *profile_id);
/* Makes this database's what came with a copy. */
extern void ice_inspections_adopt(void);
/* With the rows of a table. */
extern void ice_inspections_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

#endif
