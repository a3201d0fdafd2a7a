/*
 * store_warehouse.c
 *		Rows of icecat_data.warehouse.
 *
 * Locks: the creation of a namespace holds the warehouse's row FOR KEY SHARE to the end of its
 * transaction, a rename or drop FOR UPDATE. Locking statements are never read-only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/case_mode.h"
#include "store/part_kind.h"
#include "store/quota_set.h"
#include "store/store_hold.h"
#include "store/store_tenant.h"
#include "store/store_warehouse.h"
#include "store/uuid.h"
#include "store/warehouse_rules.h"

#define SECRET_BYTES 32

#define COLUMNS_SQL "SELECT warehouse_id, name, location, properties FROM icecat_data.warehouse "
#define FIND_SQL    COLUMNS_SQL "WHERE name = $1"

static IceStatement find_statements[] = {
	[ICE_LOCK_NONE] = {FIND_SQL, 1, {TEXTOID}, NULL},
	[ICE_LOCK_KEY_SHARE] = {FIND_SQL " FOR KEY SHARE", 1, {TEXTOID}, NULL},
	[ICE_LOCK_NO_KEY_UPDATE] = {FIND_SQL " FOR NO KEY UPDATE", 1, {TEXTOID}, NULL},
	[ICE_LOCK_UPDATE] = {FIND_SQL " FOR UPDATE", 1, {TEXTOID}, NULL},
};

static IceStatement find_by_location = {
	COLUMNS_SQL "WHERE location = $1 ORDER BY name COLLATE \"C\" LIMIT 1", 1, {TEXTOID}, NULL};

static IceStatement find_first = {COLUMNS_SQL "ORDER BY name COLLATE \"C\" LIMIT 2", 0, {0}, NULL};

/* The same of those that the roles $1 were granted something in. */
static IceStatement find_first_seen = {
	COLUMNS_SQL "AS w WHERE EXISTS (SELECT FROM icecat_data.access_grant AS g "
				"LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = w.warehouse_id "
				"AND r.relation_id = g.object_id WHERE g.warehouse_id = w.warehouse_id "
				"AND g.role::pg_catalog.oid = ANY ($1) AND r.dropped_at IS NULL) "
				"OR EXISTS (SELECT FROM icecat_data.access_grant AS t "
				"WHERE t.warehouse_id = '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid "
				"AND t.object_id = w.tenant_id AND t.role::pg_catalog.oid = ANY ($1)) "
				"ORDER BY name COLLATE \"C\" LIMIT 2",
	1,
	{OIDARRAYOID},
	NULL};

static IceStatement insert_statement = {
	"INSERT INTO icecat_data.warehouse (warehouse_id, name, location, properties, created_at) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
	5,
	{UUIDOID, TEXTOID, TEXTOID, JSONOID, TIMESTAMPTZOID},
	NULL};

static IceStatement insert_of_tenant = {
	"INSERT INTO icecat_data.warehouse (warehouse_id, name, location, properties, created_at, "
	"tenant_id) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
	6,
	{UUIDOID, TEXTOID, TEXTOID, JSONOID, TIMESTAMPTZOID, UUIDOID},
	NULL};

static IceStatement insert_secret = {
	"INSERT INTO icecat_data.warehouse_secret (warehouse_id, purpose, secret, created_at) "
	"VALUES ($1, 'page-token', $2, $3)",
	3,
	{UUIDOID, BYTEAOID, TIMESTAMPTZOID},
	NULL};

static IceStatement find_secret = {"SELECT secret FROM icecat_data.warehouse_secret "
								   "WHERE warehouse_id = $1 AND purpose = 'page-token'",
								   1,
								   {UUIDOID},
								   NULL};

static IceStatement update_statement = {
	"UPDATE icecat_data.warehouse SET name = $2, location = $3, properties = $4 "
	"WHERE warehouse_id = $1",
	4,
	{UUIDOID, TEXTOID, TEXTOID, JSONOID},
	NULL};

static IceStatement count_namespaces = {
	"SELECT pg_catalog.count(*) FROM icecat_data.namespace WHERE warehouse_id = $1",
	1,
	{UUIDOID},
	NULL};

static IceStatement count_tasks = {
	"SELECT pg_catalog.count(*) FROM icecat_data.metadata_task WHERE warehouse_id = $1 "
	"AND kind <> 'trim'",
	1,
	{UUIDOID},
	NULL};

static IceStatement table_locations = {
	"SELECT h.location, p.body FROM icecat_data.table_head h LEFT JOIN icecat_data.table_part p "
	"ON p.warehouse_id = h.warehouse_id AND p.table_id = h.table_id AND p.kind = " ICE_KIND(
		PROPERTIES) " "
					"AND p.removed_version IS NULL WHERE h.warehouse_id = $1 AND h.dropped_at IS "
					"NULL "
					"UNION ALL SELECT v.location, q.body FROM icecat_data.view_head v "
					"LEFT JOIN icecat_data.view_part q ON q.warehouse_id = v.warehouse_id "
					"AND q.view_id = v.view_id AND q.kind = " ICE_VIEW_KIND(
						PROPERTIES) " "
									"WHERE v.warehouse_id = $1 AND v.dropped_at IS NULL",
	1,
	{UUIDOID},
	NULL};

#define DELETE_FROM(table)                                                              \
	{                                                                                   \
		"DELETE FROM icecat_data." table " WHERE warehouse_id = $1", 1, {UUIDOID}, NULL \
	}

/* Keeps the sequencer out. */
static IceStatement delete_counter = DELETE_FROM("event_counter");

/* Every other table of icecat_data but the audit log, referencing rows before referenced ones. */
static IceStatement delete_statements[] = {
	DELETE_FROM("event_pending"),
	DELETE_FROM("event"),
	DELETE_FROM("metrics_report"),
	DELETE_FROM("event_restored"),
	DELETE_FROM("metrics_report_restored"),
	DELETE_FROM("idempotency"),
	DELETE_FROM("metadata_task"),
	DELETE_FROM("location"),
	DELETE_FROM("table_part"),
	DELETE_FROM("table_head"),
	DELETE_FROM("view_part"),
	DELETE_FROM("view_head"),
	DELETE_FROM("relation"),
	DELETE_FROM("namespace"),
	DELETE_FROM("commit_policy"),
	DELETE_FROM("subscription"),
	DELETE_FROM("naming_rule"),
	DELETE_FROM("access_grant"),
	DELETE_FROM("read_restriction"),
	DELETE_FROM("view_definer"),
	DELETE_FROM("label"),
	DELETE_FROM("protection"),
	DELETE_FROM("inspection"),
	DELETE_FROM("outside_file"),
	DELETE_FROM("file_reference"),
	DELETE_FROM("quota"),
	DELETE_FROM("warehouse_secret"),
	DELETE_FROM("vended_credential"),
	DELETE_FROM("warehouse"),
};

/* Fills a warehouse from a row of the last result. */
static void
read_warehouse(IceWarehouse *out)
{
	out->id = ice_spi_field_uuid(0, 1);
	out->name = ice_spi_field_text(0, 2);
	out->location = ice_spi_field_text(0, 3);
	out->properties = ice_spi_field_text(0, 4);
	ice_case_mode_remember(&out->id, out->properties);
	ice_warehouse_rules_remember(&out->id, out->properties);
}

/* Finds a warehouse by its whole name. */
static bool
find_whole(const char *name, IceRowLock lock, bool read_only, IceWarehouse *out)
{
	Datum values[1] = {ice_spi_cstring_datum(name)};

	Assert(lock == ICE_LOCK_NONE || !read_only);
	if ((lock == ICE_LOCK_NONE
			 ? ice_spi_read(&find_statements[lock], values, read_only)
			 : ice_spi_execute_waiting(&find_statements[lock], values, NULL)) == 0)
		return false;
	read_warehouse(out);
	return ice_access_sees((IceObject){.warehouse_id = &out->id});
}

bool
ice_warehouse_find(const char *name, IceRowLock lock, bool read_only, IceWarehouse *out)
{
	const char *names[2];
	int         count = ice_tenant_names(name, names);

	for (int i = 0; i < count; i++)
		if (find_whole(names[i], lock, read_only, out))
			return true;
	return false;
}

static void
raise_missing(const char *name)
{
	ice_raise(ICE_ERR_NO_SUCH_WAREHOUSE, "Warehouse does not exist: %s", name);
}

void
ice_warehouse_get(const char *name, bool read_only, IceWarehouse *out)
{
	if (!ice_warehouse_find(name, ICE_LOCK_NONE, read_only, out))
		raise_missing(name);
}

void
ice_warehouse_get_locked(const char *name, IceRowLock lock, IceWarehouse *out)
{
	ice_tenants_hold();
	if (!ice_warehouse_find(name, lock, false, out))
		raise_missing(name);
}

void
ice_warehouse_require(uint32 wanted, const IceWarehouse *warehouse)
{
	ice_access_require(wanted, (IceObject){.warehouse_id = &warehouse->id}, "warehouse",
					   warehouse->name, NULL);
}

bool
ice_warehouse_find_by_location(const char *location, IceWarehouse *out)
{
	Datum values[1] = {ice_spi_cstring_datum(location)};

	if (ice_spi_execute(&find_by_location, values, NULL, true) == 0)
		return false;
	read_warehouse(out);
	return ice_access_sees((IceObject){.warehouse_id = &out->id});
}

int
ice_warehouse_first(IceWarehouse *out)
{
	bool  all = ice_access_may(ICE_USAGE, (IceObject){.warehouse_id = NULL});
	Datum values[1] = {all ? (Datum) 0 : ice_access_roles()};
	int   count = (int) ice_spi_execute(all ? &find_first : &find_first_seen, values, NULL, true);

	if (count > 0)
		read_warehouse(out);
	return count;
}

/* Gives a new warehouse what signs its page tokens: a list is read on a standby, too, and cannot
 * make it. */
static void
make_secret(const pg_uuid_t *warehouse_id)
{
	bytea *secret = palloc(VARHDRSZ + SECRET_BYTES);
	Datum  values[3] = {UUIDPGetDatum(warehouse_id), PointerGetDatum(secret),
						TimestampTzGetDatum(GetCurrentTimestamp())};

	if (!ice_spi_state_has("warehouse_secret"))
		return; /* the update makes them for all */
	SET_VARSIZE(secret, VARHDRSZ + SECRET_BYTES);
	if (!pg_strong_random(VARDATA(secret), SECRET_BYTES))
		elog(ERROR, "could not generate random bytes");
	(void) ice_spi_execute(&insert_secret, values, NULL, false);
	(void) ice_hold_catalog_id(true);
}

const uint8 *
ice_warehouse_page_secret(const pg_uuid_t *warehouse_id, size_t *len)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (ice_spi_execute(&find_secret, values, NULL, true) == 0)
		ice_raise(ICE_ERR_CORRUPT, "The warehouse has no secret for page tokens");
	return (const uint8 *) ice_spi_field_bytes(0, 1, len);
}

bool
ice_warehouse_insert(IceWarehouse *warehouse, const pg_uuid_t *tenant_id)
{
	warehouse->id = ice_uuid_v7();

	bool  no_location = warehouse->location == NULL;
	Datum values[6] = {UUIDPGetDatum(&warehouse->id),
					   ice_spi_cstring_datum(warehouse->name),
					   no_location ? (Datum) 0 : ice_spi_cstring_datum(warehouse->location),
					   ice_spi_cstring_datum(warehouse->properties),
					   TimestampTzGetDatum(GetCurrentTimestamp()),
					   UUIDPGetDatum(tenant_id)};

	if (ice_spi_execute(tenant_id != NULL ? &insert_of_tenant : &insert_statement, values,
						no_location ? "  n   " : NULL, false) != 1)
		return false;
	make_secret(&warehouse->id);
	ice_quota_set_inherited(&warehouse->id, NULL);
	if (tenant_id != NULL)
		ice_quota_take_warehouse(tenant_id);
	return true;
}

void
ice_warehouse_update(const IceWarehouse *warehouse)
{
	bool          no_location = warehouse->location == NULL;
	MemoryContext context = CurrentMemoryContext;
	Datum values[4] = {UUIDPGetDatum(&warehouse->id), ice_spi_cstring_datum(warehouse->name),
					   no_location ? (Datum) 0 : ice_spi_cstring_datum(warehouse->location),
					   ice_spi_cstring_datum(warehouse->properties)};

	PG_TRY();
	{
		ice_spi_execute_waiting(&update_statement, values, no_location ? "  n " : NULL);
	}
	PG_CATCH();
	{
		/* Only the wording changes: the transaction is lost either way. */
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Warehouse already exists: %s",
				  ice_tenant_short_name(warehouse->name));
	}
	PG_END_TRY();
}

/* Runs a statement that counts rows of a warehouse, as they are now. */
static int64
count_rows(IceStatement *statement, const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	(void) ice_spi_execute_latest(statement, values);
	return ice_spi_field_int64(0, 1);
}

int64
ice_warehouse_count_namespaces(const pg_uuid_t *warehouse_id)
{
	return count_rows(&count_namespaces, warehouse_id);
}

int64
ice_warehouse_count_tasks(const pg_uuid_t *warehouse_id)
{
	return count_rows(&count_tasks, warehouse_id);
}

List *
ice_warehouse_table_locations(const pg_uuid_t *warehouse_id)
{
	Datum  values[1] = {UUIDPGetDatum(warehouse_id)};
	uint64 rows = ice_spi_execute(&table_locations, values, NULL, false);
	List  *tables = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceTableLocation *table = palloc(sizeof(IceTableLocation));

		table->location = ice_spi_field_text(i, 1);
		table->properties = ice_spi_field_text(i, 2);
		tables = lappend(tables, table);
	}
	return tables;
}

void
ice_warehouse_delete(const pg_uuid_t *warehouse_id)
{
	Datum     values[1] = {UUIDPGetDatum(warehouse_id)};
	IceTenant tenant;

	if (ice_tenant_of_warehouse(warehouse_id, &tenant))
		ice_quota_give_back_warehouse(&tenant.id);

	(void) ice_spi_execute(&delete_counter, values, NULL, false);
	ice_audit_keep_events(warehouse_id);
	for (size_t i = 0; i < lengthof(delete_statements); i++)
		(void) ice_spi_execute(&delete_statements[i], values, NULL, false);
}
