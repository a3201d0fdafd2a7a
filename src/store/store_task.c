/*
 * store_task.c
 *		The queue of what is to be done with files after a commit (icecat_data.metadata_task).
 *
 * The statement that runs over all warehouses is marked; only a copy's owner causes it. All others
 * are key look-ups within a warehouse. What is due is asked in store_due.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "store/part_kind.h"
#include "store/store_parts.h"
#include "store/store_queue.h"
#include "store/store_table.h"
#include "store/store_task.h"

#define ERROR_BYTES_MAX 1000
#define LOG_READ_MAX    1000 /* entries of a metadata log */

static const char *const kind_names[] = {"write", "delete", "trim", "purge"};

static IceStatement insert_task = {
	"INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, "
	"location, head, created_at, attempts, next_attempt_at, database_id) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $8, $9)",
	9,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TEXTOID, TEXTOID, JSONOID, TIMESTAMPTZOID, OIDOID},
	NULL};

static IceStatement insert_document = {
	"INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, "
	"location, document, created_at, attempts, next_attempt_at, database_id) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $8, $9)",
	9,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TEXTOID, TEXTOID, JSONOID, TIMESTAMPTZOID, OIDOID},
	NULL};

/* One look-up a warehouse: who registers a file knows its location, not who writes it. */
static IceStatement find_file = {
	"SELECT t.warehouse_id, t.table_id, t.version, t.head, t.position, t.location "
	"FROM icecat_data.warehouse w CROSS JOIN LATERAL (SELECT m.warehouse_id, m.table_id, "
	"m.version, m.head, m.position, m.location FROM icecat_data.metadata_task m "
	"WHERE m.warehouse_id = w.warehouse_id "
	"AND pg_catalog.split_part(m.location, '/', -1) COLLATE \"C\" = $1 AND m.kind = 'write' "
	"AND m.location <> '' OFFSET 0) t",
	1,
	{TEXTOID},
	NULL};

static IceStatement write_locations = {
	"SELECT location FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2 "
	"AND kind = 'write'",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* All warehouses: what came with a copy of the database, all of it. */
static IceStatement adopt_tasks = {"UPDATE icecat_data.metadata_task SET database_id = $1, "
								   "next_attempt_at = LEAST(next_attempt_at, created_at) "
								   "WHERE warehouse_id IS NOT NULL AND database_id <> $1",
								   1,
								   {OIDOID},
								   NULL};

static IceStatement read_document = {
	"SELECT document FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2 "
	"AND version = $3 AND position = $4",
	4,
	{UUIDOID, UUIDOID, INT8OID, INT4OID},
	NULL};

static IceStatement delete_task = {
	"DELETE FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2 "
	"AND version = $3 AND position = $4",
	4,
	{UUIDOID, UUIDOID, INT8OID, INT4OID},
	NULL};

static IceStatement delete_tasks = {
	"DELETE FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement fail_task = {
	"UPDATE icecat_data.metadata_task SET attempts = attempts + 1, next_attempt_at = $5, "
	"last_error = $6 WHERE warehouse_id = $1 AND table_id = $2 AND version = $3 AND position = $4",
	6,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID},
	NULL};

static IceStatement note_progress = {
	"UPDATE icecat_data.metadata_task SET head = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND version = $3 AND position = $4",
	5,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, JSONOID},
	NULL};

/* As if another database had made it: adopting gives it back. */
static IceStatement set_aside = {
	"UPDATE icecat_data.metadata_task SET database_id = 0, last_error = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND version = $3 AND position = $4",
	5,
	{UUIDOID, UUIDOID, INT8OID, INT4OID, TEXTOID},
	NULL};

static IceStatement pending_writes = {
	"SELECT xmin FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2 "
	"AND version = $3 AND kind = 'write'",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};

static IceStatement heads_of_uuid = {
	"SELECT table_id, metadata_location, dropped_at FROM icecat_data.table_head "
	"WHERE warehouse_id = $1 AND table_uuid = $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

#define LOG_OF_TABLE                                                                              \
	"FROM icecat_data.table_part WHERE warehouse_id = $1 AND table_id = $2 AND kind = " ICE_KIND( \
		METADATA_LOG) ICE_PARTS_LIVE

static IceStatement first_of_log = {"SELECT key " LOG_OF_TABLE " ORDER BY kind, ordinal LIMIT $3",
									3,
									{UUIDOID, UUIDOID, INT8OID},
									NULL};

/* Of a long log, which is not taken into memory. */
static IceStatement log_names_file = {"SELECT 1 " LOG_OF_TABLE
									  " AND pg_catalog.split_part(key, '/', -1) = $3 LIMIT 1",
									  3,
									  {UUIDOID, UUIDOID, TEXTOID},
									  NULL};

static IceStatement uuid_of_head = {
	"SELECT table_uuid FROM icecat_data.table_head WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* -- enqueue ---------------------------------------------------------------------------------- */

/* A task's place among those of its table and version: by kind, then as they came. */
static int32
next_position(IceTaskKind kind)
{
	return ((int32) kind << ICE_TASK_POSITION_SHIFT) + ice_queue_position();
}

/* Inserts a task other than a view's and has the worker woken. */
static void
enqueue(IceTaskKind kind, const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version,
		const char *location, const char *head_json)
{
	int32 position = next_position(kind);
	Datum values[9] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(table_id),
					   Int64GetDatum(version),
					   Int32GetDatum(position),
					   ice_spi_cstring_datum(kind_names[kind]),
					   location != NULL ? ice_spi_cstring_datum(location) : (Datum) 0,
					   head_json != NULL ? ice_spi_cstring_datum(head_json) : (Datum) 0,
					   TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};
	char  nulls[] = "         ";

	if (location == NULL)
		nulls[5] = 'n';
	if (head_json == NULL)
		nulls[6] = 'n';
	(void) ice_spi_insert(&insert_task, values, nulls);
	ice_queue_signal();
}

void
ice_task_enqueue_write(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version,
					   const char *metadata_location, const char *head_json)
{
	enqueue(ICE_TASK_WRITE, warehouse_id, table_id, version, metadata_location, head_json);
	ice_queue_added();
}

void
ice_task_enqueue_document(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id, int64 version,
						  const char *metadata_location, const char *document, size_t len)
{
	Datum values[9] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(view_id),
					   Int64GetDatum(version),
					   Int32GetDatum(next_position(ICE_TASK_WRITE)),
					   ice_spi_cstring_datum(kind_names[ICE_TASK_WRITE]),
					   ice_spi_cstring_datum(metadata_location),
					   ice_spi_text_datum(document, len),
					   TimestampTzGetDatum(GetCurrentTimestamp()),
					   ObjectIdGetDatum(MyDatabaseId)};

	(void) ice_spi_insert(&insert_document, values, NULL);
	ice_queue_added();
}

void
ice_task_enqueue_delete_file(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
							 int64 version, const char *location, const char *table_uuid)
{
	const char *head = psprintf("{\"table-uuid\":%s}",
								ice_json_text(ice_json_make_string(table_uuid)));

	enqueue(ICE_TASK_DELETE, warehouse_id, table_id, version, location, head);
}

void
ice_task_enqueue_trim(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version)
{
	enqueue(ICE_TASK_TRIM, warehouse_id, table_id, version, NULL, NULL);
}

void
ice_task_enqueue_purge(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version)
{
	enqueue(ICE_TASK_PURGE, warehouse_id, table_id, version, NULL, NULL);
}

/* Appends the text that a view's task carries; false if the task is gone. */
static bool
append_document(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id, int64 version,
				int32 position, StringInfo out)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(view_id), Int64GetDatum(version),
					   Int32GetDatum(position)};
	const char *document;
	size_t      len;

	if (ice_spi_execute(&read_document, values, NULL, false) == 0 || ice_spi_field_is_null(0, 1))
		return false;
	document = ice_spi_field_bytes(0, 1, &len);
	appendBinaryStringInfo(out, document, (int) len);
	return true;
}

List *
ice_task_writes_named(const char *location)
{
	const char *slash = strrchr(location, '/');
	Datum       values[1] = {ice_spi_cstring_datum(slash != NULL ? slash + 1 : location)};
	uint64      rows = ice_spi_execute(&find_file, values, NULL, false);
	List       *tasks = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceTask *task = palloc(sizeof(IceTask));

		*task = (IceTask){.warehouse_id = ice_spi_field_uuid(i, 1),
						  .table_id = ice_spi_field_uuid(i, 2),
						  .version = ice_spi_field_int64(i, 3),
						  .head_json = ice_spi_field_text(i, 4),
						  .position = ice_spi_field_int32(i, 5),
						  .kind = ICE_TASK_WRITE,
						  .location = ice_spi_field_text(i, 6)};
		tasks = lappend(tasks, task);
	}
	return tasks;
}

bool
ice_task_render(const IceTask *task, StringInfo out)
{
	int  start = out->len;
	bool own;

	if (task->head_json == NULL) /* a view's */
		return append_document(&task->warehouse_id, &task->table_id, task->version, task->position,
							   out);
	ice_store_table_render_version(out, &task->warehouse_id, &task->table_id, task->version,
								   task->location, task->head_json);
	/* Still queued, so the worker has not yet deleted rows that only this document needed. */
	if (ice_task_write_pending(&task->warehouse_id, &task->table_id, task->version, &own))
		return true;
	out->len = start;
	out->data[start] = '\0';
	return false;
}

/* -- the worker's side ------------------------------------------------------------------------ */

void
ice_task_adopt(void)
{
	Datum values[1] = {ObjectIdGetDatum(MyDatabaseId)};

	ice_spi_execute(&adopt_tasks, values, NULL, false);
}

IceTaskKind
ice_task_kind(const char *name)
{
	for (int kind = 0; kind < (int) lengthof(kind_names); kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return (IceTaskKind) kind;
	elog(ERROR, "unknown task kind \"%s\"", name);
}

void
ice_task_document(const IceTask *task, StringInfo out)
{
	if (!append_document(&task->warehouse_id, &task->table_id, task->version, task->position, out))
		elog(ERROR, "task of a view has no document");
}

void
ice_task_done(const IceTask *task)
{
	Datum values[4] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id),
					   Int64GetDatum(task->version), Int32GetDatum(task->position)};

	(void) ice_spi_change(&delete_task, values);
}

bool
ice_task_note_progress(const IceTask *task, const char *progress)
{
	Datum values[5] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id),
					   Int64GetDatum(task->version), Int32GetDatum(task->position),
					   ice_spi_cstring_datum(progress)};

	return ice_spi_execute(&note_progress, values, NULL, false) > 0;
}

void
ice_task_failed(const IceTask *task, TimestampTz next_attempt_at, const char *error)
{
	size_t len = (size_t) pg_mbcliplen(error, (int) strlen(error), ERROR_BYTES_MAX);
	Datum  values[6] = {UUIDPGetDatum(&task->warehouse_id),   UUIDPGetDatum(&task->table_id),
						Int64GetDatum(task->version),         Int32GetDatum(task->position),
						TimestampTzGetDatum(next_attempt_at), ice_spi_text_datum(error, len)};

	ice_spi_execute(&fail_task, values, NULL, false);
}

void
ice_task_set_aside(const IceTask *task, const char *reason)
{
	Datum values[5] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id),
					   Int64GetDatum(task->version), Int32GetDatum(task->position),
					   ice_spi_cstring_datum(reason)};

	ice_spi_execute(&set_aside, values, NULL, false);
}

void
ice_task_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	ice_spi_execute(&delete_tasks, values, NULL, false);
}

/* The uuid that the table had when it made the task. Version 0.1.0 did not keep it. */
static const char *
uuid_of_task(const IceTask *task)
{
	Datum values[2] = {UUIDPGetDatum(&task->warehouse_id), UUIDPGetDatum(&task->table_id)};

	if (task->head_json != NULL)
		return ice_json_string(
			ice_json_parse(task->head_json, strlen(task->head_json), ice_guc_json_depth_max),
			"table-uuid");
	return ice_spi_execute(&uuid_of_head, values, NULL, false) > 0 ? ice_spi_field_text(0, 1) : "";
}

static const char *
last_component(const char *location)
{
	const char *slash = strrchr(location, '/');

	return slash != NULL ? slash + 1 : location;
}

/* Does the metadata log of a table name a file, by its last component? */
static bool
log_names(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, const char *file)
{
	Datum  values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
						Int64GetDatum(LOG_READ_MAX)};
	uint64 rows = ice_spi_read(&first_of_log, values, true);

	for (uint64 i = 0; i < rows && rows < LOG_READ_MAX; i++)
	{
		const char *key = ice_spi_field_text(i, 1);

		if (key != NULL && strcmp(last_component(key), file) == 0)
			return true;
	}
	if (rows < LOG_READ_MAX)
		return false;
	values[2] = ice_spi_cstring_datum(file);
	return ice_spi_execute(&log_names_file, values, NULL, true) > 0;
}

/* Does a live table of the uuid name a file? */
static bool
is_named(const pg_uuid_t *warehouse_id, const char *table_uuid, const char *file)
{
	Datum      values[2] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(table_uuid)};
	int        count = (int) ice_spi_read(&heads_of_uuid, values, true);
	pg_uuid_t *live = palloc(sizeof(pg_uuid_t) * Max(count, 1));
	int        n = 0;

	for (int i = 0; i < count; i++)
	{
		if (!ice_spi_field_is_null(i, 3))
			continue;
		if (strcmp(last_component(ice_spi_field_text(i, 2)), file) == 0)
			return true;
		live[n++] = ice_spi_field_uuid(i, 1);
	}
	for (int i = 0; i < n; i++)
		if (log_names(warehouse_id, &live[i], file))
			return true;
	return false;
}

/* A re-registered table has the document's uuid, whatever its id, and names the file perhaps by
 * another spelling of the same location: the last component, which holds a uuid of its own,
 * decides. Head and log are those of one moment. */
bool
ice_task_file_is_named(const IceTask *task)
{
	const char *table_uuid = uuid_of_task(task);
	bool        pushed = ice_spi_push_snapshot(false);
	bool        named = is_named(&task->warehouse_id, table_uuid, last_component(task->location));

	if (pushed)
		PopActiveSnapshot();
	return named;
}

bool
ice_task_write_pending(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version,
					   bool *own)
{
	Datum  values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
						Int64GetDatum(version)};
	uint64 rows;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = ice_spi_execute(&pending_writes, values, NULL, true);
	PopActiveSnapshot();
	*own = false;
	for (uint64 i = 0; i < rows; i++)
		if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(ice_spi_field(i, 1))))
			*own = true;
	ice_spi_free_rows();
	return rows > 0;
}

List *
ice_task_write_locations(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};
	uint64 rows = ice_spi_execute(&write_locations, values, NULL, false);
	List  *locations = NIL;

	for (uint64 i = 0; i < rows; i++)
		locations = lappend(locations, ice_spi_field_text(i, 1));
	return locations;
}
