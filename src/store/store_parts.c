/*
 * store_parts.c
 *		The lists of a table's metadata as rows of one table: reading them.
 *
 * All kinds lie in icecat_data.table_part, so that a load is one index scan. A removal sets
 * removed_version, so that a queued metadata file can still be assembled; refs are the exception
 * and are replaced in place. Bodies are read in SPI's memory and never re-parsed.
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

#define SELECT_PARTS                                                                         \
	"SELECT kind::integer AS k, ordinal, id, target, key, body FROM icecat_data.table_part " \
	"WHERE warehouse_id = $1 AND table_id = $2"

static IceStatement load_list = {SELECT_PARTS " AND kind = $3" ICE_PARTS_LIVE
											  " ORDER BY kind, ordinal",
								 3,
								 {UUIDOID, UUIDOID, INT2OID},
								 NULL};
static IceStatement load_snapshot = {
	SELECT_PARTS " AND kind = " ICE_KIND(SNAPSHOT) " AND id = $3 AND removed_version IS NULL",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
/* OFFSET 0 keeps the planner from joining in any other way than by one look-up for each id. */
static IceStatement load_snapshots = {
	"SELECT p.kind, p.ordinal, p.id, p.target, p.key, p.body FROM pg_catalog.unnest($3) AS u (id) "
	"CROSS JOIN LATERAL (SELECT kind::integer, ordinal, id, target, key, body "
	"FROM icecat_data.table_part "
	"WHERE warehouse_id = $1 AND table_id = $2 AND kind = " ICE_KIND(
		SNAPSHOT) " AND id = u.id "
				  "AND removed_version IS NULL OFFSET 0) AS p",
	3,
	{UUIDOID, UUIDOID, INT8ARRAYOID},
	NULL};
static IceStatement load_live = {
	SELECT_PARTS ICE_PARTS_LIVE " ORDER BY kind, ordinal", 2, {UUIDOID, UUIDOID}, NULL};
/* Two ranges of the key around the snapshots: an inequality would read their rows. */
static IceStatement load_but_snapshots = {
	SELECT_PARTS " AND kind < " ICE_KIND(SNAPSHOT) ICE_PARTS_LIVE
	" UNION ALL " SELECT_PARTS " AND kind > " ICE_KIND(SNAPSHOT) ICE_PARTS_LIVE,
	2,
	{UUIDOID, UUIDOID},
	NULL};
/* The kind stands there once more, as the index has it: so the parts of the union come sorted by
 * it. */
#define STREAM_PARTS                                                                               \
	"SELECT kind::integer AS k, ordinal, id, target, key, body, kind FROM icecat_data.table_part " \
	"WHERE warehouse_id = $1 AND table_id = $2"

static IceStatement stream_referenced = {
	STREAM_PARTS " AND kind < " ICE_KIND(SNAPSHOT) ICE_PARTS_LIVE
	" UNION ALL "
	"SELECT s.* FROM (SELECT target AS id FROM icecat_data.table_part WHERE warehouse_id = $1 "
	"AND table_id = $2 AND kind = " ICE_KIND(REF) ICE_PARTS_LIVE
	" UNION SELECT $3) AS u "
	"CROSS JOIN LATERAL (" STREAM_PARTS
	" AND kind = " ICE_KIND(SNAPSHOT) " AND id = u.id AND removed_version IS NULL OFFSET 0) AS s "
									  "UNION ALL " STREAM_PARTS " AND kind > " ICE_KIND(SNAPSHOT)
										  ICE_PARTS_LIVE " ORDER BY kind, ordinal",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};
#define KINDS_OF_SHAPE \
	ICE_KIND(SCHEMA) "," ICE_KIND(PARTITION_SPEC) "," ICE_KIND(SORT_ORDER) "," ICE_KIND(PROPERTIES)
#define KINDS_OF_CONTENT ICE_KIND(SNAPSHOT) "," ICE_KIND(SNAPSHOT_LOG) "," ICE_KIND(METADATA_LOG)
#define KINDS_OF_FILES   ICE_KIND(STATISTICS) "," ICE_KIND(PARTITION_STATISTICS)
#define KINDS_BUT_REFS                                     \
	KINDS_OF_SHAPE "," KINDS_OF_CONTENT "," KINDS_OF_FILES \
				   "," ICE_KIND(ENCRYPTION_KEY) "," ICE_KIND(EXTRA)

/* A range of the key for each kind but refs: what later commits have added is not even passed over,
 * however many of them are queued; and what earlier ones removed is deleted by then. */
static IceStatement load_version = {SELECT_PARTS
									" AND kind = ANY ('{" KINDS_BUT_REFS "}') AND ordinal < $4 "
									"AND (removed_version IS NULL OR removed_version > $3)",
									4,
									{UUIDOID, UUIDOID, INT8OID, INT8OID},
									NULL};
static IceStatement snapshot_log_end = {SELECT_PARTS " AND kind = " ICE_KIND(SNAPSHOT_LOG)
											ICE_PARTS_LIVE
										" ORDER BY kind DESC, ordinal DESC LIMIT 1",
										2,
										{UUIDOID, UUIDOID},
										NULL};

/* The id of a row of the last result, or that of what it points to; 0: neither. */
static int64
part_id(uint64 row)
{
	int column = ice_spi_field_is_null(row, 3) ? 4 : 3;

	return ice_spi_field_is_null(row, column) ? 0 : ice_spi_field_int64(row, column);
}

/* Adds the rows of the last result to the lists. */
static void
collect_rows(IceTable *table, uint64 rows)
{
	for (uint64 i = 0; i < rows; i++)
	{
		size_t      len;
		const char *body = ice_spi_field_bytes(i, 6, &len);

		ice_table_part_stored(table->metadata, ice_spi_field_int32(i, 1), part_id(i),
							  ice_spi_field_text(i, 5), ice_spi_field_int64(i, 2), body, len);
	}
}

static int
compare_ordinals(const void *a, const void *b)
{
	int64 x = (*(IcePart *const *) a)->ordinal;
	int64 y = (*(IcePart *const *) b)->ordinal;

	return x < y ? -1 : x > y;
}

/* Brings a list into document order; an index scan mostly did so already. Its hash table is
 * forgotten. */
void
ice_parts_finish(IceTable *table, IcePartKind kind)
{
	IcePartList *list = &table->metadata->lists[kind];

	list->loaded = true;
	for (int i = 1; i < list->count; i++)
		if (list->items[i - 1]->ordinal > list->items[i]->ordinal)
		{
			qsort(list->items, list->count, sizeof(IcePart *), compare_ordinals);
			list->slot_count = 0;
			break;
		}
}

void
ice_parts_load(IceTable *table, IcePartKind kind, bool read_only)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int16GetDatum(kind)};

	if (read_only || !ice_part_memory_load(table, kind))
		collect_rows(table, ice_spi_read(&load_list, values, read_only));
	ice_parts_finish(table, kind);
}

void
ice_parts_load_snapshot_log_end(IceTable *table, bool read_only)
{
	Datum values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};

	if (read_only || !ice_part_memory_load_log_end(table))
		collect_rows(table, ice_spi_read(&snapshot_log_end, values, read_only));
}

void
ice_parts_load_snapshots(IceTable *table, const int64 *ids, int count, bool read_only)
{
	Datum  values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};
	int64 *missing = palloc(sizeof(int64) * Max(count, 1));
	int    missing_count = 0;

	for (int i = 0; i < count; i++)
		if (ice_table_part_find(table->metadata, ICE_PART_SNAPSHOT, ids[i]) == NULL)
			missing[missing_count++] = ids[i];
	if (missing_count >= ICE_PARTS_MANY)
	{
		values[2] = ice_spi_int64_array_datum(missing, missing_count);
		collect_rows(table, ice_spi_execute(&load_snapshots, values, NULL, read_only));
	}
	for (int i = 0; i < missing_count && missing_count < ICE_PARTS_MANY; i++)
	{
		if (!read_only && ice_part_memory_load_snapshot(table, missing[i]))
			continue;
		values[2] = Int64GetDatum(missing[i]);
		collect_rows(table, ice_spi_read(&load_snapshot, values, read_only));
	}
	pfree(missing);
	ice_parts_finish(table, ICE_PART_SNAPSHOT);
}

/* Are the bodies of the last result no longer than that, together? Looks at no body. */
static bool
rows_fit(uint64 rows, int bytes_max)
{
	Size bytes = 0;

	for (uint64 i = 0; i < rows && bytes <= (Size) bytes_max; i++)
		bytes += toast_raw_datum_size(ice_spi_field(i, 6)) - VARHDRSZ;
	return bytes <= (Size) bytes_max;
}

static bool
read_all(IceTable *table, bool read_only, int bytes_max)
{
	Datum  values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};
	uint64 rows = ice_spi_read(&load_live, values, read_only);

	if (bytes_max > 0 && !rows_fit(rows, bytes_max))
		return false;
	collect_rows(table, rows);
	return true;
}

bool
ice_parts_load_all(IceTable *table, bool read_only, int bytes_max)
{
	bool fits = false;
	bool known = !read_only && ice_part_memory_load_all(table, bytes_max, &fits);

	if (!known)
		fits = read_all(table, read_only, bytes_max);
	for (int kind = 0; kind < ICE_PART_KINDS && fits; kind++)
		ice_parts_finish(table, kind);
	if (fits && !known && !read_only)
		ice_part_memory_put(table);
	return fits;
}

static int
compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

void
ice_parts_load_referenced(IceTable *table, bool read_only)
{
	Datum              values[2] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id)};
	const IcePartList *refs = &table->metadata->lists[ICE_PART_REF];
	int64             *ids;
	int                count = 0;
	int                distinct = 0;

	collect_rows(table, ice_spi_execute(&load_but_snapshots, values, NULL, read_only));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		ice_parts_finish(table, kind);
	ids = palloc(sizeof(int64) * (refs->count + 1));
	for (int i = 0; i < refs->count; i++)
		ids[count++] = refs->items[i]->id;
	if (table->metadata->current_snapshot_id != ICE_NO_SNAPSHOT)
		ids[count++] = table->metadata->current_snapshot_id;
	qsort(ids, count, sizeof(int64), compare_int64);
	for (int i = 0; i < count; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			ids[distinct++] = ids[i];
	ice_parts_load_snapshots(table, ids, distinct, read_only);
}

char *
ice_parts_stream(const IceTable *table, bool refs_only)
{
	Datum values[3] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int64GetDatum(table->metadata->current_snapshot_id)};

	return ice_spi_cursor_open(refs_only ? &stream_referenced : &load_live, values);
}

uint64
ice_parts_stream_next(const char *stream)
{
	return ice_spi_cursor_fetch(stream, ICE_STREAM_ROWS);
}

void
ice_parts_stream_row(uint64 row, IcePartKind *kind, int64 *id, const char **key, const char **body,
					 size_t *body_len)
{
	*kind = ice_spi_field_int32(row, 1);
	*id = part_id(row);
	*key = ice_spi_field_text(row, 5);
	*body = ice_spi_field_bytes(row, 6, body_len);
}

void
ice_parts_load_version(IceTable *table, int64 version)
{
	Datum values[4] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&table->id),
					   Int64GetDatum(version), Int64GetDatum((version + 1) << ICE_ORDINAL_BITS)};

	/* Not read_only: that would look with the calling query's snapshot, which may be older than the
	 * task's row and miss the very rows that the document is about. */
	collect_rows(table, ice_spi_read(&load_version, values, false));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (kind != ICE_PART_REF)
			ice_parts_finish(table, kind);
}
