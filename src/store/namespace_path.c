/*
 * namespace_path.c
 *		Namespace paths as values.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "errors.h"
#include "guc.h"
#include "spec/case_fold.h"
#include "store/namespace_path.h"

/* SHA-256 over the levels, each followed by a zero byte (which no level can hold). */
static bytea *
path_hash(const IceNamespacePath *path)
{
	bytea             *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool               ok = hash != NULL && pg_cryptohash_init(hash) >= 0;

	for (int i = 0; ok && i < path->depth; i++)
		ok = pg_cryptohash_update(hash, (const uint8 *) path->levels[i],
								  strlen(path->levels[i]) + 1) >= 0;
	ok = ok && pg_cryptohash_final(hash, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute SHA-256 of a namespace path");
	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	return result;
}

bytea *
ice_namespace_path_folded_hash(const IceNamespacePath *path)
{
	IceNamespacePath folded = {.depth = path->depth,
							   .levels = palloc(sizeof(char *) * path->depth)};

	for (int i = 0; i < path->depth; i++)
		folded.levels[i] = ice_case_fold(path->levels[i]);
	return path_hash(&folded);
}

/* The path as messages print it. */
static const char *
dotted_path(const IceNamespacePath *path)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < path->depth; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? "." : "", path->levels[i]);
	return out.data;
}

/* Checks the levels against the rules and limits. */
static void
check_levels(const IceNamespacePath *path)
{
	if (path->depth == 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Namespace must not be empty");
	if (path->depth > ice_guc_namespace_depth_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Namespace has %d levels, more than the limit of %d",
				  path->depth, ice_guc_namespace_depth_max);
	for (int i = 0; i < path->depth; i++)
	{
		size_t bytes = strlen(path->levels[i]);

		if (bytes == 0)
			ice_raise(ICE_ERR_BAD_REQUEST, "Namespace must not have an empty level: %s",
					  dotted_path(path));
		if (bytes > (size_t) ice_guc_name_bytes_max)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED,
					  "Namespace level is %zu bytes long, more than the limit of %d", bytes,
					  ice_guc_name_bytes_max);
	}
}

/* Fills what is derived from levels and depth. */
static void
complete_path(IceNamespacePath *path)
{
	check_levels(path);
	path->dotted = dotted_path(path);
	path->hash = path_hash(path);
}

void
ice_namespace_path(ArrayType *array, IceNamespacePath *out)
{
	Datum *elements;
	bool  *nulls;
	int    count;

	if (ARR_NDIM(array) > 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "Namespace must be an array of one dimension");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	out->depth = count;
	out->levels = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ice_raise(ICE_ERR_BAD_REQUEST, "Namespace must not have a null level");
		out->levels[i] = TextDatumGetCString(elements[i]);
	}
	/* Stored arrays count from 1, whatever the caller's does. */
	if (count > 0 && ARR_LBOUND(array)[0] != 1)
		array = construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
	out->array = PointerGetDatum(array);
	complete_path(out);
}

void
ice_namespace_path_from(const char **levels, int depth, IceNamespacePath *out)
{
	Datum *elements = palloc(sizeof(Datum) * Max(depth, 1));

	for (int i = 0; i < depth; i++)
		elements[i] = CStringGetTextDatum(levels[i]);
	out->depth = depth;
	out->levels = levels;
	out->array =
		PointerGetDatum(construct_array(elements, depth, TEXTOID, -1, false, TYPALIGN_INT));
	complete_path(out);
}

void
ice_namespace_path_stored(ArrayType *array, IceNamespacePath *out)
{
	Datum *elements;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &out->depth);
	out->levels = palloc(sizeof(char *) * Max(out->depth, 1));
	for (int i = 0; i < out->depth; i++)
		out->levels[i] = TextDatumGetCString(elements[i]);
	out->array = PointerGetDatum(array);
	out->dotted = NULL;
	out->hash = path_hash(out);
}

void
ice_namespace_path_above(const IceNamespacePath *path, int depth, IceNamespacePath *out)
{
	Datum *elements = palloc(sizeof(Datum) * Max(depth, 1));

	for (int i = 0; i < depth; i++)
		elements[i] = CStringGetTextDatum(path->levels[i]);
	*out = (IceNamespacePath){.depth = depth, .levels = path->levels};
	out->array =
		PointerGetDatum(construct_array(elements, depth, TEXTOID, -1, false, TYPALIGN_INT));
	out->hash = path_hash(out);
}

bool
ice_namespace_path_same(const IceNamespacePath *a, const IceNamespacePath *b)
{
	return memcmp(VARDATA(a->hash), VARDATA(b->hash), VARSIZE(a->hash) - VARHDRSZ) == 0;
}

bool
ice_namespace_path_parent(const IceNamespacePath *path, IceNamespacePath *out)
{
	if (path->depth == 1)
		return false;
	ice_namespace_path_from(path->levels, path->depth - 1, out);
	return true;
}
