/*
 * store_view.h
 *		A view in the database: its head and the lists of its metadata, found by its name
 *		(relation).
 *
 * As with tables: reads take no lock; writers lock the head FOR UPDATE first and read again after
 * that. A view is small, so it is always loaded whole; what a commit removes is deleted at once,
 * for a queued metadata file carries its text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_VIEW_H
#define ICE_STORE_VIEW_H

#include "spec/view_metadata.h"
#include "store/privilege.h"
#include "store/store_namespace.h"
#include "store/store_relation.h"

typedef struct IceView
{
	pg_uuid_t        warehouse_id;
	pg_uuid_t        id;
	pg_uuid_t        namespace_id;
	const char      *name; /* set when the head is locked */
	int64            version;
	const char      *metadata_location;
	bool             file_expected; /* the metadata file was queued or written */
	IceViewMetadata *metadata;      /* scalars; lists once loaded */
} IceView;

/* Finds a live view by name, without a lock; false if it or its namespace does not exist, or is not
 * seen by the caller. */
extern bool ice_view_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
						  const char *name, bool read_only, IceView *out);
/* The same, but raises NO_SUCH_VIEW "View does not exist: a.b.v". */
extern void ice_view_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
						 const char *name, bool read_only, IceView *out);

/* Raises FORBIDDEN unless the caller may do this with the view. */
extern void ice_view_require(uint32 wanted, const IceView *view, const IceNamespacePath *path,
							 const char *name);

/* Finds a view by its id, also a dropped one, as the calling query sees it; namespace_id and the
 * lists are not set. */
extern bool ice_view_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id,
							   IceView *out);

/* Finds a view by its id, also a dropped one whose rows are still kept, with all of its lists, as
 * it is now, whatever the snapshot of the caller, and without a lock; namespace_id is not set. */
extern bool ice_view_get_whole(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id,
							   IceView *out);

/* Locks the head and reads it again (lists are forgotten); false if the view was dropped in
 * between. Waits at most icecat.commit_lock_timeout_ms, then raises 55P03. */
extern bool ice_view_lock(IceView *view);
/* Finds a live view and locks its head, for what ends or moves its name, as
 * ice_table_find_locked(). Raises FORBIDDEN and 55P03. */
extern bool ice_view_find_locked(uint32 wanted, const pg_uuid_t *warehouse_id,
								 const IceNamespacePath *path, const char *name, IceView *out);
/* The same, but raises NO_SUCH_VIEW. */
extern void ice_view_get_locked(uint32 wanted, const pg_uuid_t *warehouse_id,
								const IceNamespacePath *path, const char *name, IceView *out);

/* Loads every list of a view whose head was just read. */
extern void ice_view_load(IceView *view, bool read_only);

/* Writes a new view's head and parts. version is 1. */
extern void ice_view_insert(const IceView *view);
/* Writes the marks of metadata as version view->version (already raised) and the head. */
extern void ice_view_update(const IceView *view);
/* Marks name and head as dropped; the head must be locked. */
extern void ice_view_mark_dropped(const IceView *view);
/* Deletes a dropped view's rows, relation included. */
extern void ice_store_view_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id);

#endif
