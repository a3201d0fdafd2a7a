/*
 * store_parts_write.c
 *		The lists of a table's metadata as rows of one table: what a commit adds and removes.
 *
 * A removal sets removed_version, so that a queued metadata file can still be assembled. Where no
 * file is queued, which is usual for a client that waits for each file, the row goes at once: to
 * mark it is to write it once more, with two index entries, and to have it deleted soon. Refs are
 * replaced in place. See store_parts.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "store/part_kind.h"
#include "store/part_memory.h"
#include "store/spi.h"
#include "store/store_parts.h"

#define TASKS_LOOKED_AT 8

/* Of a row, in the order of the statements below. */
enum
{
	COLUMN_WAREHOUSE,
	COLUMN_TABLE,
	COLUMN_KIND,
	COLUMN_ORDINAL,
	COLUMN_ID,
	COLUMN_KEY,
	COLUMN_TARGET,
	COLUMN_BODY,
	COLUMN_AT_MS,
	COLUMN_OPERATION,
	ROW_COLUMNS
};

#define INSERT_ROWS(more_columns, more_values)                                                     \
	"INSERT INTO icecat_data.table_part (warehouse_id, table_id, kind, ordinal, id, key, target, " \
	"body" more_columns ") "                                                                       \
	"SELECT $1, $2, u.* FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::text[], "      \
	"$7::bigint[], $8::json[]" more_values ") AS u"

static IceStatement insert_rows = {INSERT_ROWS(", at_ms, operation", ", $9::bigint[], $10::text[]"),
								   10,
								   {UUIDOID, UUIDOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
									TEXTARRAYOID, INT8ARRAYOID, JSONARRAYOID, INT8ARRAYOID,
									TEXTARRAYOID},
								   NULL};
/* Before ALTER EXTENSION UPDATE. */
static IceStatement insert_rows_before = {INSERT_ROWS("", ""),
										  8,
										  {UUIDOID, UUIDOID, INT2ARRAYOID, INT8ARRAYOID,
										   INT8ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, JSONARRAYOID},
										  NULL};
/* One row; many of them are inserted at once. */
static IceStatement insert_row = {
	"INSERT INTO icecat_data.table_part (warehouse_id, table_id, kind, ordinal, id, key, target, "
	"body, "
	"at_ms, operation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	ROW_COLUMNS,
	{UUIDOID, UUIDOID, INT2OID, INT8OID, INT8OID, TEXTOID, INT8OID, JSONOID, INT8OID, TEXTOID},
	NULL};
static IceStatement remove_part = {
	"UPDATE icecat_data.table_part SET removed_version = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = $3 AND ordinal = $4",
	5,
	{UUIDOID, UUIDOID, INT2OID, INT8OID, INT8OID},
	NULL};
/* A kept plan does not know that the array is long, and could go through all rows of the kind and
 * the whole array for each. */
static IceStatement remove_parts = {
	"UPDATE icecat_data.table_part SET removed_version = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = $3 AND ordinal = ANY ($4)",
	5,
	{UUIDOID, UUIDOID, INT2OID, INT8ARRAYOID, INT8OID},
	NULL};
static IceStatement delete_parts = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = $3 AND ordinal = ANY ($4)",
	4,
	{UUIDOID, UUIDOID, INT2OID, INT8ARRAYOID},
	NULL};
static IceStatement update_ref = {
	"UPDATE icecat_data.table_part SET target = $4, body = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = " ICE_KIND(REF) " AND ordinal = $3",
	5,
	{UUIDOID, UUIDOID, INT8OID, INT8OID, JSONOID},
	NULL};
static IceStatement delete_part = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = $3 AND ordinal = $4",
	4,
	{UUIDOID, UUIDOID, INT2OID, INT8OID},
	NULL};
static IceStatement delete_ref = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = " ICE_KIND(REF) " AND ordinal = $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement oldest_metadata_log = {
	"SELECT ordinal, key FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = " ICE_KIND(METADATA_LOG) ICE_PARTS_LIVE
	" ORDER BY kind, ordinal LIMIT $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
/* A queued document of version v is made of rows that v or a commit before it added and that no
 * commit up to v removed. So what was removed at or before the oldest queued version is in none of
 * them, nor in any that will be queued: their versions are higher. One statement, one snapshot: a
 * commit is in it with its task and its removals, or with neither. */
static IceStatement delete_removed = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND removed_version <= (SELECT "
	"coalesce(min(version), 9223372036854775807) FROM icecat_data.metadata_task "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = 'write')",
	2,
	{UUIDOID, UUIDOID},
	NULL};
static IceStatement some_tasks = {
	"SELECT kind FROM icecat_data.metadata_task WHERE warehouse_id = $1 AND table_id = $2 LIMIT $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement delete_all = {
	"DELETE FROM icecat_data.table_part WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Has the kind an id of its own (rather than one that it points to)? */
static bool
has_own_id(IcePartKind kind)
{
	return kind == ICE_PART_SCHEMA || kind == ICE_PART_PARTITION_SPEC ||
		   kind == ICE_PART_SORT_ORDER || kind == ICE_PART_SNAPSHOT;
}

/* Does the kind point to a snapshot? */
static bool
has_target(IcePartKind kind)
{
	return kind == ICE_PART_REF || kind == ICE_PART_SNAPSHOT_LOG || kind == ICE_PART_STATISTICS ||
		   kind == ICE_PART_PARTITION_STATISTICS;
}

/* Rows to insert: one statement for all the parts that a commit adds. */
#define BATCH_ROWS 128

typedef struct InsertBatch
{
	IceTable *table;
	int64     ordinal; /* of the next row */
	int       count;
	bool      is_exact; /* what was inserted so far has the values that were given */
	Datum     values[BATCH_ROWS][ROW_COLUMNS];
	bool      nulls[BATCH_ROWS][ROW_COLUMNS];
} InsertBatch;

/* Are there columns for what people filter by? Before ALTER EXTENSION UPDATE there are not. */
static bool
has_typed_columns(void)
{
	Oid table = get_relname_relid("table_part", get_namespace_oid("icecat_data", false));

	return get_attnum(table, "at_ms") != InvalidAttrNumber;
}

/* The values of one column, as an array. */
static Datum
column_array(const InsertBatch *batch, int column)
{
	Datum *values = palloc(sizeof(Datum) * batch->count);
	bool  *nulls = palloc(sizeof(bool) * batch->count);
	Oid    type = insert_row.argtypes[column];
	int    lower = 1;
	int    count = batch->count;
	int16  length;
	bool   by_value;
	char   align;
	Datum  array;

	for (int i = 0; i < count; i++)
	{
		values[i] = batch->values[i][column];
		nulls[i] = batch->nulls[i][column];
	}
	get_typlenbyvalalign(type, &length, &by_value, &align);
	array = PointerGetDatum(
		construct_md_array(values, nulls, 1, &count, &lower, type, length, by_value, align));
	pfree(values);
	pfree(nulls);
	return array;
}

/* Inserts the rows of the batch by the executor. */
static void
insert_arrays(const InsertBatch *batch)
{
	Datum values[ROW_COLUMNS] = {batch->values[0][COLUMN_WAREHOUSE],
								 batch->values[0][COLUMN_TABLE]};

	for (int i = COLUMN_KIND; i < ROW_COLUMNS; i++)
		values[i] = column_array(batch, i);
	ice_spi_execute(has_typed_columns() ? &insert_rows : &insert_rows_before, values, NULL, false);
	for (int i = COLUMN_KIND; i < ROW_COLUMNS; i++)
		pfree(DatumGetPointer(values[i]));
}

/* Inserts the rows of the batch and empties it. */
static void
flush_batch(InsertBatch *batch)
{
	static const int texts[] = {COLUMN_KEY, COLUMN_BODY, COLUMN_OPERATION};

	if (batch->count == 0)
		return;
	if (!has_typed_columns() ||
		!ice_spi_insert_rows(&insert_row, batch->values[0], batch->nulls[0], batch->count))
	{
		insert_arrays(batch);
		batch->is_exact = false;
	}
	for (int i = 0; i < batch->count; i++)
		for (size_t k = 0; k < lengthof(texts); k++)
			if (!batch->nulls[i][texts[k]])
				pfree(DatumGetPointer(batch->values[i][texts[k]]));
	batch->count = 0;
}

/* A member of an object that is there, whatever its type; a value of another type is for those who
 * check it. */
static bool
member_int64(const IceJson *object, const char *key, int64 *value)
{
	const IceJson *member = ice_json_get(object, key);

	return member != NULL && ice_json_is_int64(member, value);
}

/* The columns that people filter and join by: when, what a snapshot did, and which snapshot it is
 * based on. */
static void
describe_part(Datum *values, bool *nulls, IcePartKind kind, IcePart *part)
{
	bool           is_snapshot = kind == ICE_PART_SNAPSHOT;
	const IceJson *json = NULL;
	const IceJson *word = NULL;
	int64          number = 0;

	if (is_snapshot || kind == ICE_PART_SNAPSHOT_LOG || kind == ICE_PART_METADATA_LOG)
		json = ice_part_json(part);
	nulls[COLUMN_AT_MS] = json == NULL || !member_int64(json, "timestamp-ms", &number);
	values[COLUMN_AT_MS] = Int64GetDatum(number);
	if (is_snapshot)
	{
		nulls[COLUMN_TARGET] = !member_int64(json, "parent-snapshot-id", &number);
		values[COLUMN_TARGET] = Int64GetDatum(number);
		word = ice_json_get(json, "summary");
		word = word != NULL && word->kind == ICE_JSON_OBJECT ? ice_json_get(word, "operation")
															 : NULL;
	}
	nulls[COLUMN_OPERATION] = word == NULL || word->kind != ICE_JSON_STRING;
	values[COLUMN_OPERATION] = nulls[COLUMN_OPERATION]
								   ? (Datum) 0
								   : ice_spi_cstring_datum(ice_json_to_string(word, "operation"));
}

/* Adds a part to the batch, as the next place of this version. */
static void
insert_part(InsertBatch *batch, IcePartKind kind, IcePart *part)
{
	Datum *values;
	bool  *nulls;

	if (batch->count == BATCH_ROWS)
		flush_batch(batch);
	values = batch->values[batch->count];
	nulls = batch->nulls[batch->count++];
	memset(nulls, 0, sizeof(batch->nulls[0]));
	part->ordinal = batch->ordinal++;
	values[COLUMN_WAREHOUSE] = UUIDPGetDatum(&batch->table->warehouse_id);
	values[COLUMN_TABLE] = UUIDPGetDatum(&batch->table->id);
	values[COLUMN_KIND] = Int16GetDatum(kind);
	values[COLUMN_ORDINAL] = Int64GetDatum(part->ordinal);
	values[COLUMN_ID] = Int64GetDatum(part->id);
	nulls[COLUMN_ID] = !has_own_id(kind);
	values[COLUMN_KEY] = part->key ? ice_spi_cstring_datum(part->key) : (Datum) 0;
	nulls[COLUMN_KEY] = part->key == NULL;
	values[COLUMN_TARGET] = Int64GetDatum(part->id);
	nulls[COLUMN_TARGET] = !has_target(kind);
	values[COLUMN_BODY] = ice_spi_text_datum(part->body, part->body_len);
	describe_part(values, nulls, kind, part);
}

/* May a file be queued whose document has rows that this commit removes? Queued are those of the
 * versions before it, and nobody queues another while the head is locked. Many deletions may wait,
 * so only some tasks are looked at. */
static bool
is_file_queued(const IceTable *table)
{
	Datum  values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
						Int64GetDatum(TASKS_LOOKED_AT)};
	uint64 found = ice_spi_read(&some_tasks, values, false);

	for (uint64 i = 0; i < found; i++)
		if (strcmp(ice_spi_field_text(i, 1), "write") == 0)
			return true;
	return found == TASKS_LOOKED_AT;
}

/* Whether removed rows are kept: asked once for a version. */
static bool
keeps_removed(IceTable *table)
{
	if (table->removal == ICE_REMOVAL_OPEN)
		table->removal = is_file_queued(table) ? ICE_REMOVAL_MARKS : ICE_REMOVAL_DELETES;
	return table->removal != ICE_REMOVAL_DELETES;
}

/* Marks rows as removed by this version, or deletes them. */
static void
remove_rows(IceTable *table, IcePartKind kind, const int64 *ordinals, int count)
{
	Datum values[5] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int16GetDatum(kind), 0, Int64GetDatum(table->version)};
	bool  kept = keeps_removed(table);

	if (count >= ICE_PARTS_MANY)
	{
		values[3] = ice_spi_int64_array_datum(ordinals, count);
		ice_spi_execute_planned(kept ? &remove_parts : &delete_parts, values);
		pfree(DatumGetPointer(values[3]));
	}
	for (int i = 0; i < count && count < ICE_PARTS_MANY; i++)
	{
		values[3] = Int64GetDatum(ordinals[i]);
		(void) ice_spi_change(kept ? &remove_part : &delete_part, values);
	}
}

/* Writes the marks of the refs, in place, and brings the list into the order that the rows have. */
static void
write_refs(IceTable *table, InsertBatch *batch)
{
	const IcePartList *refs = &table->metadata->lists[ICE_PART_REF];
	Datum              values[5] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	for (int i = 0; i < refs->count; i++)
	{
		IcePart *ref = refs->items[i];
		IcePart *replaced;

		ice_step();
		if (ref->added == ref->removed)
			continue;
		if (ref->removed)
		{
			values[2] = Int64GetDatum(ref->ordinal);
			if (ice_table_part_find_key(table->metadata, ICE_PART_REF, ref->key) == NULL)
				(void) ice_spi_change(&delete_ref, values);
		}
		else if ((replaced = ice_table_part_find_gone(table->metadata, ICE_PART_REF, ref->key)) !=
				 NULL)
		{
			values[2] = Int64GetDatum(replaced->ordinal);
			values[3] = Int64GetDatum(ref->id);
			values[4] = ice_spi_text_datum(ref->body, ref->body_len);
			(void) ice_spi_change(&update_ref, values);
			pfree(DatumGetPointer(values[4]));
			ref->ordinal = replaced->ordinal;
		}
		else
			insert_part(batch, ICE_PART_REF, ref);
	}
	ice_parts_finish(table, ICE_PART_REF);
}

/* Writes the marks of one list other than the refs. Removals go first: they free unique ids. */
static void
write_list(IceTable *table, IcePartKind kind, InsertBatch *batch)
{
	const IcePartList *list = &table->metadata->lists[kind];
	int64             *removed = palloc(sizeof(int64) * Max(list->count, 1));
	int                removed_count = 0;

	for (int i = 0; i < list->count; i++)
		if (list->items[i]->removed && !list->items[i]->added)
			removed[removed_count++] = list->items[i]->ordinal;
	if (removed_count > 0)
		remove_rows(table, kind, removed, removed_count);
	for (int i = 0; i < list->count; i++)
		if (list->items[i]->added && !list->items[i]->removed)
			insert_part(batch, kind, list->items[i]);
	pfree(removed);
}

bool
ice_parts_write(IceTable *table)
{
	int64        end = (table->version + 1) << ICE_ORDINAL_BITS;
	InsertBatch *batch = palloc(sizeof(InsertBatch));
	bool         is_exact;

	batch->table = table;
	batch->ordinal = table->version << ICE_ORDINAL_BITS;
	batch->count = 0;
	batch->is_exact = true;
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		if (table->metadata->lists[kind].count == 0)
			continue;
		if (kind == ICE_PART_REF)
			write_refs(table, batch);
		else
			write_list(table, kind, batch);
	}
	flush_batch(batch);
	if (batch->ordinal > end)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "A commit cannot add more than %d parts to a table",
				  1 << ICE_ORDINAL_BITS);
	is_exact = batch->is_exact;
	pfree(batch);
	return is_exact;
}

List *
ice_parts_trim_metadata_log(IceTable *table, int count)
{
	Datum  values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
						Int64GetDatum(count)};
	int64 *ordinals = palloc(sizeof(int64) * Max(count, 1));
	List  *files = NIL;
	int    found = ice_part_memory_oldest_log(table, count, ordinals, &files);

	if (found < 0)
	{
		found = (int) ice_spi_read(&oldest_metadata_log, values, false);
		for (int i = 0; i < found; i++)
		{
			ordinals[i] = ice_spi_field_int64(i, 1);
			files = lappend(files, ice_spi_field_text(i, 2));
		}
	}
	if (found > 0)
		remove_rows(table, ICE_PART_METADATA_LOG, ordinals, found);
	return files;
}

void
ice_parts_delete_removed(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	ice_spi_execute(&delete_removed, values, NULL, false);
}

void
ice_parts_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	ice_spi_execute(&delete_all, values, NULL, false);
}
