/*
 * commit_policy.h
 *		What commit policies are told of tables and views (store/policy.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_POLICY_H
#define ICE_COMMIT_POLICY_H

#include "store/store_table.h"
#include "store/store_view.h"

/* A table's state as policies see it, JSON, from the lists that are loaded; NULL where there is no
 * policy at all. For what it was before, kept by the caller until the change is made. */
extern const char *ice_commit_policy_state(const IceTableMetadata *metadata);

/* Asks about a change of a table before anything of it is written. before: its state then, or NULL;
 * after: its metadata, or NULL. Raises POLICY_REFUSED. */
extern void ice_commit_policy_table(const IceTable *table, const char *operation,
									const IceNamespacePath *path, const char *name,
									const char *before, const IceTableMetadata *after);
extern void ice_commit_policy_view(const IceView *view, const char *operation,
								   const IceNamespacePath *path, const char *name);

/* Asks about a rename, at both ends. */
extern void ice_commit_policy_rename(const char *kind, const pg_uuid_t *warehouse_id,
									 const pg_uuid_t *object_id, const pg_uuid_t *from,
									 const IceNamespacePath *source_path, const char *source,
									 const pg_uuid_t *to, const IceNamespacePath *path,
									 const char *name);

#endif
