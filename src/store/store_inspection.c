/*
 * store_inspection.c
 *		Snapshots whose manifests are still to be read, and what was found. See store_inspection.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "storage/storage.h"
#include "store/part_kind.h"
#include "store/spi.h"
#include "store/store_event.h"
#include "store/store_hold.h"
#include "store/store_inspection.h"
#include "store/store_lock.h"
#include "store/store_queue.h"
#include "store/warehouse_rules.h"

/* One that is queued already, perhaps given up, begins again. */
#define AGAIN                                                                          \
	"ON CONFLICT (warehouse_id, table_id, snapshot_id) DO UPDATE SET attempts = 0, "   \
	"next_attempt_at = EXCLUDED.next_attempt_at, database_id = EXCLUDED.database_id, " \
	"awaited = true"

static IceStatement insert_row = {
	"INSERT INTO icecat_data.inspection (warehouse_id, table_id, snapshot_id, created_at, "
	"attempts, next_attempt_at, database_id, awaited) VALUES ($1, $2, $3, $4, 0, $4, $5, "
	"true) " AGAIN,
	5,
	{UUIDOID, UUIDOID, INT8OID, TIMESTAMPTZOID, OIDOID},
	NULL};

/* Of tables that are live, or can be undropped; in the order of their rows. */
static IceStatement insert_all = {
	"INSERT INTO icecat_data.inspection (warehouse_id, table_id, snapshot_id, created_at, "
	"attempts, next_attempt_at, database_id, awaited) "
	"SELECT p.warehouse_id, p.table_id, p.id, $2, 0, "
	"$2 + pg_catalog.make_interval(secs => 0.000001 * "
	"pg_catalog.row_number() OVER (ORDER BY p.table_id, p.ordinal)), $3, true "
	"FROM icecat_data.table_part AS p JOIN icecat_data.relation AS r "
	"ON r.warehouse_id = p.warehouse_id AND r.relation_id = p.table_id "
	"AND (r.dropped_at IS NULL OR r.undrop_until IS NOT NULL) "
	"WHERE p.warehouse_id = $1 AND p.kind = " ICE_KIND(
		SNAPSHOT) " "
				  "AND p.removed_version IS NULL " AGAIN,
	3,
	{UUIDOID, TIMESTAMPTZOID, OIDOID},
	NULL};

/* Warehouses that have any, one step down the index each. */
#define WAREHOUSES                                                               \
	"WITH RECURSIVE w AS ((SELECT q.warehouse_id FROM icecat_data.inspection q " \
	"ORDER BY q.warehouse_id LIMIT 1) UNION ALL SELECT (SELECT q.warehouse_id "  \
	"FROM icecat_data.inspection q WHERE q.warehouse_id > w.warehouse_id "       \
	"ORDER BY q.warehouse_id LIMIT 1) FROM w WHERE w.warehouse_id IS NOT NULL)"

/* All warehouses: worker only. */
static IceStatement find_due = {
	WAREHOUSES
	", f AS (SELECT s.* FROM w CROSS JOIN LATERAL (SELECT i.* "
	"FROM icecat_data.inspection i WHERE i.warehouse_id = w.warehouse_id "
	"AND i.database_id = $1 AND i.next_attempt_at <= $2 ORDER BY i.next_attempt_at LIMIT 1) s) "
	"SELECT f.warehouse_id, f.table_id, f.snapshot_id, f.attempts FROM f "
	"ORDER BY f.next_attempt_at LIMIT 1",
	2,
	{OIDOID, TIMESTAMPTZOID},
	NULL};

/* All warehouses: worker only. */
static IceStatement find_next = {WAREHOUSES
								 ", f AS (SELECT s.next_attempt_at FROM w CROSS JOIN LATERAL ("
								 "SELECT i.next_attempt_at FROM icecat_data.inspection i "
								 "WHERE i.warehouse_id = w.warehouse_id AND i.database_id = $1 "
								 "ORDER BY i.next_attempt_at LIMIT 1) s) "
								 "SELECT pg_catalog.min(f.next_attempt_at) FROM f",
								 1,
								 {OIDOID},
								 NULL};

/* All warehouses: worker only. Purges wait for it; those of a tenant not for another tenant's,
 * which can refer to none of its files. */
static IceStatement find_awaited = {
	"SELECT pg_catalog.min(i.created_at) FROM icecat_data.inspection i "
	"LEFT JOIN icecat_data.warehouse w ON w.warehouse_id = i.warehouse_id "
	"WHERE i.warehouse_id IS NOT NULL AND i.database_id = $1 AND i.awaited "
	"AND (w.tenant_id IS NULL OR COALESCE(w.tenant_id = (SELECT p.tenant_id "
	"FROM icecat_data.warehouse p WHERE p.warehouse_id = $2), true))",
	2,
	{OIDOID, UUIDOID},
	NULL};

static IceStatement find_row = {"SELECT 1 FROM icecat_data.inspection WHERE warehouse_id = $1 "
								"AND table_id = $2 AND snapshot_id = $3",
								3,
								{UUIDOID, UUIDOID, INT8OID},
								NULL};

/* Also of a table that can be undropped. */
static IceStatement find_snapshot = {
	"SELECT p.body FROM icecat_data.table_part AS p JOIN icecat_data.relation AS r "
	"ON r.warehouse_id = p.warehouse_id AND r.relation_id = p.table_id "
	"AND (r.dropped_at IS NULL OR r.undrop_until IS NOT NULL) "
	"WHERE p.warehouse_id = $1 AND p.table_id = $2 AND p.kind = " ICE_KIND(
		SNAPSHOT) " AND p.id = $3 AND p.removed_version IS NULL",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};

static IceStatement find_properties = {
	"SELECT properties FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

static IceStatement find_table = {
	"SELECT n.levels, r.name, h.version FROM icecat_data.relation AS r "
	"JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id "
	"AND n.namespace_id = r.namespace_id JOIN icecat_data.table_head AS h "
	"ON h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id "
	"WHERE r.warehouse_id = $1 AND r.relation_id = $2 AND r.dropped_at IS NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_row = {"DELETE FROM icecat_data.inspection WHERE warehouse_id = $1 "
								  "AND table_id = $2 AND snapshot_id = $3",
								  3,
								  {UUIDOID, UUIDOID, INT8OID},
								  NULL};

static IceStatement fail_row = {
	"UPDATE icecat_data.inspection SET attempts = attempts + 1, next_attempt_at = $4, "
	"last_error = pg_catalog.left($5, 1000), awaited = $6 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND snapshot_id = $3",
	6,
	{UUIDOID, UUIDOID, INT8OID, TIMESTAMPTZOID, TEXTOID, BOOLOID},
	NULL};

static IceStatement postpone_row = {
	"UPDATE icecat_data.inspection SET next_attempt_at = $4, "
	"last_error = pg_catalog.left($5, 1000) "
	"WHERE warehouse_id = $1 AND table_id = $2 AND snapshot_id = $3",
	5,
	{UUIDOID, UUIDOID, INT8OID, TIMESTAMPTZOID, TEXTOID},
	NULL};

/* All warehouses: worker only. */
static IceStatement release_store = {
	"UPDATE icecat_data.inspection AS i SET attempts = 0, next_attempt_at = $2, awaited = true "
	"FROM icecat_data.warehouse AS w "
	"WHERE w.storage_profile_id = $1 AND i.warehouse_id = w.warehouse_id AND i.database_id = $3 "
	"AND i.next_attempt_at > $2 AND i.last_error IS NOT NULL",
	3,
	{UUIDOID, TIMESTAMPTZOID, OIDOID},
	NULL};

/* All warehouses: what came with a copy of the database. */
static IceStatement adopt_rows = {"UPDATE icecat_data.inspection SET database_id = $1 "
								  "WHERE warehouse_id IS NOT NULL AND database_id <> $1",
								  1,
								  {OIDOID},
								  NULL};

static IceStatement insert_file = {
	"INSERT INTO icecat_data.outside_file (warehouse_id, table_id, snapshot_id, n, path, "
	"found_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
	6,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement forget[] = {
	{"DELETE FROM icecat_data.inspection WHERE warehouse_id = $1 AND table_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
	{"DELETE FROM icecat_data.outside_file WHERE warehouse_id = $1 AND table_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
};

/* Not before the update that makes the tables. */
static bool
exists(void)
{
	return ice_spi_state_has("outside_file");
}

void
ice_inspection_add(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 snapshot_id)
{
	Datum values[5] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(snapshot_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};

	if (!exists())
		return;
	(void) ice_spi_execute(&insert_row, values, NULL, false);
	ice_queue_signal();
}

/* Two warehouses of one hash cost the look at a snapshot that nobody asked for. */
static uint64
lock_key(const pg_uuid_t *warehouse_id)
{
	return hash_bytes_extended((const unsigned char *) warehouse_id, UUID_LEN, 0);
}

bool
ice_inspection_wanted(const pg_uuid_t *warehouse_id)
{
	return !ice_lock_outside(lock_key(warehouse_id)) ||
		   ice_warehouse_rules_inspect(ice_inspection_properties(warehouse_id));
}

void
ice_inspection_wait(const pg_uuid_t *warehouse_id)
{
	ice_lock_outside_alone(lock_key(warehouse_id));
}

void
ice_inspection_add_all(const pg_uuid_t *warehouse_id)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};

	if (!exists())
		return;
	ice_inspection_wait(warehouse_id);
	/* Those of commits that were waited for, too, whatever the isolation level. */
	ice_spi_by_latest(true);
	PG_TRY();
	{
		(void) ice_spi_execute(&insert_all, values, NULL, false);
	}
	PG_FINALLY();
	{
		ice_spi_by_latest(false);
	}
	PG_END_TRY();
	ice_queue_signal();
}

bool
ice_inspection_due(TimestampTz now, IceInspection *out)
{
	Datum values[2] = {ObjectIdGetDatum(MyDatabaseId), TimestampTzGetDatum(now)};

	if (!exists() || ice_spi_execute(&find_due, values, NULL, true) == 0)
		return false;
	out->warehouse_id = ice_spi_field_uuid(0, 1);
	out->table_id = ice_spi_field_uuid(0, 2);
	out->snapshot_id = ice_spi_field_int64(0, 3);
	out->attempts = ice_spi_field_int32(0, 4);
	return true;
}

TimestampTz
ice_inspection_next(void)
{
	Datum values[1] = {ObjectIdGetDatum(MyDatabaseId)};

	if (!exists() || ice_spi_execute(&find_next, values, NULL, true) == 0 ||
		ice_spi_field_is_null(0, 1))
		return DT_NOEND;
	return DatumGetTimestampTz(ice_spi_field(0, 1));
}

TimestampTz
ice_inspections_awaited(const pg_uuid_t *warehouse_id)
{
	Datum values[2] = {ObjectIdGetDatum(MyDatabaseId), UUIDPGetDatum(warehouse_id)};

	if (!exists() || ice_spi_execute_latest(&find_awaited, values) == 0 ||
		ice_spi_field_is_null(0, 1))
		return DT_NOEND;
	return DatumGetTimestampTz(ice_spi_field(0, 1));
}

bool
ice_inspection_is_queued(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
						 int64 snapshot_id)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(snapshot_id)};

	return ice_spi_execute(&find_row, values, NULL, true) > 0;
}

const char *
ice_inspection_snapshot(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 snapshot_id)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(snapshot_id)};

	if (ice_spi_execute(&find_snapshot, values, NULL, true) == 0)
		return NULL;
	return ice_spi_field_text(0, 1);
}

const char *
ice_inspection_properties(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	return ice_spi_read_latest(&find_properties, values) > 0 ? ice_spi_field_text(0, 1) : "{}";
}

List *
ice_inspection_folders(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
					   const char *properties)
{
	List     *folders = NIL;
	ListCell *cell;

	foreach (cell, ice_holds_of(warehouse_id, table_id))
	{
		const IceHold *hold = lfirst(cell);

		if (hold->kind == ICE_HOLD_LOCATION || hold->kind == ICE_HOLD_PATH)
			folders = lappend(folders, hold->path);
	}
	if (properties == NULL)
		return folders;
	foreach (cell, ice_warehouse_rules_shared(properties))
		folders = list_concat(folders, ice_storage_spellings(lfirst(cell)));
	return folders;
}

/* The event, while the table is there. */
static void
tell(const IceInspection *inspection, int64 count)
{
	Datum values[2] = {UUIDPGetDatum(&inspection->warehouse_id),
					   UUIDPGetDatum(&inspection->table_id)};

	if (ice_spi_execute(&find_table, values, NULL, true) == 0)
		return;
	ice_event_insert(&inspection->warehouse_id, "outside-files", "table", &inspection->table_id,
					 SPI_datumTransfer(ice_spi_field(0, 1), false, -1), ice_spi_field_text(0, 2),
					 ice_spi_field_int64(0, 3),
					 psprintf("{\"snapshot-id\":" INT64_FORMAT ",\"files\":" INT64_FORMAT "}",
							  inspection->snapshot_id, count));
}

void
ice_inspection_done(const IceInspection *inspection, const List *files, int64 count)
{
	Datum     values[6] = {UUIDPGetDatum(&inspection->warehouse_id),
						   UUIDPGetDatum(&inspection->table_id),
						   Int64GetDatum(inspection->snapshot_id)};
	ListCell *cell;
	int       n = 0;

	if (ice_spi_execute(&delete_row, values, NULL, false) == 0 || count == 0)
		return;
	values[5] = TimestampTzGetDatum(GetCurrentTimestamp());
	foreach (cell, files)
	{
		values[3] = Int32GetDatum(++n);
		values[4] = ice_spi_cstring_datum(lfirst(cell));
		(void) ice_spi_execute(&insert_file, values, NULL, false);
	}
	tell(inspection, count);
}

void
ice_inspection_failed(const IceInspection *inspection, TimestampTz next_attempt_at,
					  const char *error, bool awaited)
{
	Datum values[6] = {UUIDPGetDatum(&inspection->warehouse_id),
					   UUIDPGetDatum(&inspection->table_id),
					   Int64GetDatum(inspection->snapshot_id),
					   TimestampTzGetDatum(next_attempt_at),
					   ice_spi_cstring_datum(error),
					   BoolGetDatum(awaited)};

	(void) ice_spi_execute(&fail_row, values, NULL, false);
}

void
ice_inspection_postpone(const IceInspection *inspection, TimestampTz until, const char *error)
{
	Datum values[5] = {UUIDPGetDatum(&inspection->warehouse_id),
					   UUIDPGetDatum(&inspection->table_id), Int64GetDatum(inspection->snapshot_id),
					   TimestampTzGetDatum(until), ice_spi_cstring_datum(error)};

	(void) ice_spi_execute(&postpone_row, values, NULL, false);
}

void
ice_inspections_release_store(const pg_uuid_t *profile_id)
{
	Datum values[3] = {UUIDPGetDatum(profile_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};

	if (exists())
		(void) ice_spi_execute(&release_store, values, NULL, false);
}

void
ice_inspections_adopt(void)
{
	Datum values[1] = {ObjectIdGetDatum(MyDatabaseId)};

	if (exists())
		(void) ice_spi_execute(&adopt_rows, values, NULL, false);
}

void
ice_inspections_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (!exists())
		return;
	for (size_t i = 0; i < lengthof(forget); i++)
		(void) ice_spi_execute(&forget[i], values, NULL, false);
}
