/*
 * store_namespace.h
 *		Rows of icecat_data.namespace.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_NAMESPACE_H
#define ICE_STORE_NAMESPACE_H

#include "store/names.h"
#include "store/namespace_path.h"
#include "store/privilege.h"
#include "store/store_warehouse.h"

typedef struct IceNamespace
{
	pg_uuid_t   id;
	const char *properties; /* JSON object */
} IceNamespace;

/* Finds a namespace; false if absent, or if the caller sees neither it nor anything in it. A lock
 * waits and then sees the newest row. */
extern bool ice_namespace_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
							   IceRowLock lock, bool read_only, IceNamespace *out);
/* As find, but raises NO_SUCH_NAMESPACE "Namespace does not exist: a.b". */
extern void ice_namespace_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
							  IceRowLock lock, bool read_only, IceNamespace *out);
/* Raises FORBIDDEN unless the caller may do this with the namespace. */
extern void ice_namespace_require(uint32 wanted, const pg_uuid_t *warehouse_id,
								  const IceNamespace *space, const IceNamespacePath *path);
/* Finds a namespace by its id; false if it is gone. */
extern bool ice_namespace_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
									IceNamespacePath *path, IceNamespace *out);
/* The location of the nearest namespace above this one that has one, without slashes at its end,
 * and how many levels above; false if none has. */
extern bool ice_namespace_inherited_location(const pg_uuid_t *warehouse_id,
											 const pg_uuid_t *namespace_id, bool read_only,
											 const char **location, int *above);

/* Is a folder, in any of these spellings, the location that a namespace of the warehouse says, or
 * around one? Look-ups in an index, also of namespaces that the caller does not see. */
extern bool ice_namespace_location_in(const pg_uuid_t *warehouse_id, const char *folder);
/* Is there a namespace of these levels, of which none up to it says a location of its own? */
extern bool ice_namespace_derives(const pg_uuid_t *warehouse_id, const List *levels);

/* Adds a namespace and sets its id; parent is NULL at the top. The warehouse's row, or the
 * parent's, is locked FOR KEY SHARE. False if the path is taken (after waiting for the transaction
 * that is taking it). */
extern bool ice_namespace_insert(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
								 const IceNamespace *parent, IceNamespace *namespace);
/* Replaces the properties of a namespace that is locked. */
extern void ice_namespace_set_properties(const pg_uuid_t *warehouse_id,
										 const IceNamespace *namespace);
/* Did this transaction make or change the namespace? */
extern bool ice_namespace_is_own(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id);
/* Deletes a namespace that is locked FOR UPDATE and empty. */
extern void ice_namespace_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id);

/* Last levels of the namespaces right below parent (NULL: at the top) that the caller sees, in byte
 * order. */
extern void ice_namespace_children(const pg_uuid_t *warehouse_id, const pg_uuid_t *parent_id,
								   const IceNameRange *range, IceNames *out);

/* What a namespace holds. */
typedef struct IceNamespaceContent
{
	int64 namespaces;
	int64 tables;
	int64 views;
} IceNamespaceContent;

extern void ice_namespace_content(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
								  IceNamespaceContent *out);

#endif
