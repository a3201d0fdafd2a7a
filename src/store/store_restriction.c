/*
 * store_restriction.c
 *		Rows of icecat_data.read_restriction and trusted_engine. See store_restriction.h.
 *
 * Rows are read by the newest snapshot, and that there are none is kept until an invalidation of
 * the table comes, as in access.c: who changes a row sends one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/caller.h"
#include "store/privilege.h"
#include "store/store_restriction.h"
#include "store/table_watch.h"

#define ROW_COLUMNS "role::pg_catalog.oid, table_uuid, row_filter, column_masks "

static IceStatement find_any = {
	"SELECT warehouse_id FROM icecat_data.read_restriction LIMIT 1", 0, {0}, NULL};

static IceStatement find_of_table = {
	"SELECT " ROW_COLUMNS "FROM icecat_data.read_restriction "
	"WHERE warehouse_id = $1 AND object_id = $2 ORDER BY role::pg_catalog.oid",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_beside = {
	"SELECT " ROW_COLUMNS "FROM icecat_data.read_restriction AS x "
	"WHERE warehouse_id = $1 AND object_id = $2 AND role::pg_catalog.oid <> $3 "
	"AND EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE NOT r.rolsuper "
	"AND pg_catalog.pg_has_role(r.oid, x.role, 'MEMBER') "
	"AND pg_catalog.pg_has_role(r.oid, $3, 'MEMBER'))",
	3,
	{UUIDOID, UUIDOID, OIDOID},
	NULL};

static IceStatement count_others = {
	"SELECT pg_catalog.count(*) FROM icecat_data.read_restriction "
	"WHERE warehouse_id = $1 AND object_id = $2 AND role::pg_catalog.oid <> $3",
	3,
	{UUIDOID, UUIDOID, OIDOID},
	NULL};

/* All warehouses: whom a view hides what from. */
static IceStatement find_hidden = {
	"SELECT DISTINCT object_id, warehouse_id FROM icecat_data.read_restriction "
	"WHERE pg_catalog.pg_has_role($1, role, 'MEMBER')",
	1,
	{OIDOID},
	NULL};

static IceStatement put_row = {
	"INSERT INTO icecat_data.read_restriction (warehouse_id, object_id, role, table_uuid, "
	"row_filter, column_masks, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	"ON CONFLICT (warehouse_id, object_id, role) DO UPDATE SET table_uuid = excluded.table_uuid, "
	"row_filter = excluded.row_filter, column_masks = excluded.column_masks, "
	"set_by = excluded.set_by, set_at = excluded.set_at",
	8,
	{UUIDOID, UUIDOID, REGROLEOID, TEXTOID, JSONOID, JSONOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_row = {
	"DELETE FROM icecat_data.read_restriction WHERE warehouse_id = $1 AND object_id = $2 "
	"AND role = $3",
	3,
	{UUIDOID, UUIDOID, REGROLEOID},
	NULL};

static IceStatement delete_of_table = {
	"DELETE FROM icecat_data.read_restriction WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_definer = {
	"DELETE FROM icecat_data.view_definer WHERE warehouse_id = $1 AND view_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_trust = {
	"SELECT 1 FROM icecat_data.trusted_engine WHERE warehouse_id = $1 "
	"AND pg_catalog.pg_has_role($2, role, 'USAGE') LIMIT 1",
	2,
	{UUIDOID, OIDOID},
	NULL};

static IceStatement put_engine = {
	"INSERT INTO icecat_data.trusted_engine (warehouse_id, role, owner_property, set_by, set_at) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (warehouse_id, role) "
	"DO UPDATE SET owner_property = excluded.owner_property, set_by = excluded.set_by, "
	"set_at = excluded.set_at "
	"WHERE trusted_engine.owner_property IS DISTINCT FROM excluded.owner_property",
	5,
	{UUIDOID, REGROLEOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_engine = {
	"DELETE FROM icecat_data.trusted_engine WHERE warehouse_id = $1 AND role = $2",
	2,
	{UUIDOID, REGROLEOID},
	NULL};

/* Engines are trusted in all warehouses. */
static const pg_uuid_t everywhere = {{0}};

/* -- that there are none ----------------------------------------------------------------------- */

static IceTableWatch watch = {.table = "read_restriction"};

static uint64
ask(IceStatement *statement, Datum *values)
{
	return IsInParallelMode() ? ice_spi_execute(statement, values, NULL, true)
							  : ice_spi_execute_latest(statement, values);
}

bool
ice_restrictions_none(void)
{
	return !ice_table_watch_any(&watch, &find_any, NULL);
}

/* -- of the caller ----------------------------------------------------------------------------- */

/* The rows of the last result, those alone that hold for a role; InvalidOid: all. */
static List *
read_rows(uint64 count, Oid member)
{
	List *rows = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		Oid                role = DatumGetObjectId(ice_spi_field(i, 1));
		IceRestrictionRow *row;

		if (OidIsValid(member) && !is_member_of_role_nosuper(member, role))
			continue;
		row = palloc(sizeof(IceRestrictionRow));
		*row = (IceRestrictionRow){role, ice_spi_field_text(i, 2), ice_spi_field_text(i, 3),
								   ice_spi_field_text(i, 4)};
		rows = lappend(rows, row);
	}
	return rows;
}

List *
ice_restrictions_of_caller(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	IceCaller caller = ice_caller();
	Datum     values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (caller.owns || ice_restrictions_none())
		return NIL;
	return read_rows(ask(&find_of_table, values), caller.role);
}

List *
ice_restriction_roles(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};
	List  *roles = NIL;
	uint64 count = ice_restrictions_none() ? 0 : ask(&find_of_table, values);

	for (uint64 i = 0; i < count; i++)
		roles = lappend_oid(roles, DatumGetObjectId(ice_spi_field(i, 1)));
	return roles;
}

bool
ice_restriction_binds(const List *roles)
{
	IceCaller       caller = ice_caller();
	const ListCell *cell;

	if (caller.owns)
		return false;
	foreach (cell, roles)
		if (is_member_of_role_nosuper(caller.role, lfirst_oid(cell)))
			return true;
	return false;
}

bool
ice_restriction_restricts(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	return ice_restrictions_of_caller(warehouse_id, table_id) != NIL;
}

bool
ice_restriction_trusts_engine(void)
{
	IceCaller caller = ice_caller();
	Datum     values[2] = {UUIDPGetDatum(&everywhere), ObjectIdGetDatum(caller.engine)};

	return (caller.owns && caller.role == caller.engine) ||
		   (OidIsValid(ice_table_watch_oid(&watch)) && ask(&find_trust, values) > 0);
}

void
ice_restriction_require(uint32 wanted, const IceTable *table, const char *path, const char *name)
{
	if (!(wanted & (ICE_SELECT | ICE_WRITE | ICE_DROP)) ||
		!ice_restriction_restricts(&table->warehouse_id, &table->id))
		return;
	if (wanted & (ICE_WRITE | ICE_DROP))
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Not allowed: %s is restricted in what it may read of table %s.%s, so it may "
				  "not change it",
				  GetUserNameFromId(ice_caller().role, false), path, name);
	if (!ice_restriction_trusts_engine())
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Not allowed: %s is restricted in what it may read of table %s.%s, and is no "
				  "engine that is trusted to see to it",
				  GetUserNameFromId(ice_caller().role, false), path, name);
}

uint64
ice_restrictions_hide(bool trusted_too)
{
	IceCaller caller = ice_caller();
	Datum     values[1] = {ObjectIdGetDatum(caller.role)};

	if (caller.owns || ice_restrictions_none() || (!trusted_too && ice_restriction_trusts_engine()))
		return 0;
	return ask(&find_hidden, values);
}

/* -- changes ----------------------------------------------------------------------------------- */

List *
ice_restrictions_beside(const IceTable *table, Oid role)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   ObjectIdGetDatum(role)};

	return read_rows(ice_spi_execute_latest(&find_beside, values), InvalidOid);
}

int64
ice_restrictions_count(const IceTable *table, Oid role)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   ObjectIdGetDatum(role)};

	(void) ice_spi_execute_latest(&count_others, values);
	return ice_spi_field_int64(0, 1);
}

static Datum
caller_name(void)
{
	return ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false));
}

void
ice_restriction_put(const IceTable *table, const IceRestrictionRow *row)
{
	Datum values[8] = {UUIDPGetDatum(&table->warehouse_id),
					   UUIDPGetDatum(&table->id),
					   ObjectIdGetDatum(row->role),
					   ice_spi_cstring_datum(row->table_uuid),
					   row->row_filter ? ice_spi_cstring_datum(row->row_filter) : (Datum) 0,
					   row->masks ? ice_spi_cstring_datum(row->masks) : (Datum) 0,
					   caller_name(),
					   TimestampTzGetDatum(GetCurrentTimestamp())};
	char  nulls[9] = "        ";

	nulls[4] = row->row_filter ? ' ' : 'n';
	nulls[5] = row->masks ? ' ' : 'n';
	(void) ice_spi_execute_waiting(&put_row, values, nulls);
	ice_table_watch_changed(&watch);
}

bool
ice_restriction_delete(const IceTable *table, Oid role)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   ObjectIdGetDatum(role)};

	if (ice_spi_execute_waiting(&delete_row, values, NULL) == 0)
		return false;
	ice_table_watch_changed(&watch);
	return true;
}

bool
ice_restriction_put_engine(Oid role, const char *owner_property)
{
	Datum values[5] = {UUIDPGetDatum(&everywhere), ObjectIdGetDatum(role),
					   owner_property ? ice_spi_cstring_datum(owner_property) : (Datum) 0,
					   caller_name(), TimestampTzGetDatum(GetCurrentTimestamp())};

	return ice_spi_execute_waiting(&put_engine, values, owner_property ? NULL : "  n  ") > 0;
}

bool
ice_restriction_delete_engine(Oid role)
{
	Datum values[2] = {UUIDPGetDatum(&everywhere), ObjectIdGetDatum(role)};

	return ice_spi_execute_waiting(&delete_engine, values, NULL) > 0;
}

void
ice_restrictions_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (!OidIsValid(ice_table_watch_oid(&watch)))
		return;
	if (ice_spi_execute(&delete_of_table, values, NULL, false) > 0)
		ice_table_watch_changed(&watch);
	(void) ice_spi_execute(&delete_definer, values, NULL, false);
}
