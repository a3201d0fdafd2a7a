/*
 * store_parts.h
 *		The lists of a table's metadata as rows: one row for each part.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PARTS_H
#define ICE_STORE_PARTS_H

#include "store/table_def.h"

/* Of a list, or many: by table_part_live_idx. The condition on the ordinal is true for all; a
 * look-up by id does not imply it and so can never take this index, and read a whole list, for that
 * of the ids. */
#define ICE_PARTS_LIVE " AND removed_version IS NULL AND ordinal >= 0"

/* From so many rows on, one statement for all of them costs less than one for each. */
#define ICE_PARTS_MANY 64

/* Loads one list (live rows). */
extern void ice_parts_load(IceTable *table, IcePartKind kind, bool read_only);
/* Loads single snapshots: those that exist of the given ids, which are distinct. */
extern void ice_parts_load_snapshots(IceTable *table, const int64 *ids, int count, bool read_only);
/* The last entry of the snapshot log alone; the list does not count as loaded. */
extern void ice_parts_load_snapshot_log_end(IceTable *table, bool read_only);
/* Loads every list by one statement; false, and none is, if they are longer than bytes_max together
 * (0: any length). Not read_only: the head is locked, so that the session may remember what it has
 * read (part_memory.h). */
extern bool ice_parts_load_all(IceTable *table, bool read_only, int bytes_max);
/* Loads every list, but of the snapshots only those that a ref points to; the rows of the others
 * are not read. */
extern void ice_parts_load_referenced(IceTable *table, bool read_only);
/* Reads every live part (of the snapshots all, or those that a ref points to) by kind and in
 * document order, some rows at a time, for as long as the calling query lasts. Returns what names
 * the stream. */
#define ICE_STREAM_ROWS 16
extern char  *ice_parts_stream(const IceTable *table, bool refs_only);
extern uint64 ice_parts_stream_next(const char *stream); /* how many rows came; 0: that was all */
extern void   ice_parts_stream_row(uint64 row, IcePartKind *kind, int64 *id, const char **key,
								   const char **body, size_t *body_len);
/* Loads every list but the refs as they stood at a version. */
extern void   ice_parts_load_version(IceTable *table, int64 version);
/* Brings a list that was loaded, or written in place, into document order. */
extern void   ice_parts_finish(IceTable *table, IcePartKind kind);
/* In store_parts_write.c: writes the added and removed marks of every loaded list as
 * table->version. False: the rows may have got other values than those, for the executor did it. */
extern bool   ice_parts_write(IceTable *table);
/* Marks the count oldest live metadata log entries as removed; returns their files as C strings. */
extern List  *ice_parts_trim_metadata_log(IceTable *table, int count);
/* Deletes the removed rows that no queued document needs; or all rows of a table. */
extern void   ice_parts_delete_removed(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
extern void   ice_parts_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

#endif
