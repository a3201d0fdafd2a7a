/*
 * store_table.c
 *		A table in the database: its head, found by its name.
 *
 * Statements are worded so that one index alone fits them: a plan that is made before the first
 * ANALYZE, or while a table is empty, is then the right one from then on.
 *
 * Locks: the head FOR UPDATE, before anything of the table is written. A drop marks the head as
 * well as the name, so that a commit which waited for it sees it in the very row that it locked.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/access.h"
#include "store/case_mode.h"
#include "store/frozen_head.h"
#include "store/part_memory.h"
#include "store/store_hold.h"
#include "store/store_parts.h"
#include "store/store_restriction.h"
#include "store/store_table.h"

/* The head's columns, in the order read_head() expects them, after the ids. */
#define HEAD_COLUMNS                                                                           \
	"h.version, h.format_version::integer, h.table_uuid, h.location, h.last_sequence_number, " \
	"h.last_updated_ms, h.last_column_id, h.current_schema_id, h.default_spec_id, "            \
	"h.last_partition_id, h.default_sort_order_id, h.current_snapshot_id, h.next_row_id, "     \
	"h.metadata_location, h.metadata_log_count, h.file_expected"

static IceStatement find_by_name = {
	"SELECT r.relation_id, r.namespace_id, " HEAD_COLUMNS " FROM icecat_data.relation r "
	"JOIN icecat_data.table_head h ON h.warehouse_id = r.warehouse_id "
	"AND h.table_id = r.relation_id "
	"WHERE r.warehouse_id = $1 AND r.namespace_id = (SELECT n.namespace_id "
	"FROM icecat_data.namespace n WHERE n.warehouse_id = $1 AND n.path_hash = $2) "
	"AND r.name = $3 AND r.kind = 'table' AND r.dropped_at IS NULL AND h.warehouse_id = $1",
	3,
	{UUIDOID, BYTEAOID, TEXTOID},
	NULL};

/* The same in three steps, each of them a read by key; the last is find_by_id. */
static IceStatement find_namespace = {"SELECT n.namespace_id FROM icecat_data.namespace n "
									  "WHERE n.warehouse_id = $1 AND n.path_hash = $2",
									  2,
									  {UUIDOID, BYTEAOID},
									  NULL};
static IceStatement find_in_namespace = {
	"SELECT r.relation_id FROM icecat_data.relation r WHERE r.warehouse_id = $1 "
	"AND r.namespace_id = $2 AND r.name = $3 AND r.kind = 'table' AND r.dropped_at IS NULL",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};

static IceStatement lock_head = {
	"SELECT h.table_id, h.table_id, " HEAD_COLUMNS " FROM icecat_data.table_head h "
	"WHERE h.warehouse_id = $1 AND h.table_id = $2 AND h.dropped_at IS NULL FOR UPDATE",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Dropped or not: what an idempotency key made can be shown as long as its rows are kept. */
static IceStatement find_by_id = {"SELECT h.table_id, h.table_id, " HEAD_COLUMNS
								  " FROM icecat_data.table_head h "
								  "WHERE h.warehouse_id = $1 AND h.table_id = $2",
								  2,
								  {UUIDOID, UUIDOID},
								  NULL};

static IceStatement drop_head = {
	"UPDATE icecat_data.table_head SET dropped_at = $3 WHERE warehouse_id = $1 AND table_id = $2",
	3,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_head = {
	"DELETE FROM icecat_data.table_head WHERE warehouse_id = $1 AND table_id = $2 "
	"AND dropped_at IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

#define HEAD_TYPES                                                                                \
	{                                                                                             \
		UUIDOID, UUIDOID, INT8OID, INT2OID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT4OID, INT4OID, \
			INT4OID, INT4OID, INT4OID, INT8OID, INT8OID, TEXTOID, INT4OID, BOOLOID                \
	}
#define HEAD_VALUES 18

static IceStatement insert_head = {
	"INSERT INTO icecat_data.table_head (warehouse_id, table_id, version, format_version, "
	"table_uuid, location, last_sequence_number, last_updated_ms, last_column_id, "
	"current_schema_id, default_spec_id, last_partition_id, default_sort_order_id, "
	"current_snapshot_id, next_row_id, metadata_location, metadata_log_count, file_expected) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
	HEAD_VALUES, HEAD_TYPES, NULL};

static IceStatement update_head = {
	"UPDATE icecat_data.table_head SET version = $3, format_version = $4, table_uuid = $5, "
	"location = $6, last_sequence_number = $7, last_updated_ms = $8, last_column_id = $9, "
	"current_schema_id = $10, default_spec_id = $11, last_partition_id = $12, "
	"default_sort_order_id = $13, current_snapshot_id = $14, next_row_id = $15, "
	"metadata_location = $16, metadata_log_count = $17, file_expected = $18 "
	"WHERE warehouse_id = $1 AND table_id = $2",
	HEAD_VALUES, HEAD_TYPES, NULL};

/* Fills version, location and scalars from row 0 of the last result, from column 3 on. */
static void
read_head(IceTable *table)
{
	IceTableMetadata *m = palloc0(sizeof(IceTableMetadata));

	table->version = ice_spi_field_int64(0, 3);
	table->removal = ICE_REMOVAL_OPEN;
	m->format_version = ice_spi_field_int32(0, 4);
	m->table_uuid = ice_spi_field_text(0, 5);
	m->location = ice_spi_field_text(0, 6);
	m->last_sequence_number = ice_spi_field_int64(0, 7);
	m->last_updated_ms = ice_spi_field_int64(0, 8);
	m->last_column_id = ice_spi_field_int32(0, 9);
	m->current_schema_id = ice_spi_field_int32(0, 10);
	m->default_spec_id = ice_spi_field_int32(0, 11);
	m->last_partition_id = ice_spi_field_int32(0, 12);
	m->default_sort_order_id = ice_spi_field_int32(0, 13);
	m->current_snapshot_id = ice_spi_field_int64(0, 14);
	m->next_row_id = ice_spi_field_int64(0, 15);
	table->metadata_location = ice_spi_field_text(0, 16);
	table->read_location = table->metadata_location;
	table->metadata_log_count = ice_spi_field_int32(0, 17);
	table->file_expected = DatumGetBool(ice_spi_field(0, 18));
	table->complete = false;
	table->metadata = m;
}

/* Finds a table in steps, by the active snapshot. */
static bool
find_by_steps(const Datum *values, IceTable *out)
{
	Datum step[3] = {values[0], values[1], values[2]};

	if (ice_spi_read(&find_namespace, step, true) == 0)
		return false;
	out->namespace_id = ice_spi_field_uuid(0, 1);
	step[1] = UUIDPGetDatum(&out->namespace_id);
	if (ice_spi_read(&find_in_namespace, step, true) == 0)
		return false;
	out->id = ice_spi_field_uuid(0, 1);
	step[1] = UUIDPGetDatum(&out->id);
	return ice_spi_read(&find_by_id, step, true) > 0;
}

/* Finds a table by its warehouse, the hash of its namespace and its name. The head is the last
 * result. */
static bool
find(Datum *values, bool read_only, IceTable *out)
{
	bool pushed;
	bool found;

	if (!ice_spi_reads_by_key(&find_in_namespace))
	{
		if (ice_spi_execute(&find_by_name, values, NULL, read_only) == 0)
			return false;
		out->id = ice_spi_field_uuid(0, 1);
		out->namespace_id = ice_spi_field_uuid(0, 2);
		return true;
	}
	/* As one statement sees them: all three rows of the same moment. */
	pushed = ice_spi_push_snapshot(read_only);
	found = find_by_steps(values, out);
	if (pushed)
		PopActiveSnapshot();
	return found;
}

bool
ice_table_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
			   bool read_only, IceTable *out)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), PointerGetDatum(path->hash),
					   ice_spi_cstring_datum(name)};

	*out = (IceTable){.warehouse_id = *warehouse_id};
	if (!find(values, read_only, out) &&
		(!ice_case_mode_respell(warehouse_id, path, name, read_only, values) ||
		 !find(values, read_only, out)))
		return false;
	read_head(out);
	return ice_access_may(ICE_USAGE, (IceObject){warehouse_id, &out->namespace_id, &out->id});
}

void
ice_table_require(uint32 wanted, const IceTable *table, const IceNamespacePath *path,
				  const char *name)
{
	ice_access_require(wanted, (IceObject){&table->warehouse_id, &table->namespace_id, &table->id},
					   "table", path->dotted, name);
	ice_restriction_require(wanted, table, path->dotted, name);
}

void
ice_table_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
			  bool read_only, IceTable *out)
{
	if (!ice_table_find(warehouse_id, path, name, read_only, out))
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table does not exist: %s.%s", path->dotted, name);
}

bool
ice_table_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, bool read_only,
					IceTable *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (ice_spi_read(&find_by_id, values, read_only) == 0)
		return false;
	*out = (IceTable){.warehouse_id = *warehouse_id, .id = *table_id};
	read_head(out);
	return true;
}

bool
ice_table_get_whole(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, IceTable *out)
{
	bool found;

	PushActiveSnapshot(GetLatestSnapshot());
	found = ice_table_get_by_id(warehouse_id, table_id, true, out);
	if (found)
	{
		(void) ice_parts_load_all(out, true, 0);
		out->complete = true;
	}
	PopActiveSnapshot();
	return found;
}

bool
ice_table_lock(IceTable *table)
{
	Datum values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	if (ice_spi_lock_waiting(&lock_head, values) == 0)
		return false;
	read_head(table);
	return ice_relation_get_name(&table->warehouse_id, &table->id, &table->namespace_id,
								 &table->name);
}

/* A rename of a table holds its head, too: after the lock the name stays. */
bool
ice_table_find_locked(uint32 wanted, const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
					  const char *name, IceTable *out)
{
	pg_uuid_t namespace_id;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!ice_table_find(warehouse_id, path, name, false, out))
			return false;
		ice_table_require(wanted, out, path, name);
		namespace_id = out->namespace_id;
		if (ice_table_lock(out) && ice_case_mode_same(warehouse_id, out->name, name) &&
			memcmp(&out->namespace_id, &namespace_id, UUID_LEN) == 0)
			return true;
	}
}

void
ice_table_get_locked(uint32 wanted, const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
					 const char *name, IceTable *out)
{
	if (!ice_table_find_locked(wanted, warehouse_id, path, name, out))
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table does not exist: %s.%s", path->dotted, name);
}

static int
compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Loads the snapshots of the given ids, and the current one: it keeps the snapshot log in order. */
static void
load_snapshots(IceTable *table, const IceCommitNeeds *needs, bool read_only)
{
	int64 *ids = palloc(sizeof(int64) * (needs->snapshot_id_count + 1));
	int    count = needs->snapshot_id_count;
	int64  current = table->metadata->current_snapshot_id;

	if (count > 0)
		memcpy(ids, needs->snapshot_ids, sizeof(int64) * count);
	if (current != ICE_NO_SNAPSHOT &&
		(count == 0 || bsearch(&current, ids, count, sizeof(int64), compare_int64) == NULL))
		ids[count++] = current;
	ice_parts_load_snapshots(table, ids, count, read_only);
}

void
ice_table_load(IceTable *table, const IceCommitNeeds *needs, bool read_only)
{
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		if (kind == ICE_PART_SNAPSHOT)
		{
			if (needs->all_snapshots)
				ice_parts_load(table, kind, read_only);
			else if (needs->lists[kind] || needs->snapshot_id_count > 0)
				load_snapshots(table, needs, read_only);
			else
				table->metadata->lists[kind].loaded = true;
		}
		else if (needs->lists[kind] && !table->metadata->lists[kind].loaded)
			ice_parts_load(table, kind, read_only);
	}
}

void
ice_table_load_log_end(IceTable *table)
{
	if (!table->metadata->lists[ICE_PART_SNAPSHOT_LOG].loaded)
		ice_parts_load_snapshot_log_end(table, false);
}

void
ice_table_mark_dropped(const IceTable *table)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	ice_relation_mark_dropped(&table->warehouse_id, &table->id, ICE_RELATION_TABLE);
	ice_spi_execute(&drop_head, values, NULL, false);
}

/* Runs the statement that writes the head's columns. */
static void
write_head(bool is_new, const IceTable *table)
{
	const IceTableMetadata *m = table->metadata;
	Datum                   values[HEAD_VALUES] = {UUIDPGetDatum(&table->warehouse_id),
												   UUIDPGetDatum(&table->id),
												   Int64GetDatum(table->version),
												   Int16GetDatum(m->format_version),
												   ice_spi_cstring_datum(m->table_uuid),
												   ice_spi_cstring_datum(m->location),
												   Int64GetDatum(m->last_sequence_number),
												   Int64GetDatum(m->last_updated_ms),
												   Int32GetDatum(m->last_column_id),
												   Int32GetDatum(m->current_schema_id),
												   Int32GetDatum(m->default_spec_id),
												   Int32GetDatum(m->last_partition_id),
												   Int32GetDatum(m->default_sort_order_id),
												   Int64GetDatum(m->current_snapshot_id),
												   Int64GetDatum(m->next_row_id),
												   ice_spi_cstring_datum(table->metadata_location),
												   Int32GetDatum(table->metadata_log_count),
												   BoolGetDatum(table->file_expected)};

	if (is_new)
		(void) ice_spi_insert(&insert_head, values, NULL);
	else
		(void) ice_spi_change(&update_head, values);
}

/* Live minus removed entries that this value adds to the metadata log. */
static int
metadata_log_growth(const IceTable *table)
{
	const IcePartList *log = &table->metadata->lists[ICE_PART_METADATA_LOG];
	int                growth = 0;

	for (int i = 0; i < log->count; i++)
		growth += (int) log->items[i]->added - (int) log->items[i]->removed;
	return growth;
}

void
ice_table_insert(IceTable *table)
{
	IceTable copy = *table;

	copy.metadata_log_count = metadata_log_growth(table);
	write_head(true, &copy);
	table->complete = ice_parts_write(&copy);
}

void
ice_table_update(IceTable *table, int log_max, List **trimmed)
{
	uint64 executions = ice_spi_executions();

	*trimmed = NIL;
	(void) ice_parts_write(table);
	table->metadata_log_count += metadata_log_growth(table);
	if (table->metadata_log_count > log_max)
	{
		*trimmed = ice_parts_trim_metadata_log(table, table->metadata_log_count - log_max);
		table->metadata_log_count = log_max;
	}
	write_head(false, table);
	/* Where the executor did it, a trigger may have had a hand in it. */
	if (ice_spi_executions() == executions)
		ice_part_memory_follow(table, list_length(*trimmed));
	else
		ice_part_memory_forget(table);
}

void
ice_store_table_render_version(StringInfo out, const pg_uuid_t *warehouse_id,
							   const pg_uuid_t *table_id, int64 version, const char *file,
							   const char *head)
{
	IceTable table = {.warehouse_id = *warehouse_id, .id = *table_id, .version = version};

	table.metadata = ice_frozen_head_read(head, file);
	ice_parts_load_version(&table, version);
	ice_table_metadata_write(out, table.metadata);
}

void
ice_store_table_trim_removed(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	ice_parts_delete_removed(warehouse_id, table_id);
}

void
ice_store_table_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	ice_parts_delete_all(warehouse_id, table_id);
	ice_holds_delete(warehouse_id, table_id);
	ice_spi_execute(&delete_head, values, NULL, false);
	ice_relation_delete(warehouse_id, table_id);
}
