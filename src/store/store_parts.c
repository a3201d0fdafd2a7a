/*
 * store_parts.c
 *		The lists of a table's metadata as rows: one table a kind, one row a part.
 *
 * All kinds have the same shape: (warehouse_id, table_id, ordinal, what is looked up, removed_version,
 * body). A removal sets removed_version, so that a queued metadata file can still be assembled; refs
 * are the exception and are replaced in place. Bodies are read in SPI's memory and never re-parsed.
 *
 * The statements of a kind are made from one row of the kind table below: the table's name and the
 * columns that repeat a part's id or key. Nothing in them comes from a caller.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "store/store_parts.h"

typedef struct KindEntry
{
	const char *table;
	const char *id_column;  /* NULL: none */
	const char *id_type;
	const char *key_column; /* NULL: none */
} KindEntry;

static const KindEntry kinds[ICE_PART_KINDS] = {
	[ICE_PART_SCHEMA] = {"table_schema", "schema_id", "integer", NULL},
	[ICE_PART_PARTITION_SPEC] = {"table_partition_spec", "spec_id", "integer", NULL},
	[ICE_PART_SORT_ORDER] = {"table_sort_order", "order_id", "integer", NULL},
	[ICE_PART_PROPERTIES] = {"table_property_set", NULL, NULL, NULL},
	[ICE_PART_SNAPSHOT] = {"table_snapshot", "snapshot_id", "bigint", NULL},
	[ICE_PART_REF] = {"table_ref", "snapshot_id", "bigint", "name"},
	[ICE_PART_SNAPSHOT_LOG] = {"table_snapshot_log", "snapshot_id", "bigint", NULL},
	[ICE_PART_METADATA_LOG] = {"table_metadata_log", NULL, NULL, "metadata_file"},
	[ICE_PART_STATISTICS] = {"table_statistics", "snapshot_id", "bigint", NULL},
	[ICE_PART_PARTITION_STATISTICS] = {"table_partition_statistics", "snapshot_id", "bigint", NULL},
	[ICE_PART_ENCRYPTION_KEY] = {"table_encryption_key", NULL, NULL, "key_id"},
	[ICE_PART_EXTRA] = {"table_extra", NULL, NULL, NULL},
};

static IceStatement load_statements[ICE_PART_KINDS];
static IceStatement insert_statements[ICE_PART_KINDS];
static IceStatement remove_statements[ICE_PART_KINDS];
static IceStatement delete_removed_statements[ICE_PART_KINDS];
static IceStatement delete_all_statements[ICE_PART_KINDS];
static IceStatement load_snapshots_statement;
static IceStatement load_all_statement;
static IceStatement load_version_statement;

static IceStatement update_ref = {
	"UPDATE icecat_data.table_ref SET snapshot_id = $4, body = $5 "
	"WHERE warehouse_id = $1 AND table_id = $2 AND name = $3",
	5,
	{UUIDOID, UUIDOID, TEXTOID, INT8OID, JSONOID},
	NULL};
static IceStatement delete_ref = {
	"DELETE FROM icecat_data.table_ref WHERE warehouse_id = $1 AND table_id = $2 AND name = $3",
	3,
	{UUIDOID, UUIDOID, TEXTOID},
	NULL};
static IceStatement oldest_metadata_log = {
	"SELECT ordinal, metadata_file FROM icecat_data.table_metadata_log "
	"WHERE warehouse_id = $1 AND table_id = $2 AND removed_version IS NULL "
	"ORDER BY ordinal LIMIT $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};

/* Completes a statement whose text was just made; the text lives as long as the session. */
static void
set_statement(IceStatement *statement, StringInfo sql, int nargs, const Oid *argtypes)
{
	memcpy(statement->argtypes, argtypes, sizeof(Oid) * nargs);
	statement->nargs = nargs;
	statement->sql = MemoryContextStrdup(TopMemoryContext, sql->data);
}

/* Appends the query that reads the live rows, or those of version $3, of one kind. */
static void
append_load_sql(StringInfo sql, int kind, bool of_version)
{
	const KindEntry *entry = &kinds[kind];

	appendStringInfo(sql,
					 "SELECT %d, ordinal, %s::bigint, %s::text, body FROM icecat_data.%s "
					 "WHERE warehouse_id = $1 AND table_id = $2",
					 kind, entry->id_column ? entry->id_column : "0",
					 entry->key_column ? entry->key_column : "NULL", entry->table);
	if (of_version)
		appendStringInfo(sql,
						 " AND ordinal < (($3 + 1) << %d)"
						 " AND (removed_version IS NULL OR removed_version > $3)",
						 ICE_ORDINAL_BITS);
	else if (kind != ICE_PART_REF)
		appendStringInfoString(sql, " AND removed_version IS NULL");
}

/* The statement that reads one list. */
static IceStatement *
load_statement(IcePartKind kind)
{
	static const Oid types[] = {UUIDOID, UUIDOID};

	if (load_statements[kind].sql == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		append_load_sql(&sql, kind, false);
		set_statement(&load_statements[kind], &sql, 2, types);
	}
	return &load_statements[kind];
}

/* The statement that reads all lists, live or (without refs) of a version. */
static IceStatement *
load_all_lists_statement(bool of_version)
{
	static const Oid types[] = {UUIDOID, UUIDOID, INT8OID};
	IceStatement    *statement = of_version ? &load_version_statement : &load_all_statement;

	if (statement->sql == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		{
			if (of_version && kind == ICE_PART_REF)
				continue;
			if (sql.len > 0)
				appendStringInfoString(&sql, " UNION ALL ");
			append_load_sql(&sql, kind, of_version);
		}
		set_statement(statement, &sql, of_version ? 3 : 2, types);
	}
	return statement;
}

/* The statement that inserts a part: warehouse, table, ordinal, body, then id and key where kept. */
static IceStatement *
insert_statement(IcePartKind kind)
{
	static const Oid types[] = {UUIDOID, UUIDOID, INT8OID, JSONOID, INT8OID, TEXTOID};

	if (insert_statements[kind].sql == NULL)
	{
		const KindEntry *entry = &kinds[kind];
		StringInfoData   sql;

		initStringInfo(&sql);
		appendStringInfo(&sql,
						 "INSERT INTO icecat_data.%s (warehouse_id, table_id, ordinal, body%s%s%s%s)"
						 " VALUES ($1, $2, $3, $4",
						 entry->table, entry->id_column ? ", " : "",
						 entry->id_column ? entry->id_column : "", entry->key_column ? ", " : "",
						 entry->key_column ? entry->key_column : "");
		if (entry->id_column)
			appendStringInfo(&sql, ", $5::%s", entry->id_type);
		if (entry->key_column)
			appendStringInfoString(&sql, ", $6");
		appendStringInfoChar(&sql, ')');
		set_statement(&insert_statements[kind], &sql, 6, types);
	}
	return &insert_statements[kind];
}

/* The statement that marks parts, given by ordinals, as removed at version $3. */
static IceStatement *
remove_statement(IcePartKind kind)
{
	static const Oid types[] = {UUIDOID, UUIDOID, INT8OID, INT8ARRAYOID};

	if (remove_statements[kind].sql == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		appendStringInfo(&sql,
						 "UPDATE icecat_data.%s SET removed_version = $3 WHERE warehouse_id = $1 "
						 "AND table_id = $2 AND ordinal = ANY ($4)",
						 kinds[kind].table);
		set_statement(&remove_statements[kind], &sql, 4, types);
	}
	return &remove_statements[kind];
}

/* The statement that deletes removed rows (up to version $3), or all rows of a table. */
static IceStatement *
delete_statement(IcePartKind kind, bool only_removed)
{
	static const Oid types[] = {UUIDOID, UUIDOID, INT8OID};
	IceStatement    *statement = only_removed ? &delete_removed_statements[kind]
											  : &delete_all_statements[kind];

	if (statement->sql == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		appendStringInfo(&sql,
						 "DELETE FROM icecat_data.%s WHERE warehouse_id = $1 AND table_id = $2%s",
						 kinds[kind].table, only_removed ? " AND removed_version <= $3" : "");
		set_statement(statement, &sql, only_removed ? 3 : 2, types);
	}
	return statement;
}

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
	Datum values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	collect_rows(table, ice_execute(load_statement(kind), values, NULL, read_only));
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
	static const Oid types[] = {UUIDOID, UUIDOID, INT8ARRAYOID};
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   int8_array(ids, count)};

	if (load_snapshots_statement.sql == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		append_load_sql(&sql, ICE_PART_SNAPSHOT, false);
		appendStringInfoString(&sql, " AND snapshot_id = ANY ($3)");
		set_statement(&load_snapshots_statement, &sql, 3, types);
	}
	collect_rows(table, ice_execute(&load_snapshots_statement, values, NULL, read_only));
	finish_list(table, ICE_PART_SNAPSHOT);
}

void
ice_parts_load_all(IceTable *table, bool read_only)
{
	Datum values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	collect_rows(table, ice_execute(load_all_lists_statement(false), values, NULL, read_only));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		finish_list(table, kind);
}

void
ice_parts_load_version(IceTable *table, int64 version)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int64GetDatum(version)};

	collect_rows(table, ice_execute(load_all_lists_statement(true), values, NULL, true));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (kind != ICE_PART_REF)
			finish_list(table, kind);
}

/* Inserts an added part as the given place of this version. */
static void
insert_part(IceTable *table, IcePartKind kind, const IcePart *part, int64 ordinal)
{
	Datum values[6] = {UUIDPGetDatum(&table->warehouse_id),
					   UUIDPGetDatum(&table->id),
					   Int64GetDatum(ordinal),
					   ice_text_datum(part->body, part->body_len),
					   Int64GetDatum(part->id),
					   part->key ? ice_cstring_datum(part->key) : (Datum) 0};
	char  nulls[7] = "      ";

	if (part->key == NULL)
		nulls[5] = 'n';
	ice_execute(insert_statement(kind), values, nulls, false);
}

/* Marks rows as removed by this version. */
static void
remove_rows(IceTable *table, IcePartKind kind, const int64 *ordinals, int count)
{
	Datum values[4] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int64GetDatum(table->version), int8_array(ordinals, count)};

	ice_execute(remove_statement(kind), values, NULL, false);
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

	for (int i = 0; i < refs->count; i++)
	{
		IcePart *ref = refs->items[i];
		Datum    values[5];

		if (ref->added == ref->removed)
			continue;
		values[0] = UUIDPGetDatum(&table->warehouse_id);
		values[1] = UUIDPGetDatum(&table->id);
		values[2] = ice_cstring_datum(ref->key);
		if (ref->removed)
		{
			if (!ref_is_added(refs, ref->key))
				ice_execute(&delete_ref, values, NULL, false);
		}
		else if (replaced_ref(refs, ref->key))
		{
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

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (kind != ICE_PART_REF)
			ice_execute(delete_statement(kind, true), values, NULL, false);
}

void
ice_parts_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		ice_execute(delete_statement(kind, false), values, NULL, false);
}
