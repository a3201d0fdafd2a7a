/*
 * store_relation.h
 *		Names of tables and views in namespaces (icecat_data.relation), unique over both kinds.
 *
 * A call that moves or ends a name holds the lock of its head.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_RELATION_H
#define ICE_STORE_RELATION_H

#include "store/names.h"
#include "pg_compat.h"

typedef enum IceRelationKind
{
	ICE_RELATION_TABLE,
	ICE_RELATION_VIEW
} IceRelationKind;

/* Claims a name; false if it is taken (after waiting for the transaction that is taking it). Raises
 * QUOTA_EXCEEDED. */
extern bool ice_relation_insert(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
								const pg_uuid_t *namespace_id, const char *name,
								IceRelationKind kind);

/* Which kind has a name, by the newest rows; false: none does. */
extern bool ice_relation_kind(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
							  const char *name, IceRelationKind *kind);

/* Raises ALREADY_EXISTS for a name that something of this kind should get: "Table already exists:
 * a.b.t" or "View with same name already exists: a.b.t". */
extern void ice_relation_raise_taken(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
									 const char *name, IceRelationKind kind, const char *display)
	pg_attribute_noreturn();

/* Moves a name. Raises ALREADY_EXISTS "Cannot rename a.t to b.t. Table already exists", with the
 * given display names, if the target is another's. */
extern void ice_relation_rename(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
								const pg_uuid_t *namespace_id, IceRelationKind kind,
								const char *name, const char *source_display,
								const char *destination_display);

/* The namespace and name that a table or view has now; false if it is dropped. */
extern bool ice_relation_get_name(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
								  pg_uuid_t *namespace_id, const char **name);

/* Frees a name; or deletes the row of one that was freed. */
extern void ice_relation_mark_dropped(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
									  IceRelationKind kind);
extern void ice_relation_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id);

/* Names of a kind that are live in a namespace and that the caller sees, in byte order. */
extern void ice_relation_names(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
							   IceRelationKind kind, const IceNameRange *range, IceNames *out);

#endif
