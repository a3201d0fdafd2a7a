/*
 * store_namespace.c
 *		Rows of icecat_data.namespace, and namespace paths as values.
 *
 * Locks: a creation inside a namespace holds its row FOR KEY SHARE to the end of its transaction, a
 * drop FOR UPDATE, a change of properties FOR NO KEY UPDATE, so that creations can go on.
 * Locking statements are never read-only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "spec/case_fold.h"
#include "store/case_mode.h"
#include "store/names.h"
#include "store/store_namespace.h"
#include "store/uuid.h"

#define FIND_SQL                                                  \
	"SELECT namespace_id, properties FROM icecat_data.namespace " \
	"WHERE warehouse_id = $1 AND path_hash = $2"

static IceStatement find_statements[] = {
	[ICE_LOCK_NONE] = {FIND_SQL, 2, {UUIDOID, BYTEAOID}, NULL},
	[ICE_LOCK_KEY_SHARE] = {FIND_SQL " FOR KEY SHARE", 2, {UUIDOID, BYTEAOID}, NULL},
	[ICE_LOCK_NO_KEY_UPDATE] = {FIND_SQL " FOR NO KEY UPDATE", 2, {UUIDOID, BYTEAOID}, NULL},
	[ICE_LOCK_UPDATE] = {FIND_SQL " FOR UPDATE", 2, {UUIDOID, BYTEAOID}, NULL},
};

static IceStatement find_by_id = {"SELECT properties, levels FROM icecat_data.namespace "
								  "WHERE warehouse_id = $1 AND namespace_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* The nearest namespace above that has a location, and how many levels above. */
static IceStatement inherited_location = {
	"WITH RECURSIVE up (parent_id, location, above) AS ("
	"SELECT parent_id, NULL::pg_catalog.text, 0 FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND namespace_id = $2 UNION ALL "
	"SELECT n.parent_id, nullif(pg_catalog.rtrim(n.properties ->> 'location', '/'), ''), "
	"up.above + 1 FROM up JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = $1 AND n.namespace_id = up.parent_id WHERE up.location IS NULL) "
	"SELECT location, above FROM up WHERE location IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement insert_statement = {
	"INSERT INTO icecat_data.namespace (warehouse_id, namespace_id, parent_id, levels, path_hash, "
	"properties, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	"ON CONFLICT (warehouse_id, path_hash) DO NOTHING",
	7,
	{UUIDOID, UUIDOID, UUIDOID, TEXTARRAYOID, BYTEAOID, JSONOID, TIMESTAMPTZOID},
	NULL};

static IceStatement set_properties = {"UPDATE icecat_data.namespace SET properties = $3 "
									  "WHERE warehouse_id = $1 AND namespace_id = $2",
									  3,
									  {UUIDOID, UUIDOID, JSONOID},
									  NULL};

static IceStatement writer_statement = {
	"SELECT xmin FROM icecat_data.namespace WHERE warehouse_id = $1 AND namespace_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_statement = {
	"DELETE FROM icecat_data.namespace WHERE warehouse_id = $1 AND namespace_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* The expression of namespace_child_idx. parent_id is in ORDER BY because the planner does not see that IS NULL
 * leaves nothing of it to sort. */
#define LAST_LEVEL_SQL "(levels[pg_catalog.cardinality(levels)])"
#define CHILDREN_SQL                                                                           \
	"SELECT " LAST_LEVEL_SQL                                                  \
	" FROM icecat_data.namespace WHERE warehouse_id = $1 AND " LAST_LEVEL_SQL \
	" COLLATE \"C\" > $3 AND "
#define CHILDREN_ORDER_SQL " ORDER BY parent_id, " LAST_LEVEL_SQL " COLLATE \"C\" LIMIT $4"

static IceStatement children_of_parent = {CHILDREN_SQL "parent_id = $2" CHILDREN_ORDER_SQL,
										  4,
										  {UUIDOID, UUIDOID, TEXTOID, INT8OID},
										  NULL};

static IceStatement children_at_top = {
	CHILDREN_SQL "parent_id IS NULL AND $2::pg_catalog.uuid IS NULL" CHILDREN_ORDER_SQL,
	4,
	{UUIDOID, UUIDOID, TEXTOID, INT8OID},
	NULL};

static IceStatement content_statement = {
	"SELECT (SELECT pg_catalog.count(*) FROM icecat_data.namespace AS n "
	"WHERE n.warehouse_id = $1 AND n.parent_id = $2), "
	"pg_catalog.count(*) FILTER (WHERE r.kind = 'table'), "
	"pg_catalog.count(*) FILTER (WHERE r.kind = 'view') FROM icecat_data.relation AS r "
	"WHERE r.warehouse_id = $1 AND r.namespace_id = $2 AND r.dropped_at IS NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

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
ice_namespace_folded_hash(const IceNamespacePath *path)
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

/* Runs the look-up; the number of rows. */
static uint64
find_by_hash(Datum *values, IceRowLock lock, bool read_only)
{
	return lock == ICE_LOCK_NONE ? ice_execute(&find_statements[lock], values, NULL, read_only)
								 : ice_execute_waiting(&find_statements[lock], values, NULL);
}

bool
ice_namespace_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, IceRowLock lock,
				   bool read_only, IceNamespace *out)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), PointerGetDatum(path->hash)};
	uint64 rows;

	Assert(lock == ICE_LOCK_NONE || !read_only);
	rows = find_by_hash(values, lock, read_only);
	if (rows == 0 && ice_case_folds(warehouse_id))
	{
		values[1] = PointerGetDatum(ice_namespace_folded_hash(path));
		rows = find_by_hash(values, lock, read_only);
	}
	if (rows == 0)
		return false;
	out->id = ice_field_uuid(0, 1);
	out->properties = ice_field_text(0, 2);
	return true;
}

void
ice_namespace_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, IceRowLock lock,
				  bool read_only, IceNamespace *out)
{
	if (!ice_namespace_find(warehouse_id, path, lock, read_only, out))
		ice_raise(ICE_ERR_NO_SUCH_NAMESPACE, "Namespace does not exist: %s", path->dotted);
}

bool
ice_namespace_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
						IceNamespacePath *path, IceNamespace *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	if (ice_execute(&find_by_id, values, NULL, false) == 0)
		return false;
	out->id = *namespace_id;
	out->properties = ice_field_text(0, 1);
	ice_namespace_path(DatumGetArrayTypeP(ice_field(0, 2)), path);
	return true;
}

bool
ice_namespace_inherited_location(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
								 bool read_only, const char **location, int *above)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	if (ice_execute(&inherited_location, values, NULL, read_only) == 0)
		return false;
	*location = ice_field_text(0, 1);
	*above = ice_field_int32(0, 2);
	return true;
}

bool
ice_namespace_path_same(const IceNamespacePath *a, const IceNamespacePath *b)
{
	return memcmp(VARDATA(a->hash), VARDATA(b->hash), VARSIZE(a->hash) - VARHDRSZ) == 0;
}

bool
ice_namespace_parent(const IceNamespacePath *path, IceNamespacePath *out)
{
	if (path->depth == 1)
		return false;
	ice_namespace_path_from(path->levels, path->depth - 1, out);
	return true;
}

/* The level of a new namespace; those above it are there. */
static void
check_new_level(const char *level)
{
	ice_name_check_new("namespace", level);
	if (strchr(level, '\x1f') != NULL)
		ice_raise_full(ICE_ERR_BAD_REQUEST, "Invalid namespace name: it holds U+001F",
					   "Paths of REST have it between the levels of a namespace.", NULL);
}

bool
ice_namespace_insert(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
					 const IceNamespace *parent, IceNamespace *namespace)
{
	bytea *hash = ice_case_folds_now(warehouse_id) ? ice_namespace_folded_hash(path) : path->hash;

	check_new_level(path->levels[path->depth - 1]);
	namespace->id = ice_uuid_v7();

	Datum values[7] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(&namespace->id),
					   parent == NULL ? (Datum) 0 : UUIDPGetDatum(&parent->id),
					   path->array,
					   PointerGetDatum(hash),
					   ice_cstring_datum(namespace->properties),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	return ice_execute_waiting(&insert_statement, values, parent == NULL ? "  n    " : NULL) == 1;
}

void
ice_namespace_set_properties(const pg_uuid_t *warehouse_id, const IceNamespace *namespace)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(&namespace->id),
					   ice_cstring_datum(namespace->properties)};

	(void) ice_execute(&set_properties, values, NULL, false);
}

bool
ice_namespace_is_own(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	return ice_execute(&writer_statement, values, NULL, false) > 0 &&
		   TransactionIdIsCurrentTransactionId(DatumGetTransactionId(ice_field(0, 1)));
}

void
ice_namespace_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	(void) ice_execute(&delete_statement, values, NULL, false);
}

void
ice_namespace_children(const pg_uuid_t *warehouse_id, const pg_uuid_t *parent_id,
					   const IceNameRange *range, IceNames *out)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id),
					   parent_id == NULL ? (Datum) 0 : UUIDPGetDatum(parent_id)};

	ice_names_read(parent_id == NULL ? &children_at_top : &children_of_parent, values, range, out);
}

void
ice_namespace_content(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
					  IceNamespaceContent *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	(void) ice_execute_latest(&content_statement, values);
	out->namespaces = ice_field_int64(0, 1);
	out->tables = ice_field_int64(0, 2);
	out->views = ice_field_int64(0, 3);
}
