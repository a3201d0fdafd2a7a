/*
 * namespace_path.h
 *		Namespace paths as values.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_NAMESPACE_PATH_H
#define ICE_STORE_NAMESPACE_PATH_H

#include "postgres.h"

#include "utils/array.h"

/* A namespace's path as a caller gave it, checked. */
typedef struct IceNamespacePath
{
	int          depth;
	const char **levels;
	Datum        array;  /* the same as text[] */
	const char  *dotted; /* for messages, as the reference implementation writes it: a.b.c */
	bytea       *hash;   /* namespace.path_hash */
} IceNamespacePath;

/* Checks a text[]: one dimension, no NULLs, no empty level, icecat.namespace_depth_max,
 * icecat.name_bytes_max. Raises BAD_REQUEST or LIMIT_EXCEEDED. */
extern void ice_namespace_path(ArrayType *array, IceNamespacePath *out);
/* The same over C strings. */
extern void ice_namespace_path_from(const char **levels, int depth, IceNamespacePath *out);

/* A path out of a stored row, of a namespace that may be gone: not checked, as limits may have
 * become smaller since. It has no dotted form. */
extern void ice_namespace_path_stored(ArrayType *array, IceNamespacePath *out);
/* The same of its first levels. */
extern void ice_namespace_path_above(const IceNamespacePath *path, int depth,
									 IceNamespacePath *out);

/* The path_hash of a namespace in a warehouse where case does not matter. */
extern bytea *ice_namespace_path_folded_hash(const IceNamespacePath *path);

/* Are these one namespace? */
extern bool ice_namespace_path_same(const IceNamespacePath *a, const IceNamespacePath *b);
/* The path one level up; false at the top. */
extern bool ice_namespace_path_parent(const IceNamespacePath *path, IceNamespacePath *out);

#endif
