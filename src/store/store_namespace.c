/*
 * store_namespace.c
 *		Rows of icecat_data.namespace.
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
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "spec/case_fold.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/names.h"
#include "store/naming.h"
#include "store/quota.h"
#include "store/store_access.h"
#include "store/store_label.h"
#include "store/store_protection.h"
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

/* The index is on the first letters. '0' is the byte after '/'. */
static IceStatement located_below = {
	"SELECT 1 FROM icecat_data.namespace AS n WHERE n.warehouse_id = $1 "
	"AND n.properties ->> 'location' IS NOT NULL "
	"AND (pg_catalog.\"left\"(n.properties ->> 'location', 500) = $2 COLLATE \"C\" "
	"OR (pg_catalog.\"left\"(n.properties ->> 'location', 500) >= $2 || '/' COLLATE \"C\" "
	"AND pg_catalog.\"left\"(n.properties ->> 'location', 500) < $2 || '0' COLLATE \"C\")) LIMIT 1",
	2,
	{UUIDOID, TEXTOID},
	NULL};

static IceStatement child_at_top = {
	"SELECT namespace_id, properties ->> 'location' IS NULL FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND parent_id IS NULL "
	"AND (levels[pg_catalog.cardinality(levels)]) COLLATE \"C\" = $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

static IceStatement child_below = {
	"SELECT namespace_id, properties ->> 'location' IS NULL FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND parent_id = $3 "
	"AND (levels[pg_catalog.cardinality(levels)]) COLLATE \"C\" = $2",
	3,
	{UUIDOID, TEXTOID, UUIDOID},
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

/* The expression of namespace_child_idx. parent_id is in ORDER BY because the planner does not see
 * that IS NULL leaves nothing of it to sort. */
#define LAST_LEVEL_SQL "(levels[pg_catalog.cardinality(levels)])"
#define LAST_LEVEL     "levels[pg_catalog.cardinality(n.levels)]"
#define CHILDREN_SQL                                                          \
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

/* The same where the caller sees only something in the parent. */
#define SEEN_CHILDREN_SQL(condition)                                                              \
	ICE_SEEN_SQL "n." LAST_LEVEL " FROM seen JOIN icecat_data.namespace AS n "                    \
				 "ON n.warehouse_id = $1 AND n.namespace_id = seen.namespace_id WHERE " condition \
				 " AND (n." LAST_LEVEL ") COLLATE \"C\" > $4 "                                    \
				 "ORDER BY (n." LAST_LEVEL ") COLLATE \"C\" LIMIT $5"

static IceStatement seen_of_parent = {SEEN_CHILDREN_SQL("seen.parent_id = $2"),
									  5,
									  {UUIDOID, UUIDOID, OIDARRAYOID, TEXTOID, INT8OID},
									  NULL};

static IceStatement seen_at_top = {
	SEEN_CHILDREN_SQL("seen.parent_id IS NULL AND $2::pg_catalog.uuid IS NULL"),
	5,
	{UUIDOID, UUIDOID, OIDARRAYOID, TEXTOID, INT8OID},
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

/* Runs the look-up; the number of rows. */
static uint64
find_by_hash(Datum *values, IceRowLock lock, bool read_only)
{
	return lock == ICE_LOCK_NONE ? ice_spi_read(&find_statements[lock], values, read_only)
								 : ice_spi_execute_waiting(&find_statements[lock], values, NULL);
}

bool
ice_namespace_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, IceRowLock lock,
				   bool read_only, IceNamespace *out)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), PointerGetDatum(path->hash)};
	uint64 rows;

	Assert(lock == ICE_LOCK_NONE || !read_only);
	rows = find_by_hash(values, lock, read_only);
	if (rows == 0 && ice_case_mode_folds_of(warehouse_id))
	{
		values[1] = PointerGetDatum(ice_namespace_path_folded_hash(path));
		rows = find_by_hash(values, lock, read_only);
	}
	if (rows == 0)
		return false;
	out->id = ice_spi_field_uuid(0, 1);
	out->properties = ice_spi_field_text(0, 2);
	return ice_access_sees((IceObject){warehouse_id, &out->id, NULL});
}

void
ice_namespace_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, IceRowLock lock,
				  bool read_only, IceNamespace *out)
{
	if (!ice_namespace_find(warehouse_id, path, lock, read_only, out))
		ice_raise(ICE_ERR_NO_SUCH_NAMESPACE, "Namespace does not exist: %s", path->dotted);
}

void
ice_namespace_require(uint32 wanted, const pg_uuid_t *warehouse_id, const IceNamespace *space,
					  const IceNamespacePath *path)
{
	ice_access_require(wanted, (IceObject){warehouse_id, &space->id, NULL}, "namespace",
					   path->dotted, NULL);
}

bool
ice_namespace_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
						IceNamespacePath *path, IceNamespace *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	if (ice_spi_read(&find_by_id, values, false) == 0)
		return false;
	out->id = *namespace_id;
	out->properties = ice_spi_field_text(0, 1);
	ice_namespace_path(DatumGetArrayTypeP(ice_spi_field(0, 2)), path);
	return true;
}

bool
ice_namespace_inherited_location(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
								 bool read_only, const char **location, int *above)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	if (ice_spi_execute(&inherited_location, values, NULL, read_only) == 0)
		return false;
	*location = ice_spi_field_text(0, 1);
	*above = ice_spi_field_int32(0, 2);
	return true;
}

/* Clients write the same place in several ways; what is written with "." or in other letters is not
 * found, and only keeps its own tables from being made. */
bool
ice_namespace_location_in(const pg_uuid_t *warehouse_id, const char *folder)
{
	static const char *const schemes[][2] = {
		{"s3://", "s3a://"}, {"s3://", "s3n://"}, {"file:///", "file:/"}, {"file://", ""}};
	Datum values[2] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(folder)};
	bool  found = ice_spi_execute_latest(&located_below, values) > 0;

	for (size_t i = 0; !found && i < lengthof(schemes); i++)
	{
		size_t len = strlen(schemes[i][0]);

		if (strncmp(folder, schemes[i][0], len) != 0)
			continue;
		values[1] = ice_spi_cstring_datum(psprintf("%s%s", schemes[i][1], folder + len));
		found = ice_spi_execute_latest(&located_below, values) > 0;
	}
	return found;
}

bool
ice_namespace_derives(const pg_uuid_t *warehouse_id, const List *levels)
{
	pg_uuid_t parent;
	ListCell *cell;
	bool      top = true;

	foreach (cell, levels)
	{
		Datum values[3] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(lfirst(cell)),
						   UUIDPGetDatum(&parent)};

		if (ice_spi_execute_latest(top ? &child_at_top : &child_below, values) == 0 ||
			!DatumGetBool(ice_spi_field(0, 2)))
			return false;
		parent = ice_spi_field_uuid(0, 1);
		top = false;
	}
	return !top;
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
	bytea *hash = ice_case_mode_folds_now(warehouse_id) ? ice_namespace_path_folded_hash(path)
														: path->hash;

	check_new_level(path->levels[path->depth - 1]);
	ice_naming_check(warehouse_id, parent != NULL ? &parent->id : NULL, ICE_NAMED_NAMESPACE,
					 path->levels[path->depth - 1]);
	ice_quota_check(warehouse_id, ICE_QUOTA_NAMESPACE_DEPTH, path->depth);
	ice_quota_check_properties(warehouse_id, namespace->properties);
	namespace->id = ice_uuid_v7();

	Datum values[7] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(&namespace->id),
					   parent == NULL ? (Datum) 0 : UUIDPGetDatum(&parent->id),
					   path->array,
					   PointerGetDatum(hash),
					   ice_spi_cstring_datum(namespace->properties),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (ice_spi_execute_waiting(&insert_statement, values, parent == NULL ? "  n    " : NULL) != 1)
		return false;
	ice_quota_take(warehouse_id, ICE_QUOTA_NAMESPACES);
	return true;
}

void
ice_namespace_set_properties(const pg_uuid_t *warehouse_id, const IceNamespace *namespace)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(&namespace->id),
					   ice_spi_cstring_datum(namespace->properties)};

	ice_quota_check_properties(warehouse_id, namespace->properties);
	(void) ice_spi_execute(&set_properties, values, NULL, false);
}

bool
ice_namespace_is_own(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	return ice_spi_execute(&writer_statement, values, NULL, false) > 0 &&
		   TransactionIdIsCurrentTransactionId(DatumGetTransactionId(ice_spi_field(0, 1)));
}

void
ice_namespace_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	(void) ice_spi_execute(&delete_statement, values, NULL, false);
	ice_quota_give_back(warehouse_id, ICE_QUOTA_NAMESPACES);
	ice_access_forget(warehouse_id, namespace_id);
	ice_labels_forget(warehouse_id, namespace_id);
	ice_protection_forget(warehouse_id, namespace_id);
	ice_naming_forget(warehouse_id, namespace_id);
}

void
ice_namespace_children(const pg_uuid_t *warehouse_id, const pg_uuid_t *parent_id,
					   const IceNameRange *range, IceNames *out)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id),
					   parent_id == NULL ? (Datum) 0 : UUIDPGetDatum(parent_id)};
	Datum seen[5] = {values[0], values[1]};

	if (!ice_access_may(ICE_USAGE, (IceObject){warehouse_id, parent_id, NULL}))
	{
		seen[2] = ice_access_roles();
		ice_names_read(parent_id == NULL ? &seen_at_top : &seen_of_parent, seen, range, out);
		return;
	}
	ice_names_read(parent_id == NULL ? &children_at_top : &children_of_parent, values, range, out);
}

void
ice_namespace_content(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
					  IceNamespaceContent *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	(void) ice_spi_execute_latest(&content_statement, values);
	out->namespaces = ice_spi_field_int64(0, 1);
	out->tables = ice_spi_field_int64(0, 2);
	out->views = ice_spi_field_int64(0, 3);
}
