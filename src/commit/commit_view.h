/*
 * commit_view.h
 *		Views: created, registered, replaced, renamed, dropped; each in the caller's transaction.
 *
 * Those that answer with metadata append the whole document: a view's is small, and the queue
 * carries the same text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_VIEW_H
#define ICE_COMMIT_VIEW_H

#include "store/store_view.h"

/* REST createView. Raises ALREADY_EXISTS, NO_SUCH_NAMESPACE, VALIDATION, BAD_REQUEST. */
extern void ice_commit_view_create(const IceWarehouse *warehouse, const IceNamespacePath *path,
								   const IceCreateView *request, IceView *out, StringInfo document);

/* REST registerView: takes over the document at a metadata location. */
extern void ice_commit_view_register(const IceWarehouse *warehouse, const IceNamespacePath *path,
									 const char *name, const char *metadata_location, IceView *out,
									 StringInfo document);

/* The document at a metadata location, out of storage, or out of the queue if its file is still to
 * be written. */
extern IceViewMetadata *ice_commit_view_register_read(const pg_uuid_t *warehouse_id,
													  const char      *metadata_location);

/* REST replaceView. Raises COMMIT_FAILED (409), NO_SUCH_VIEW, VALIDATION; 55P03 on a lock
 * timeout. */
extern void ice_commit_view_replace(const IceWarehouse *warehouse, const IceNamespacePath *path,
									const char *name, const IceViewCommit *commit, IceView *out,
									StringInfo document);

/* REST dropView: its name is free, its files stay. Raises PROTECTED, unless by force. */
extern void ice_commit_view_drop(const IceWarehouse *warehouse, const IceNamespacePath *path,
								 const char *name, bool force);

/* REST renameView, within one warehouse. */
extern void ice_commit_view_rename(const IceWarehouse     *warehouse,
								   const IceNamespacePath *source_path, const char *source,
								   const IceNamespacePath *destination_path,
								   const char             *destination);

#endif
