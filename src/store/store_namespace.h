/*
 * store_namespace.h
 *		Rows of icecat_data.namespace, and namespace paths as values.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_NAMESPACE_H
#define ICE_STORE_NAMESPACE_H

#include "utils/array.h"

#include "store/store_warehouse.h"

/* A namespace's path as a caller gave it, checked. */
typedef struct IceNamespacePath
{
	int          depth;
	const char **levels;
	Datum        array;  /* the same as text[] */
	const char  *dotted; /* for messages, as the reference implementation writes it: a.b.c */
	bytea       *hash;   /* namespace.path_hash */
} IceNamespacePath;

typedef enum IceRowLock
{
	ICE_LOCK_NONE,
	ICE_LOCK_KEY_SHARE, /* something is being created in it */
	ICE_LOCK_UPDATE     /* it is being changed or dropped */
} IceRowLock;

typedef struct IceNamespace
{
	pg_uuid_t   id;
	const char *properties; /* JSON object */
} IceNamespace;

/* Checks a text[]: one dimension, no NULLs, no empty level, icecat.namespace_depth_max,
 * icecat.name_bytes_max. Raises BAD_REQUEST or LIMIT_EXCEEDED. */
extern void ice_namespace_path(ArrayType *array, IceNamespacePath *out);
/* The same over C strings. */
extern void ice_namespace_path_from(const char **levels, int depth, IceNamespacePath *out);

/* Finds a namespace; false if absent. A lock waits and then sees the newest row. */
extern bool ice_namespace_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
							   IceRowLock lock, bool read_only, IceNamespace *out);
/* As find, but raises NO_SUCH_NAMESPACE "Namespace does not exist: a.b". */
extern void ice_namespace_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
							  IceRowLock lock, bool read_only, IceNamespace *out);

#endif
