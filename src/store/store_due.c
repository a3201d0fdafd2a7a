/*
 * store_due.c
 *		What is due in the queue of file tasks (icecat_data.metadata_task). See store_due.h.
 *
 * Most of these statements look over all warehouses: only the session that does tasks runs them, on
 * the server where the rows are. metadata_task_due_idx has the tasks of each kind by time, so what
 * is due of one kind is found past all others. The kind is also the upper part of a task's
 * position, which the primary key has: the writes of a table are found past its deletions without
 * reading these.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "store/store_due.h"
#include "store/store_inspection.h"

#define DUE_TASKS_MAX 4096 /* writes that are looked at for the tables of a batch */
/* Deletions that are looked at for each table of theirs: batches are small, and looks frequent. */
#define DUE_PER_TABLE 4
#define HOLD_MS       3600000 /* a task behind one that failed; it is released when that is done */
#define HOLD_SHORT_MS 200     /* a task behind one that is about to be done */

/* The first position that is not a write's. */
#define WRITES_END "1048576"
StaticAssertDecl((1 << ICE_TASK_POSITION_SHIFT) == 1048576 && ICE_TASK_WRITE == 0,
				 "positions of writes are below WRITES_END");

/* Warehouses that have a task, one step down the index each. */
#define TASK_WAREHOUSES                                                             \
	"WITH RECURSIVE w AS ((SELECT q.warehouse_id FROM icecat_data.metadata_task q " \
	"ORDER BY q.warehouse_id LIMIT 1) UNION ALL SELECT (SELECT q.warehouse_id "     \
	"FROM icecat_data.metadata_task q WHERE q.warehouse_id > w.warehouse_id "       \
	"ORDER BY q.warehouse_id LIMIT 1) FROM w WHERE w.warehouse_id IS NOT NULL)"

/* Of a table d: its last task. */
#define LAST_TASK                                                                               \
	" CROSS JOIN LATERAL (SELECT t.kind FROM icecat_data.metadata_task t "                      \
	"WHERE t.warehouse_id = d.warehouse_id AND t.table_id = d.table_id AND t.database_id = $1 " \
	"ORDER BY t.version DESC, t.position DESC LIMIT 1) l "

/* All warehouses: worker only. Tables with due writes, as many tasks as are looked at; whether the
 * last task is a purge, the time of the first write, and whether it has failed. */
static IceStatement due_writes = {
	TASK_WAREHOUSES
	", d AS (SELECT s.warehouse_id, s.table_id, pg_catalog.min(s.created_at) AS since "
	"FROM w CROSS JOIN LATERAL (SELECT t.warehouse_id, t.table_id, t.created_at "
	"FROM icecat_data.metadata_task t WHERE t.warehouse_id = w.warehouse_id "
	"AND t.database_id = $1 AND t.kind = 'write' AND t.next_attempt_at <= $2 "
	"ORDER BY t.next_attempt_at LIMIT $4) s "
	"GROUP BY s.warehouse_id, s.table_id ORDER BY 3 LIMIT $3) "
	"SELECT d.warehouse_id, d.table_id, l.kind = 'purge', f.next_attempt_at, f.attempts > 0 "
	"FROM d CROSS JOIN LATERAL (SELECT t.next_attempt_at, t.attempts "
	"FROM icecat_data.metadata_task t "
	"WHERE t.warehouse_id = d.warehouse_id AND t.table_id = d.table_id AND t.database_id = $1 "
	"AND t.position < " WRITES_END " AND t.kind = 'write' "
	"ORDER BY t.version, t.position LIMIT 1) f" LAST_TASK "ORDER BY d.since",
	4,
	{OIDOID, TIMESTAMPTZOID, INT8OID, INT8OID},
	NULL};

/* All warehouses: worker only. Tables with due deletions or trims; whether the last task is a
 * purge, the time of the first one, whether it has failed, and whether it is a write. */
static IceStatement due_deletes = {
	TASK_WAREHOUSES
	", d AS (SELECT s.warehouse_id, s.table_id, pg_catalog.min(s.next_attempt_at) AS since "
	"FROM w CROSS JOIN (VALUES ('delete'), ('trim')) AS k (kind) "
	"CROSS JOIN LATERAL (SELECT t.warehouse_id, t.table_id, t.next_attempt_at "
	"FROM icecat_data.metadata_task t WHERE t.warehouse_id = w.warehouse_id "
	"AND t.database_id = $1 AND t.kind = k.kind AND t.next_attempt_at <= $2 "
	"ORDER BY t.next_attempt_at LIMIT $4) s "
	"GROUP BY s.warehouse_id, s.table_id ORDER BY 3 LIMIT $3) "
	"SELECT d.warehouse_id, d.table_id, l.kind = 'purge', f.next_attempt_at, f.attempts > 0, "
	"f.kind = 'write' FROM d CROSS JOIN LATERAL ("
	"SELECT t.kind, t.next_attempt_at, t.attempts FROM icecat_data.metadata_task t "
	"WHERE t.warehouse_id = d.warehouse_id AND t.table_id = d.table_id AND t.database_id = $1 "
	"ORDER BY t.version, t.position LIMIT 1) f" LAST_TASK "ORDER BY d.since",
	4,
	{OIDOID, TIMESTAMPTZOID, INT8OID, INT8OID},
	NULL};

/* All warehouses: worker only. */
static IceStatement due_purges = {
	TASK_WAREHOUSES
	", p AS (SELECT s.* FROM w CROSS JOIN LATERAL (SELECT t.* "
	"FROM icecat_data.metadata_task t WHERE t.warehouse_id = w.warehouse_id "
	"AND t.database_id = $1 AND t.kind = 'purge' AND t.next_attempt_at <= $2 "
	"ORDER BY t.next_attempt_at LIMIT $3) s) "
	"SELECT p.warehouse_id, p.table_id, p.version, p.position, p.kind, p.location, p.head, "
	"p.attempts, p.next_attempt_at, p.created_at FROM p ORDER BY p.next_attempt_at LIMIT $3",
	3,
	{OIDOID, TIMESTAMPTZOID, INT8OID},
	NULL};

#define TASK_COLUMNS                                                                     \
	"SELECT warehouse_id, table_id, version, position, kind, location, head, attempts, " \
	"next_attempt_at, created_at FROM icecat_data.metadata_task "

static IceStatement first_writes = {
	TASK_COLUMNS "WHERE warehouse_id = $1 AND table_id = $2 AND database_id = $3 "
				 "AND position < " WRITES_END " AND kind = 'write' "
				 "ORDER BY version, position LIMIT $4",
	4,
	{UUIDOID, UUIDOID, OIDOID, INT8OID},
	NULL};

static IceStatement first_tasks = {TASK_COLUMNS
								   "WHERE warehouse_id = $1 AND table_id = $2 AND database_id = $3 "
								   "ORDER BY version, position LIMIT $4",
								   4,
								   {UUIDOID, UUIDOID, OIDOID, INT8OID},
								   NULL};

/* Of one table: writes, or deletions and trims. */
static IceStatement hold_tasks = {
	"UPDATE icecat_data.metadata_task SET next_attempt_at = $4 WHERE warehouse_id = $1 "
	"AND table_id = $2 AND next_attempt_at <= $3 AND (kind = 'write') = $5 AND kind <> 'purge' "
	"AND database_id = $6",
	6,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, OIDOID},
	NULL};

/* The first task of a table and, with $4, its first write. A time before its creation marks a task
 * that was released: those behind it may be held. One that has failed is tried again with those
 * behind it; without $5 it keeps its time. */
static IceStatement release_tasks = {
	"UPDATE icecat_data.metadata_task SET next_attempt_at = created_at - interval '1 ms' "
	"WHERE warehouse_id = $1 AND table_id = $2 AND database_id = $3 "
	"AND ($5 OR attempts = 0) AND next_attempt_at >= created_at AND ((version, position) = ("
	"SELECT t.version, t.position FROM icecat_data.metadata_task t WHERE t.warehouse_id = $1 "
	"AND t.table_id = $2 AND t.database_id = $3 ORDER BY t.version, t.position LIMIT 1) "
	"OR $4 AND (version, position) = ("
	"SELECT t.version, t.position FROM icecat_data.metadata_task t WHERE t.warehouse_id = $1 "
	"AND t.table_id = $2 AND t.database_id = $3 AND t.position < " WRITES_END
	" ORDER BY t.version, t.position LIMIT 1))",
	5,
	{UUIDOID, UUIDOID, OIDOID, BOOLOID, BOOLOID},
	NULL};

/* All warehouses: worker only. */
static IceStatement release_store = {
	"UPDATE icecat_data.metadata_task AS t SET next_attempt_at = $2 FROM icecat_data.warehouse AS "
	"w "
	"WHERE w.storage_profile_id = $1 AND t.warehouse_id = w.warehouse_id AND t.database_id = $3 "
	"AND t.next_attempt_at > $2 AND t.last_error IS NOT NULL",
	3,
	{UUIDOID, TIMESTAMPTZOID, OIDOID},
	NULL};

static IceStatement postpone_task = {
	"UPDATE icecat_data.metadata_task SET next_attempt_at = $5 WHERE warehouse_id = $1 "
	"AND table_id = $2 AND version = $3 AND position = $4",
	5,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TIMESTAMPTZOID},
	NULL};

/* All warehouses: worker only. */
static IceStatement next_attempts = {
	TASK_WAREHOUSES
	", n AS (SELECT k.kind, s.next_attempt_at FROM w "
	"CROSS JOIN (VALUES ('write'), ('delete'), ('trim'), ('purge')) AS k (kind) "
	"CROSS JOIN LATERAL (SELECT t.next_attempt_at FROM icecat_data.metadata_task t "
	"WHERE t.warehouse_id = w.warehouse_id AND t.database_id = $1 AND t.kind = k.kind "
	"ORDER BY t.next_attempt_at LIMIT 1) s) "
	"SELECT pg_catalog.min(n.next_attempt_at) FILTER (WHERE n.kind = 'write'), "
	"pg_catalog.min(n.next_attempt_at) FILTER (WHERE n.kind IN ('delete', 'trim')), "
	"pg_catalog.min(n.next_attempt_at) FILTER (WHERE n.kind = 'purge') FROM n",
	1,
	{OIDOID},
	NULL};

/* -- tables ----------------------------------------------------------------------------------- */

static IceTaskTable *
table_of_row(uint64 row)
{
	IceTaskTable *table = palloc(sizeof(IceTaskTable));

	table->warehouse_id = ice_spi_field_uuid(row, 1);
	table->table_id = ice_spi_field_uuid(row, 2);
	table->has_purge = DatumGetBool(ice_spi_field(row, 3));
	return table;
}

/* Has a table's tasks that are due wait: its writes, or its deletions and trims. */
static void
hold(const IceTaskTable *table, bool writes, TimestampTz now, TimestampTz until)
{
	Datum values[6] = {UUIDPGetDatum(&table->warehouse_id),
					   UUIDPGetDatum(&table->table_id),
					   TimestampTzGetDatum(now),
					   TimestampTzGetDatum(until),
					   BoolGetDatum(writes),
					   ObjectIdGetDatum(MyDatabaseId)};

	ice_spi_execute(&hold_tasks, values, NULL, false);
}

void
ice_due_hold_writes(const IceTaskTable *table, TimestampTz now)
{
	hold(table, true, now, TimestampTzPlusMilliseconds(now, HOLD_MS));
}

static uint64
look(IceStatement *statement, TimestampTz now, int limit, int tasks)
{
	Datum values[4] = {ObjectIdGetDatum(MyDatabaseId), TimestampTzGetDatum(now),
					   Int64GetDatum(limit), Int64GetDatum(tasks)};

	return ice_spi_execute(statement, values, NULL, false);
}

/* Until when the tasks of a table that a look has found must wait, by its row; 0: they need not. */
typedef TimestampTz (*HoldUntil)(uint64 row, TimestampTz now);

/* Tables that a look finds and that need not wait. The others are held, and are not found again; if
 * there is nothing else, the look is repeated. */
static List *
find_tables(IceStatement *statement, bool writes, TimestampTz now, int limit, int tasks,
			HoldUntil hold_until)
{
	List *tables = NIL;
	bool  held = true;

	while (tables == NIL && held)
	{
		uint64         rows = look(statement, now, limit, tasks);
		IceTaskTable **found = palloc(sizeof(IceTaskTable *) * Max(rows, 1));
		TimestampTz   *until = palloc(sizeof(TimestampTz) * Max(rows, 1));

		/* To hold is another statement: the rows must be read before. */
		for (uint64 i = 0; i < rows; i++)
		{
			found[i] = table_of_row(i);
			until[i] = hold_until(i, now);
		}
		held = false;
		for (uint64 i = 0; i < rows; i++)
		{
			held |= until[i] != 0;
			if (until[i] != 0)
				hold(found[i], writes, now, until[i]);
			else
				tables = lappend(tables, found[i]);
		}
	}
	return tables;
}

/* A task behind one that failed waits until it is released: that one may fail often. One behind a
 * task that is put off for another reason waits as long as that, for nothing releases it. */
static TimestampTz
hold_until(uint64 row, TimestampTz now)
{
	TimestampTz first = DatumGetTimestampTz(ice_spi_field(row, 4));
	bool        failed = DatumGetBool(ice_spi_field(row, 5));

	if (first <= now)
		return 0;
	return failed ? TimestampTzPlusMilliseconds(now, HOLD_MS) : first;
}

List *
ice_due_writes(TimestampTz now, int limit)
{
	return find_tables(&due_writes, true, now, limit, DUE_TASKS_MAX, hold_until);
}

static TimestampTz
hold_deletes_until(uint64 row, TimestampTz now)
{
	bool        has_purge = DatumGetBool(ice_spi_field(row, 3));
	bool        behind_write = DatumGetBool(ice_spi_field(row, 6));
	TimestampTz until = hold_until(row, now);

	if (has_purge)
		return TimestampTzPlusMilliseconds(now, HOLD_MS);
	if (until == 0 && behind_write)
		return TimestampTzPlusMilliseconds(now, HOLD_SHORT_MS);
	return until;
}

List *
ice_due_deletes(TimestampTz now, int limit)
{
	return find_tables(&due_deletes, false, now, limit, limit * DUE_PER_TABLE, hold_deletes_until);
}

/* -- tasks ------------------------------------------------------------------------------------ */

/* A row of the columns of TASK_COLUMNS. */
static IceTask *
task_of_row(uint64 row, TimestampTz now)
{
	IceTask    *task = palloc(sizeof(IceTask));
	TimestampTz next_attempt_at;

	task->warehouse_id = ice_spi_field_uuid(row, 1);
	task->table_id = ice_spi_field_uuid(row, 2);
	task->version = ice_spi_field_int64(row, 3);
	task->position = ice_spi_field_int32(row, 4);
	task->kind = ice_task_kind(ice_spi_field_text(row, 5));
	task->location = ice_spi_field_text(row, 6);
	task->head_json = ice_spi_field_text(row, 7);
	task->attempts = ice_spi_field_int32(row, 8);
	next_attempt_at = DatumGetTimestampTz(ice_spi_field(row, 9));
	task->created_at = DatumGetTimestampTz(ice_spi_field(row, 10));
	task->held = next_attempt_at > now || next_attempt_at < task->created_at;
	return task;
}

static List *
tasks_of_rows(uint64 rows, TimestampTz now)
{
	List *tasks = NIL;

	for (uint64 i = 0; i < rows; i++)
		tasks = lappend(tasks, task_of_row(i, now));
	return tasks;
}

List *
ice_due_purges(TimestampTz now, int limit)
{
	return tasks_of_rows(look(&due_purges, now, limit, limit), now);
}

static uint64
read_first(IceStatement *statement, const IceTaskTable *table, int limit)
{
	Datum values[4] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->table_id),
					   ObjectIdGetDatum(MyDatabaseId), Int64GetDatum(limit)};

	return ice_spi_execute(statement, values, NULL, false);
}

List *
ice_due_first_writes(const IceTaskTable *table, int limit)
{
	return tasks_of_rows(read_first(&first_writes, table, limit), GetCurrentTimestamp());
}

List *
ice_due_first_deletes(const IceTaskTable *table, int limit)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64      rows = read_first(&first_tasks, table, limit);
	List       *tasks = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceTask *task = task_of_row(i, now);

		if (task->kind == ICE_TASK_WRITE || task->kind == ICE_TASK_PURGE)
			break;
		tasks = lappend(tasks, task);
	}
	return tasks;
}

static void
release(const IceTask *task, bool writes, bool failed)
{
	Datum values[5] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id),
					   ObjectIdGetDatum(MyDatabaseId), BoolGetDatum(writes), BoolGetDatum(failed)};

	ice_spi_execute(&release_tasks, values, NULL, false);
}

void
ice_due_release(const IceTask *done)
{
	release(done, done->kind == ICE_TASK_WRITE, true);
}

void
ice_due_release_writes(const IceTask *purge)
{
	release(purge, true, false);
}

void
ice_due_release_store(const pg_uuid_t *profile_id)
{
	Datum values[3] = {UUIDPGetDatum(profile_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};

	(void) ice_spi_execute(&release_store, values, NULL, false);
	ice_inspections_release_store(profile_id);
}

void
ice_due_postpone(const IceTask *task, TimestampTz until)
{
	Datum values[5] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id),
					   Int64GetDatum(task->version), Int32GetDatum(task->position),
					   TimestampTzGetDatum(until)};

	ice_spi_execute(&postpone_task, values, NULL, false);
}

/* -- times ------------------------------------------------------------------------------------ */

static TimestampTz
time_of(int column)
{
	return ice_spi_field_is_null(0, column) ? DT_NOEND
											: DatumGetTimestampTz(ice_spi_field(0, column));
}

void
ice_due_next(IceDueTimes *times)
{
	Datum values[1] = {ObjectIdGetDatum(MyDatabaseId)};

	ice_spi_execute(&next_attempts, values, NULL, false);
	*times = (IceDueTimes){.write = time_of(1), .delete = time_of(2), .purge = time_of(3)};
}
