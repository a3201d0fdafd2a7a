/*
 * commit_policy.h
 *		What commit policies are told of namespaces, tables and views (store/policy.h).
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
/* Is there a policy that asks for a table? */
extern bool        ice_commit_policy_concerns(const IceTable *table);
/* The state of a table as it is stored, which is read for that; NULL where no policy asks for it.
 * to: where a rename takes it, or NULL. */
extern const char *ice_commit_policy_stored(const IceTable *table, const pg_uuid_t *to);
/* The same two of a view. */
extern const char *ice_commit_policy_view_state(const IceViewMetadata *metadata);
extern const char *ice_commit_policy_view_stored(const IceView *view, const pg_uuid_t *to);

/* Asks about a change before anything of it is written, and has those asked at the end of the call
 * that are to be asked after it. before, after: states, or NULL. Raises POLICY_REFUSED. */
extern void ice_commit_policy_table(const IceTable *table, const char *operation,
									const IceNamespacePath *path, const char *name,
									const char *before, const char *after);
extern void ice_commit_policy_view(const IceView *view, const char *operation,
								   const IceNamespacePath *path, const char *name,
								   const char *before, const char *after);
/* namespace_id: of a new one its parent's, NULL at the top. before, after: properties. */
extern void ice_commit_policy_namespace(const pg_uuid_t *warehouse_id, const char *operation,
										const pg_uuid_t *namespace_id, const IceNamespacePath *path,
										const char *before, const char *after);

/* Asks about a rename, at both ends. */
extern void ice_commit_policy_rename(const char *kind, const pg_uuid_t *warehouse_id,
									 const pg_uuid_t *object_id, const pg_uuid_t *from,
									 const IceNamespacePath *source_path, const char *source,
									 const pg_uuid_t *to, const IceNamespacePath *path,
									 const char *name, const char *state);

#endif
