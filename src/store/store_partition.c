/*
 * store_partition.c
 *		Partitions a month; see store_partition.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "store/spi.h"
#include "store/store_lock.h"
#include "store/store_partition.h"

#define SCHEMA        "icecat_data"
#define TAKE_ROWS_MAX 1000000

const IcePartitioned ice_partitioned_audit = {
	.table = "audit",
	.key = "warehouse_id, audit_id",
	.indexes = {{"time", "occurred_at"}, {"action", "action, occurred_at"}},
	.time = "occurred_at",
	.columns = "warehouse_id, audit_id, occurred_at, action, outcome, status, object_kind, "
			   "object_id, warehouse, namespace, name, version, role, login, source, principal, "
			   "tenant, request_id, client_address, details",
	.lock = ICE_LOCK_AUDIT_PARTITIONS,
	.archive = &ice_guc_audit_archive};
const IcePartitioned ice_partitioned_event = {
	.table = "event",
	.key = "warehouse_id, number",
	.time = "occurred_at",
	.columns = "warehouse_id, number, event_id, occurred_at, event_type, object_kind, object_id, "
			   "namespace, name, version, actor, request_id, details, principal",
	.lock = ICE_LOCK_PARTITIONS};
const IcePartitioned ice_partitioned_metrics_report = {
	.table = "metrics_report",
	.key = "warehouse_id, report_id",
	.indexes = {{"table", "warehouse_id, table_id, received_at"}},
	.time = "received_at",
	.columns = "warehouse_id, report_id, table_id, received_at, report_type, report",
	.lock = ICE_LOCK_REPORT_PARTITIONS};

static IceStatement list_partitions = {
	"SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_inherits i "
	"JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid "
	"WHERE i.inhparent = ('icecat_data.' || $1)::pg_catalog.regclass ORDER BY c.relname",
	1,
	{TEXTOID},
	NULL};

/* First instant (UTC) of a month; month may be 13. */
static TimestampTz
month_start(int year, int month)
{
	struct pg_tm tm;
	Timestamp    result;

	memset(&tm, 0, sizeof(tm));
	tm.tm_year = month > 12 ? year + 1 : year;
	tm.tm_mon = month > 12 ? 1 : month;
	tm.tm_mday = 1;
	if (tm2timestamp(&tm, 0, NULL, &result) != 0)
		elog(ERROR, "month out of range");
	return result;
}

void
ice_partition_month_of(TimestampTz at, int *year, int *month)
{
	struct pg_tm tm;
	fsec_t       fraction;

	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	*year = tm.tm_year;
	*month = tm.tm_mon;
}

/* Runs a command that is made for a table; the number of rows. */
static uint64
run_command(const char *command)
{
	MemoryContext context = CurrentMemoryContext;
	IceSandbox    outside;
	int           result;

	ice_spi_sandbox_enter(&outside);
	result = SPI_execute(command, false, 0);
	ice_spi_sandbox_leave(&outside);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", command);
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

/* Is there a table for rows that come with a dump? Before ALTER EXTENSION UPDATE there may be
 * none. */
static bool
has_restored(const IcePartitioned *table)
{
	return OidIsValid(
		get_relname_relid(psprintf("%s_restored", table->table), get_namespace_oid(SCHEMA, false)));
}

/* Before ALTER EXTENSION UPDATE a table may not be partitioned yet. */
static bool
is_partitioned(const IcePartitioned *table)
{
	Oid oid = get_relname_relid(table->table, get_namespace_oid(SCHEMA, false));

	return get_rel_relkind(oid) == RELKIND_PARTITIONED_TABLE;
}

static void
create_partition(const IcePartitioned *table, const char *name, int year, int month)
{
	int next_year = month == 12 ? year + 1 : year;
	int next_month = month == 12 ? 1 : month + 1;

	(void) run_command(psprintf("CREATE TABLE icecat_data.%s (LIKE icecat_data.%s INCLUDING ALL, "
								"CONSTRAINT %s_pkey PRIMARY KEY (%s))",
								name, table->table, name, table->key));
	for (size_t i = 0; i < lengthof(table->indexes) && table->indexes[i].name != NULL; i++)
		(void) run_command(psprintf("CREATE INDEX %s_%s_idx ON icecat_data.%s (%s)", name,
									table->indexes[i].name, name, table->indexes[i].columns));
	(void) run_command(psprintf("ALTER TABLE icecat_data.%s ATTACH PARTITION icecat_data.%s "
								"FOR VALUES FROM ('%04d-%02d-01 00:00:00+00') "
								"TO ('%04d-%02d-01 00:00:00+00')",
								table->table, name, year, month, next_year, next_month));
	if (has_restored(table))
		(void) run_command(psprintf("ALTER EXTENSION icecat ADD TABLE icecat_data.%s", name));
}

/* A free name for a partition that is put aside: that of its month, and a number after a month that
 * came twice, with a dump. */
static const char *
archive_name(const IcePartitioned *table, const char *name)
{
	Oid   schema = get_namespace_oid(SCHEMA, false);
	char *wanted = psprintf("%s_archive%s", table->table, name + strlen(table->table));
	char *free = wanted;

	for (int i = 2; OidIsValid(get_relname_relid(free, schema)); i++)
		free = psprintf("%s_%d", wanted, i);
	return free;
}

/* No row is lost: the table stays, and is no partition any more. */
static void
put_aside(const IcePartitioned *table, const char *name)
{
	(void) run_command(
		psprintf("ALTER TABLE icecat_data.%s DETACH PARTITION icecat_data.%s", table->table, name));
	(void) run_command(
		psprintf("ALTER TABLE icecat_data.%s RENAME TO %s", name, archive_name(table, name)));
}

static void
drop_partition(const IcePartitioned *table, const char *name)
{
	Oid         oid = get_relname_relid(name, get_namespace_oid(SCHEMA, false));
	const char *quoted = quote_identifier(name);

	if (OidIsValid(getExtensionOfObject(RelationRelationId, oid)))
		(void) run_command(psprintf("ALTER EXTENSION icecat DROP TABLE icecat_data.%s", quoted));
	if (table->archive != NULL && *table->archive)
		put_aside(table, quoted);
	else
		(void) run_command(psprintf("DROP TABLE icecat_data.%s", quoted));
}

/* Attaching needs no lock that a reader or writer of the table would wait for. */
bool
ice_partition_make(const IcePartitioned *table, int year, int month, bool wait)
{
	Oid   schema = get_namespace_oid(SCHEMA, false);
	char *name;

	if (month > 12)
		return ice_partition_make(table, year + 1, month - 12, wait);
	name = psprintf("%s_%04d_%02d", table->table, year, month);
	if (OidIsValid(get_relname_relid(name, schema)) || !is_partitioned(table))
		return true;
	if (!ice_lock_take(table->lock, false, wait))
		return false;
	AcceptInvalidationMessages();
	if (!OidIsValid(get_relname_relid(name, schema)))
		create_partition(table, name, year, month);
	return true;
}

/* The names of partitions whose month ended before. */
static List *
old_partitions(const IcePartitioned *table, TimestampTz before)
{
	Datum  values[1] = {CStringGetTextDatum(table->table)};
	uint64 rows = ice_spi_execute(&list_partitions, values, NULL, false);
	List  *names = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		char *name = ice_spi_field_text(i, 1);
		int   year;
		int   month;

		if (strncmp(name, table->table, strlen(table->table)) == 0 &&
			sscanf(name + strlen(table->table), "_%4d_%2d", &year, &month) == 2 &&
			month_start(year, month + 1) <= before)
			names = lappend(names, name);
	}
	return names;
}

/* Deletes rows that came with a dump, of months that ended before; returns how many months. */
static int32
trim_restored(const IcePartitioned *table, TimestampTz before)
{
	const char *old;
	int32       months;
	int         year;
	int         month;

	if (!has_restored(table))
		return 0;
	ice_partition_month_of(before, &year, &month);
	old = psprintf("FROM icecat_data.%s_restored WHERE %s < '%04d-%02d-01 00:00:00+00'",
				   table->table, table->time, year, month);
	(void) run_command(psprintf("SELECT pg_catalog.count(DISTINCT pg_catalog.date_trunc('month', "
								"%s AT TIME ZONE 'UTC'))::pg_catalog.int4 %s",
								table->time, old));
	months = ice_spi_field_int32(0, 1);
	if (months > 0)
		(void) run_command(psprintf("DELETE %s", old));
	return months;
}

int32
ice_partitions_trim(const IcePartitioned *table, TimestampTz before, bool wait)
{
	Oid       parent = get_relname_relid(table->table, get_namespace_oid(SCHEMA, false));
	List     *names;
	ListCell *cell;

	if (!ice_lock_take(table->lock, false, wait))
		return -1;
	names = old_partitions(table, before);
	if (names != NIL && !wait && !ConditionalLockRelationOid(parent, AccessExclusiveLock))
		return -1;
	foreach (cell, names)
		drop_partition(table, lfirst(cell));
	return list_length(names) + trim_restored(table, before);
}

/* The month of the oldest row that came with a dump. */
static bool
oldest_restored(const IcePartitioned *table, int *year, int *month)
{
	(void) run_command(psprintf("SELECT pg_catalog.min(%s) FROM icecat_data.%s_restored",
								table->time, table->table));
	if (ice_spi_field_is_null(0, 1))
		return false;
	ice_partition_month_of(DatumGetTimestampTz(ice_spi_field(0, 1)), year, month);
	return true;
}

/* A row that is in the partition already stays there: both came with the dump of an older
 * library. */
static uint64
move_restored(const IcePartitioned *table, int year, int month)
{
	int         next_year = month == 12 ? year + 1 : year;
	int         next_month = month == 12 ? 1 : month + 1;
	const char *rows = psprintf("FROM icecat_data.%s_restored WHERE %s < "
								"'%04d-%02d-01 00:00:00+00'",
								table->table, table->time, next_year, next_month);

	(void) run_command(psprintf("INSERT INTO icecat_data.%s (%s) SELECT %s %s "
								"ON CONFLICT DO NOTHING",
								table->table, table->columns, table->columns, rows));
	return run_command(psprintf("DELETE %s", rows));
}

void
ice_partitions_take_restored(const IcePartitioned *table)
{
	uint64 taken = 0;
	int    year;
	int    month;

	if (!has_restored(table))
		return;
	while (taken < TAKE_ROWS_MAX && oldest_restored(table, &year, &month) &&
		   ice_partition_make(table, year, month, false))
		taken += move_restored(table, year, month);
}
