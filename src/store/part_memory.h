/*
 * part_memory.h
 *		The live parts of the tables that this session has committed to last.
 *
 * A commit reads parts for its requirements and updates, and all of them for its answer. Nearly all
 * of them are what the session's commit before it has shown. Nothing is trusted but the head: what
 * is remembered is the content of one version with one metadata location, and is used only where
 * the head, read again, has both. A location has a random uuid in it, so that a version which was
 * rolled back, or made by another session, has another one. Loads never use it.
 *
 * It is kept only of tables whose rows no executor reads or writes (icecat.key_scans,
 * icecat.key_writes), and forgotten when table_part is changed in its definition, rights or
 * policies.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PART_MEMORY_H
#define ICE_PART_MEMORY_H

#include "nodes/pg_list.h"
#include "store/table_def.h"

/* Adds the live parts of a kind to the list of a table whose head was just read, in document order;
 * false: they are not known. */
extern bool ice_part_memory_load(IceTable *table, IcePartKind kind);
/* The same for all kinds, if they are no longer than bytes_max together (0: any length), which is
 * told by fits. */
extern bool ice_part_memory_load_all(IceTable *table, int bytes_max, bool *fits);
/* The same for one snapshot, if there is one of that id, and for the last entry of the snapshot
 * log. */
extern bool ice_part_memory_load_snapshot(IceTable *table, int64 id);
extern bool ice_part_memory_load_log_end(IceTable *table);

/* The places and files of the oldest entries of the metadata log of a table whose head is not
 * written yet, of those that were there before; -1: not known, or there are fewer. */
extern int ice_part_memory_oldest_log(const IceTable *table, int count, int64 *ordinals,
									  List **files);

/* Remembers a table with all of its lists. */
extern void ice_part_memory_put(const IceTable *table);
/* The next version was written: as the marks of the lists say, and without the oldest entries of
 * the metadata log, so many of them. */
extern void ice_part_memory_follow(const IceTable *table, int trimmed);
extern void ice_part_memory_forget(const IceTable *table);

#endif
