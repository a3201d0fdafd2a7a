/*
 * store_table.h
 *		A table in the database: its name (relation), its head and the lists of its metadata.
 *
 * Reads take no lock and see the snapshot they are told to. Writers lock the head FOR UPDATE first
 * and read again after that; everything below the head is then theirs until the transaction ends.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_TABLE_H
#define ICE_STORE_TABLE_H

#include "store/privilege.h"
#include "store/store_namespace.h"
#include "store/store_relation.h"
#include "store/table_def.h"

/* Finds a live table by name, without a lock; false if it or its namespace does not exist, or is
 * not seen by the caller. */
extern bool ice_table_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
						   const char *name, bool read_only, IceTable *out);
/* As ice_table_find(), but raises NO_SUCH_TABLE "Table does not exist: a.b.t". */
extern void ice_table_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
						  const char *name, bool read_only, IceTable *out);

/* Raises FORBIDDEN unless the caller may do this with the table. */
extern void ice_table_require(uint32 wanted, const IceTable *table, const IceNamespacePath *path,
							  const char *name);

/* Finds a table by its id, also a dropped one whose rows are still kept; namespace_id is not
 * set. */
extern bool ice_table_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								bool read_only, IceTable *out);
/* The same with all of its lists, as it is now, whatever the snapshot of the caller, and without a
 * lock. */
extern bool ice_table_get_whole(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								IceTable *out);

/* Locks the head and reads it again (lists are forgotten); false if the table was dropped in
 * between. Waits at most icecat.commit_lock_timeout_ms, then raises 55P03. */
extern bool ice_table_lock(IceTable *table);
/* Finds a live table and locks its head, for what ends or moves its name: if another transaction
 * renamed or dropped it in between, looks again which table has the name now; false if none has.
 * Raises FORBIDDEN, before it locks, and 55P03. */
extern bool ice_table_find_locked(uint32 wanted, const pg_uuid_t *warehouse_id,
								  const IceNamespacePath *path, const char *name, IceTable *out);
/* The same, but raises NO_SUCH_TABLE. */
extern void ice_table_get_locked(uint32 wanted, const pg_uuid_t *warehouse_id,
								 const IceNamespacePath *path, const char *name, IceTable *out);

/* Loads what is needed. store_parts.h has what loads all of it. */
extern void ice_table_load(IceTable *table, const IceCommitNeeds *needs, bool read_only);
/* The last entry of the snapshot log, where the log is not loaded:
 * ice_commit_request_needs_log_end(). */
extern void ice_table_load_log_end(IceTable *table);

/* Marks name and head as dropped; the head must be locked. */
extern void ice_table_mark_dropped(const IceTable *table);

/* Writes a new table's head and all its parts. version is 1. What is in memory is complete then,
 * unless the executor has written the parts. */
extern void ice_table_insert(IceTable *table);
/* Writes the marks of metadata as version table->version (already raised) and the head; trims
 * the metadata log to log_max. trimmed gets the metadata files that fell out, as C strings. */
extern void ice_table_update(IceTable *table, int log_max, List **trimmed);

/* Appends the metadata.json text of a version, from its file's location, its frozen head
 * (frozen_head.h) and the rows of that version. */
extern void ice_store_table_render_version(StringInfo out, const pg_uuid_t *warehouse_id,
										   const pg_uuid_t *table_id, int64 version,
										   const char *file, const char *head);
/* Deletes the removed rows that no queued document needs. */
extern void ice_store_table_trim_removed(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
/* Deletes a dropped table's rows, relation included. */
extern void ice_store_table_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

#endif
