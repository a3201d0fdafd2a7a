/*
 * store_relation.c
 *		Names of tables and views in namespaces (icecat_data.relation), unique over both kinds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "spec/case_fold.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/names.h"
#include "store/naming.h"
#include "store/quota.h"
#include "store/store_access.h"
#include "store/store_inspection.h"
#include "store/store_label.h"
#include "store/store_protection.h"
#include "store/store_reference.h"
#include "store/store_relation.h"
#include "store/store_restriction.h"

static const char *const kind_names[] = {"table", "view"};
static const char *const kind_titles[] = {"Table", "View"};

static const IceQuotaResource quotas[] = {ICE_QUOTA_TABLES, ICE_QUOTA_VIEWS};
static const IceNamedKind     named_kinds[] = {ICE_NAMED_TABLE, ICE_NAMED_VIEW};

static IceStatement insert_relation = {
	"INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, "
	"created_at) VALUES ($1, $2, $3, $4, $5, $6) "
	"ON CONFLICT (warehouse_id, namespace_id, name) WHERE dropped_at IS NULL DO NOTHING",
	6,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

/* Where case does not matter: two unique indexes can refuse it. */
static IceStatement insert_relation_folded = {
	"INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, "
	"created_at, name_key) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
	7,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
	NULL};

static IceStatement find_relation_folded = {
	"SELECT relation_id, kind = 'view' FROM icecat_data.relation WHERE warehouse_id = $1 "
	"AND namespace_id = $2 AND name_key = $3 AND name_key IS NOT NULL AND dropped_at IS NULL",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement rename_relation_folded = {
	"UPDATE icecat_data.relation SET namespace_id = $3, name = $4, name_key = $5 "
	"WHERE warehouse_id = $1 AND relation_id = $2",
	5,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement find_relation = {
	"SELECT relation_id, kind = 'view' FROM icecat_data.relation "
	"WHERE warehouse_id = $1 AND namespace_id = $2 AND name = $3 AND dropped_at IS NULL",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement relation_name = {
	"SELECT namespace_id, name, dropped_at FROM icecat_data.relation "
	"WHERE warehouse_id = $1 AND relation_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement rename_relation = {
	"UPDATE icecat_data.relation SET namespace_id = $3, name = $4 "
	"WHERE warehouse_id = $1 AND relation_id = $2",
	4,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement drop_relation = {
	"UPDATE icecat_data.relation SET dropped_at = $3 WHERE warehouse_id = $1 AND relation_id = $2",
	3,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_relation = {
	"DELETE FROM icecat_data.relation WHERE warehouse_id = $1 AND relation_id = $2 "
	"AND dropped_at IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Each is a range of an index of its kind; name <> '' is the condition by which that is chosen. */
#define LIST_NAMES(kind)                                                                       \
	{                                                                                          \
		"SELECT name FROM icecat_data.relation WHERE warehouse_id = $1 AND namespace_id = $2 " \
		"AND kind = '" kind "' AND dropped_at IS NULL AND name <> '' "                         \
		"AND name COLLATE \"C\" > $3 ORDER BY name COLLATE \"C\" LIMIT $4",                    \
			4, {UUIDOID, UUIDOID, TEXTOID, INT8OID}, NULL                                      \
	}

/* The same of those that the roles $3 were granted something on. */
static IceStatement list_seen = {
	"SELECT DISTINCT r.name COLLATE \"C\" FROM icecat_data.access_grant AS g "
	"JOIN icecat_data.relation AS r ON r.warehouse_id = $1 AND r.relation_id = g.object_id "
	"WHERE g.warehouse_id = $1 AND g.role::pg_catalog.oid = ANY ($3) AND r.namespace_id = $2 "
	"AND r.kind = $4 AND r.dropped_at IS NULL AND r.name COLLATE \"C\" > $5 "
	"ORDER BY r.name COLLATE \"C\" LIMIT $6",
	6,
	{UUIDOID, UUIDOID, OIDARRAYOID, TEXTOID, TEXTOID, INT8OID},
	NULL};

static IceStatement list_names[] = {
	[ICE_RELATION_TABLE] = LIST_NAMES("table"),
	[ICE_RELATION_VIEW] = LIST_NAMES("view"),
};

bool
ice_relation_insert(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
					const pg_uuid_t *namespace_id, const char *name, IceRelationKind kind)
{
	bool folds = ice_case_mode_folds_now(warehouse_id);

	ice_name_check_new(kind_names[kind], name);
	ice_naming_check(warehouse_id, namespace_id, named_kinds[kind], name);

	Datum values[7] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(relation_id),
					   UUIDPGetDatum(namespace_id),
					   ice_spi_cstring_datum(name),
					   ice_spi_cstring_datum(kind_names[kind]),
					   TimestampTzGetDatum(GetCurrentTimestamp()),
					   ice_spi_cstring_datum(name)};

	if (folds)
		values[6] = ice_spi_cstring_datum(ice_case_fold(name));
	if (ice_spi_execute_waiting(folds ? &insert_relation_folded : &insert_relation, values, NULL) ==
		0)
		return false;
	ice_quota_take(warehouse_id, quotas[kind]);
	return true;
}

/* Finds what has a name now; false: nothing has it. */
static bool
find_bearer(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, const char *name,
			pg_uuid_t *id, IceRelationKind *kind)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id),
					   ice_spi_cstring_datum(name)};

	if (ice_spi_execute_latest(&find_relation, values) == 0)
	{
		if (!ice_case_mode_folds_of(warehouse_id))
			return false;
		values[2] = ice_spi_cstring_datum(ice_case_fold(name));
		if (ice_spi_execute_latest(&find_relation_folded, values) == 0)
			return false;
	}
	*id = ice_spi_field_uuid(0, 1);
	*kind = DatumGetBool(ice_spi_field(0, 2)) ? ICE_RELATION_VIEW : ICE_RELATION_TABLE;
	return true;
}

bool
ice_relation_kind(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, const char *name,
				  IceRelationKind *kind)
{
	pg_uuid_t id;

	return find_bearer(warehouse_id, namespace_id, name, &id, kind);
}

void
ice_relation_raise_taken(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
						 const char *name, IceRelationKind kind, const char *display)
{
	IceRelationKind bearer;

	if (ice_relation_kind(warehouse_id, namespace_id, name, &bearer) && bearer != kind)
		ice_raise(ICE_ERR_ALREADY_EXISTS, "%s with same name already exists: %s",
				  kind_titles[bearer], display);
	ice_raise(ICE_ERR_ALREADY_EXISTS, "%s already exists: %s", kind_titles[kind], display);
}

void
ice_relation_rename(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
					const pg_uuid_t *namespace_id, IceRelationKind kind_of, const char *name,
					const char *source_display, const char *destination_display)
{
	bool            folds = ice_case_mode_folds_now(warehouse_id);
	Datum           values[5] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id),
								 UUIDPGetDatum(namespace_id), ice_spi_cstring_datum(name),
								 ice_spi_cstring_datum(folds ? ice_case_fold(name) : name)};
	MemoryContext   context = CurrentMemoryContext;
	pg_uuid_t       bearer;
	IceRelationKind kind;

	ice_name_check_new("table or view", name);
	ice_naming_check(warehouse_id, namespace_id, named_kinds[kind_of], name);
	if (find_bearer(warehouse_id, namespace_id, name, &bearer, &kind) &&
		memcmp(&bearer, relation_id, UUID_LEN) != 0)
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Cannot rename %s to %s. %s already exists",
				  source_display, destination_display, kind_titles[kind]);
	PG_TRY();
	{
		ice_spi_execute_waiting(folds ? &rename_relation_folded : &rename_relation, values, NULL);
	}
	PG_CATCH();
	{
		/* Taken after we looked. Only the wording changes: the transaction is lost either way. */
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Cannot rename %s to %s. Table or view already exists",
				  source_display, destination_display);
	}
	PG_END_TRY();
}

bool
ice_relation_get_name(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
					  pg_uuid_t *namespace_id, const char **name)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id)};

	if (ice_spi_read(&relation_name, values, false) == 0 || !ice_spi_field_is_null(0, 3))
		return false;
	*namespace_id = ice_spi_field_uuid(0, 1);
	*name = ice_spi_field_text(0, 2);
	return true;
}

void
ice_relation_mark_dropped(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
						  IceRelationKind kind)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	ice_spi_execute(&drop_relation, values, NULL, false);
	ice_quota_give_back(warehouse_id, quotas[kind]);
}

void
ice_relation_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id)};

	ice_spi_execute(&delete_relation, values, NULL, false);
	ice_access_forget(warehouse_id, relation_id);
	ice_restrictions_forget(warehouse_id, relation_id);
	ice_labels_forget(warehouse_id, relation_id);
	ice_protection_forget(warehouse_id, relation_id);
	ice_inspections_forget(warehouse_id, relation_id);
	ice_references_forget(warehouse_id, relation_id);
}

void
ice_relation_names(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
				   IceRelationKind kind, const IceNameRange *range, IceNames *out)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};
	Datum seen[6] = {values[0], values[1]};

	if (!ice_access_may(ICE_USAGE, (IceObject){warehouse_id, namespace_id, NULL}))
	{
		seen[2] = ice_access_roles();
		seen[3] = ice_spi_cstring_datum(kind_names[kind]);
		ice_names_read(&list_seen, seen, range, out);
		return;
	}
	ice_names_read(&list_names[kind], values, range, out);
}
