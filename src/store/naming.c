/*
 * naming.c
 *		Rows of icecat_data.naming_rule, and what they let pass. See naming.h.
 *
 * Where there is no rule at all, a new name costs a lock and one look at a kept answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "spec/name_pattern.h"
#include "store/caller.h"
#include "store/naming.h"
#include "store/table_watch.h"

static const char *const kinds[ICE_NAMED_KINDS] = {"namespace", "table", "view"};

static const pg_uuid_t nil = {{0}};

static IceStatement find_any = {
	"SELECT warehouse_id FROM icecat_data.naming_rule LIMIT 1", 0, {0}, NULL};

/* $4: the nil uuid. */
static IceStatement find_of = {
	"WITH RECURSIVE up (namespace_id, parent_id, levels) AS ("
	"SELECT namespace_id, parent_id, levels FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND namespace_id = $2 UNION ALL "
	"SELECT n.namespace_id, n.parent_id, n.levels FROM up JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = $1 AND n.namespace_id = up.parent_id) "
	"SELECT r.pattern, 'namespace ' || pg_catalog.array_to_string(up.levels, '.') "
	"FROM up JOIN icecat_data.naming_rule AS r "
	"ON r.warehouse_id = $1 AND r.object_id = up.namespace_id AND r.kind = $3 UNION ALL "
	"SELECT r.pattern, 'the warehouse' FROM icecat_data.naming_rule AS r "
	"WHERE r.warehouse_id = $1 AND r.object_id = $1 AND r.kind = $3 UNION ALL "
	"SELECT r.pattern, 'the tenant' FROM icecat_data.warehouse AS w "
	"JOIN icecat_data.naming_rule AS r ON r.warehouse_id = $4 AND r.object_id = w.tenant_id "
	"AND r.kind = $3 WHERE w.warehouse_id = $1 AND w.tenant_id IS NOT NULL",
	4,
	{UUIDOID, UUIDOID, TEXTOID, UUIDOID},
	NULL};

static IceStatement put_rule = {
	"INSERT INTO icecat_data.naming_rule (warehouse_id, object_id, object_kind, kind, pattern, "
	"set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	"ON CONFLICT (warehouse_id, object_id, kind) DO UPDATE SET pattern = excluded.pattern, "
	"set_by = excluded.set_by, set_at = excluded.set_at",
	7,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_rule = {
	"DELETE FROM icecat_data.naming_rule WHERE warehouse_id = $1 AND object_id = $2 AND kind = $3",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement delete_of_object = {
	"DELETE FROM icecat_data.naming_rule WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceTableWatch watch = {.table = "naming_rule"};

IceNamedKind
ice_naming_kind(const char *name)
{
	int kind = 0;

	while (kind < ICE_NAMED_KINDS && strcmp(kinds[kind], name) != 0)
		kind++;
	return (IceNamedKind) kind;
}

void
ice_naming_check(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, IceNamedKind kind,
				 const char *name)
{
	Datum  values[4] = {UUIDPGetDatum(warehouse_id),
						UUIDPGetDatum(namespace_id != NULL ? namespace_id : &nil),
						ice_spi_cstring_datum(kinds[kind]), UUIDPGetDatum(&nil)};
	uint64 rows;

	ice_table_watch_lock(&watch, RowExclusiveLock);
	if (!ice_table_watch_any(&watch, &find_any, NULL))
		return;
	rows = ice_spi_execute_latest(&find_of, values);
	for (uint64 i = 0; i < rows; i++)
		if (!ice_name_pattern_matches(ice_spi_field_text(i, 1), name))
			ice_raise_full(ICE_ERR_NAME_REFUSED,
						   psprintf("A %s cannot be called %s: the naming rule of %s is %s",
									kinds[kind], name, ice_spi_field_text(i, 2),
									ice_spi_field_text(i, 1)),
						   NULL, "Choose another name; icecat.naming_rules lists the rules.");
}

void
ice_naming_lock(void)
{
	ice_table_watch_lock(&watch, ShareRowExclusiveLock);
}

void
ice_naming_set(const IceNamingRule *rule)
{
	Datum       values[7] = {UUIDPGetDatum(&rule->warehouse_id), UUIDPGetDatum(&rule->object_id),
							 ice_spi_cstring_datum(rule->object_kind),
							 ice_spi_cstring_datum(kinds[rule->kind])};
	const char *problem = rule->pattern != NULL ? ice_name_pattern_problem(rule->pattern) : NULL;

	if (problem != NULL)
		ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("Not a pattern for names: %s", rule->pattern),
					   problem, NULL);
	if (rule->pattern == NULL)
	{
		values[2] = values[3];
		(void) ice_spi_execute(&delete_rule, values, NULL, false);
	}
	else
	{
		values[4] = ice_spi_cstring_datum(rule->pattern);
		values[5] = ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false));
		values[6] = TimestampTzGetDatum(GetCurrentTimestamp());
		(void) ice_spi_execute(&put_rule, values, NULL, false);
	}
	ice_table_watch_changed(&watch);
}

void
ice_naming_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (OidIsValid(ice_table_watch_oid(&watch)) &&
		ice_spi_execute(&delete_of_object, values, NULL, false) > 0)
		ice_table_watch_changed(&watch);
}
