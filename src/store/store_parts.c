/*
 * store_parts.c
 *		The lists of a table's metadata as rows of one table.
 *
 * All kinds lie in icecat_data.table_part, so that a load is one index scan. A removal sets
 * removed_version, so that a queued metadata file can still be assembled; refs are the exception and are
 * replaced in place. Bodies are read in SPI's memory and never re-parsed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "store/store_parts.h"

/* table_part.kind is IcePartKind: its values are stored. */
StaticAssertDecl(ICE_PART_SCHEMA == 0 && ICE_PART_SNAPSHOT == 4 && ICE_PART_REF == 5 &&
					 ICE_PART_METADATA_LOG == 7 && ICE_PART_ENCRYPTION_KEY == 10 &&
					 ICE_PART_EXTRA == 11 && ICE_PART_KINDS == 12,
				 "the kinds are written in sql/23_table_parts.sql and in the statements below");

#define SELECT_PARTS                                                                          \
	"SELECT kind::integer, ordinal, coalesce(id, target, 0), key, body FROM icecat_data.table_part " \
	"WHERE warehouse_id = $1 AND table_id = $2"

static IceStatement load_list = {
	SELECT_PARTS " AND kind = $3 AND removed_version IS NULL ORDER BY kind, ordinal",
	3,
	{UUIDOID, UUIDOID, INT2OID},
	NULL};
static IceStatement load_snapshots = {
	SELECT_PARTS " AND kind = 4 AND id = ANY ($3) AND removed_version IS NULL",
	3,
	{UUIDOID, UUIDOID, INT8ARRAYOID},
	NULL};
static IceStatement load_live = {
	SELECT_PARTS " AND removed_version IS NULL ORDER BY kind, ordinal",
	2,
	{UUIDOID, UUIDOID},
	NULL};
/* ICE_ORDINAL_BITS is the 20. */
static IceStatement load_version = {
	SELECT_PARTS " AND kind <> 5 AND ordinal < (($3 + 1) << 20) "
				 "AND (removed_version IS NULL OR removed_version > $3) ORDER BY kind, ordinal",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement insert_row = {
	"INSERT INTO icecat_data.table_part (warehouse_id, table_id, kind, ordinal, id, key, target, body) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	8,
	{UUIDOID, UUIDOID, INT2OID, INT8OID, INT8OID, TEXTOID, INT8OID, JSONOID},
	NULL};
static IceStatement remove_parts = {
	"UPDATE icecat_data.table_part SET removed_version = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = $3 AND ordinal = ANY ($4)",
	5,
	{UUIDOID, UUIDOID, INT2OID, INT8ARRAYOID, INT8OID},
	NULL};
static IceStatement update_ref = {
	"UPDATE icecat_data.table_part SET target = $4, body = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = 5 AND ordinal = $3",
	5,
	{UUIDOID, UUIDOID, INT8OID, INT8OID, JSONOID},
	NULL};
static IceStatement delete_ref = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = 5 AND ordinal = $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement oldest_metadata_log = {
	"SELECT ordinal, key FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = 7 AND removed_version IS NULL "
	"ORDER BY kind, ordinal LIMIT $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement delete_removed = {
	"DELETE FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND removed_version <= $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
static IceStatement delete_all = {
	"DELETE FROM icecat_data.table_part WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Adds the rows of the last result to the lists. */
static void
collect_rows(IceTable *table, uint64 rows)
{
	for (uint64 i = 0; i < rows; i++)
	{
		size_t      len;
		const char *body = ice_field_bytes(i, 5, &len);

		ice_part_stored(table->metadata, ice_field_int32(i, 1), ice_field_int64(i, 3),
						ice_field_text(i, 4), ice_field_int64(i, 2), body, len);
	}
}

static int
compare_ordinals(const void *a, const void *b)
{
	int64 x = (*(IcePart *const *) a)->ordinal;
	int64 y = (*(IcePart *const *) b)->ordinal;

	return x < y ? -1 : x > y;
}

/* Brings a list into document order; an index scan mostly did so already. */
static void
finish_list(IceTable *table, IcePartKind kind)
{
	IcePartList *list = &table->metadata->lists[kind];

	list->loaded = true;
	for (int i = 1; i < list->count; i++)
		if (list->items[i - 1]->ordinal > list->items[i]->ordinal)
		{
			qsort(list->items, list->count, sizeof(IcePart *), compare_ordinals);
			break;
		}
}

void
ice_parts_load(IceTable *table, IcePartKind kind, bool read_only)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int16GetDatum(kind)};

	collect_rows(table, ice_execute(&load_list, values, NULL, read_only));
	finish_list(table, kind);
}

/* An int8[] of values. */
static Datum
int8_array(const int64 *items, int count)
{
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(items[i]);
	return PointerGetDatum(construct_array(elements, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void
ice_parts_load_snapshots(IceTable *table, const int64 *ids, int count, bool read_only)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   int8_array(ids, count)};

	collect_rows(table, ice_execute(&load_snapshots, values, NULL, read_only));
	finish_list(table, ICE_PART_SNAPSHOT);
}

void
ice_parts_load_all(IceTable *table, bool read_only)
{
	Datum values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	collect_rows(table, ice_execute(&load_live, values, NULL, read_only));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		finish_list(table, kind);
}

void
ice_parts_load_version(IceTable *table, int64 version)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int64GetDatum(version)};

	collect_rows(table, ice_execute(&load_version, values, NULL, true));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (kind != ICE_PART_REF)
			finish_list(table, kind);
}

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
	return kind == ICE_PART_REF || kind == ICE_PART_SNAPSHOT_LOG ||
		   kind == ICE_PART_STATISTICS || kind == ICE_PART_PARTITION_STATISTICS;
}

/* Inserts an added part as the given place of this version. */
static void
insert_part(IceTable *table, IcePartKind kind, const IcePart *part, int64 ordinal)
{
	Datum values[8] = {UUIDPGetDatum(&table->warehouse_id),
					   UUIDPGetDatum(&table->id),
					   Int16GetDatum(kind),
					   Int64GetDatum(ordinal),
					   Int64GetDatum(part->id),
					   part->key ? ice_cstring_datum(part->key) : (Datum) 0,
					   Int64GetDatum(part->id),
					   ice_text_datum(part->body, part->body_len)};
	char  nulls[9] = "        ";

	nulls[4] = has_own_id(kind) ? ' ' : 'n';
	nulls[5] = part->key ? ' ' : 'n';
	nulls[6] = has_target(kind) ? ' ' : 'n';
	ice_execute(&insert_row, values, nulls, false);
}

/* Marks rows as removed by this version. */
static void
remove_rows(IceTable *table, IcePartKind kind, const int64 *ordinals, int count)
{
	Datum values[5] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int16GetDatum(kind), int8_array(ordinals, count),
					   Int64GetDatum(table->version)};

	ice_execute(&remove_parts, values, NULL, false);
	table->rows_removed = true;
}

/* The stored, removed ref that an added one of the same name replaces; NULL if none. */
static IcePart *
replaced_ref(const IcePartList *refs, const char *name)
{
	for (int i = 0; i < refs->count; i++)
		if (refs->items[i]->removed && !refs->items[i]->added &&
			strcmp(refs->items[i]->key, name) == 0)
			return refs->items[i];
	return NULL;
}

/* The live ref of a name among the added ones; NULL if none. */
static bool
ref_is_added(const IcePartList *refs, const char *name)
{
	for (int i = 0; i < refs->count; i++)
		if (refs->items[i]->added && !refs->items[i]->removed &&
			strcmp(refs->items[i]->key, name) == 0)
			return true;
	return false;
}

/* Writes the marks of the refs, in place. */
static void
write_refs(IceTable *table, int64 *ordinal)
{
	const IcePartList *refs = &table->metadata->lists[ICE_PART_REF];
	Datum              values[5] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	for (int i = 0; i < refs->count; i++)
	{
		IcePart *ref = refs->items[i];
		IcePart *replaced;

		if (ref->added == ref->removed)
			continue;
		if (ref->removed)
		{
			values[2] = Int64GetDatum(ref->ordinal);
			if (!ref_is_added(refs, ref->key))
				ice_execute(&delete_ref, values, NULL, false);
		}
		else if ((replaced = replaced_ref(refs, ref->key)) != NULL)
		{
			values[2] = Int64GetDatum(replaced->ordinal);
			values[3] = Int64GetDatum(ref->id);
			values[4] = ice_text_datum(ref->body, ref->body_len);
			ice_execute(&update_ref, values, NULL, false);
		}
		else
			insert_part(table, ICE_PART_REF, ref, (*ordinal)++);
	}
}

/* Writes the marks of one list other than the refs. Removals go first: they free unique ids. */
static void
write_list(IceTable *table, IcePartKind kind, int64 *ordinal)
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
			insert_part(table, kind, list->items[i], (*ordinal)++);
	pfree(removed);
}

void
ice_parts_write(IceTable *table)
{
	int64 ordinal = table->version << ICE_ORDINAL_BITS;
	int64 end = (table->version + 1) << ICE_ORDINAL_BITS;

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		if (table->metadata->lists[kind].count == 0)
			continue;
		if (kind == ICE_PART_REF)
			write_refs(table, &ordinal);
		else
			write_list(table, kind, &ordinal);
	}
	if (ordinal >= end)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "A commit cannot add more than %d parts to a table",
				  1 << ICE_ORDINAL_BITS);
}

List *
ice_parts_trim_metadata_log(IceTable *table, int count)
{
	Datum  values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
						Int64GetDatum(count)};
	uint64 rows = ice_execute(&oldest_metadata_log, values, NULL, false);
	int64 *ordinals = palloc(sizeof(int64) * Max(rows, 1));
	List  *files = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		ordinals[i] = ice_field_int64(i, 1);
		files = lappend(files, ice_field_text(i, 2));
	}
	if (rows > 0)
		remove_rows(table, ICE_PART_METADATA_LOG, ordinals, (int) rows);
	return files;
}

void
ice_parts_delete_removed(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
						 int64 upto_version)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(upto_version)};

	ice_execute(&delete_removed, values, NULL, false);
}

void
ice_parts_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	ice_execute(&delete_all, values, NULL, false);
}
