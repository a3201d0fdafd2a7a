/*
 * store_purge.c
 *		What the rows of dropped tables say.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "store/store_dropped.h"
#include "store/store_purge.h"
#include "store/store_reference.h"

#define PAGE_ROWS      256
#define PARTS_PER_CALL 1000

/* All warehouses: worker only. */
#define DROPPED_SQL(more)                                                                \
	"SELECT r.warehouse_id, r.relation_id, r.kind = 'view' FROM icecat_data.relation r " \
	"WHERE r.dropped_at < $1 " more "AND NOT EXISTS (SELECT 1 "                          \
	"FROM icecat_data.metadata_task t WHERE t.warehouse_id = r.warehouse_id "            \
	"AND t.table_id = r.relation_id) LIMIT $2"

static IceStatement dropped_relations = {
	DROPPED_SQL("AND r.undrop_until IS NULL "), 2, {TIMESTAMPTZOID, INT8OID}, NULL};

/* Before ALTER EXTENSION UPDATE. */
static IceStatement dropped_relations_before = {
	DROPPED_SQL(""), 2, {TIMESTAMPTZOID, INT8OID}, NULL};

static IceStatement dropped_head = {
	"SELECT h.location, h.metadata_location, p.body, r.name, n.levels "
	"FROM icecat_data.table_head h JOIN icecat_data.relation r "
	"ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id "
	"LEFT JOIN icecat_data.namespace n "
	"ON n.warehouse_id = r.warehouse_id AND n.namespace_id = r.namespace_id "
	"LEFT JOIN icecat_data.table_property_set p ON p.warehouse_id = h.warehouse_id "
	"AND p.table_id = h.table_id AND p.removed_version IS NULL "
	"WHERE h.warehouse_id = $1 AND h.table_id = $2 AND h.dropped_at IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* What names the table's files, a page at a time, by a number that grows. Removed rows too, as far
 * as they are still there: a purge takes all that the table ever named. A deletion that was queued
 * before is void, so the purge does it: its number is made of version and position. */
#define LIST(columns, relation)                                                                  \
	{                                                                                            \
		"SELECT " columns " FROM icecat_data." relation                                          \
		" WHERE warehouse_id = $1 AND table_id = $2 AND ordinal > $3 ORDER BY ordinal LIMIT $4", \
			4, {UUIDOID, UUIDOID, INT8OID, INT8OID}, NULL                                        \
	}

static IceStatement lists[] = {
	[ICE_PURGE_SNAPSHOTS] = LIST("ordinal, body", "table_snapshot"),
	[ICE_PURGE_METADATA_LOG] = LIST("ordinal, metadata_file", "table_metadata_log"),
	[ICE_PURGE_STATISTICS] = LIST("ordinal, body", "table_statistics"),
	[ICE_PURGE_PARTITION_STATISTICS] = LIST("ordinal, body", "table_partition_statistics"),
	[ICE_PURGE_DELETIONS] =
		{"SELECT (version << 22) + position, location FROM icecat_data.metadata_task "
		 "WHERE warehouse_id = $1 AND table_id = $2 AND kind = 'delete' "
		 "AND (version << 22) + position > $3 ORDER BY version, position LIMIT $4",
		 4,
		 {UUIDOID, UUIDOID, INT8OID, INT8OID},
		 NULL},
};

static IceStatement delete_parts = {
	"DELETE FROM icecat_data.table_part WHERE warehouse_id = $1 AND table_id = $2 "
	"AND ctid = ANY (ARRAY(SELECT p.ctid FROM icecat_data.table_part p "
	"WHERE p.warehouse_id = $1 AND p.table_id = $2 LIMIT $3))",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};

bool
ice_purge_read_table(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, IceDroppedTable *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (ice_spi_execute(&dropped_head, values, NULL, false) == 0)
		return false;
	out->location = ice_spi_field_text(0, 1);
	out->metadata_location = ice_spi_field_text(0, 2);
	out->properties = ice_spi_field_text(0, 3);
	out->name = ice_spi_field_text(0, 4);
	out->namespace_levels = ice_spi_field_is_null(0, 5)
								? (Datum) 0
								: PointerGetDatum(PG_DETOAST_DATUM_COPY(ice_spi_field(0, 5)));
	return true;
}

List *
ice_purge_read_page(IcePurgeList list, const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
					int64 *after)
{
	Datum  values[4] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id), Int64GetDatum(*after),
						Int64GetDatum(PAGE_ROWS)};
	uint64 rows = ice_spi_execute(&lists[list], values, NULL, false);
	List  *texts = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		*after = ice_spi_field_int64(i, 1);
		texts = lappend(texts, ice_spi_field_text(i, 2));
	}
	ice_spi_free_rows();
	return texts;
}

bool
ice_purge_delete_parts(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(PARTS_PER_CALL)};

	if (ice_spi_execute(&delete_parts, values, NULL, false) == PARTS_PER_CALL)
		return false;
	return ice_references_forget_some(warehouse_id, table_id, PARTS_PER_CALL);
}

List *
ice_purge_dropped_relations(TimestampTz before, int limit)
{
	Datum  values[2] = {TimestampTzGetDatum(before), Int64GetDatum(limit)};
	uint64 rows = ice_spi_execute(
		ice_dropped_exists() ? &dropped_relations : &dropped_relations_before, values, NULL, false);
	List *dropped = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceDroppedRelation *relation = palloc(sizeof(IceDroppedRelation));

		relation->warehouse_id = ice_spi_field_uuid(i, 1);
		relation->id = ice_spi_field_uuid(i, 2);
		relation->is_view = DatumGetBool(ice_spi_field(i, 3));
		dropped = lappend(dropped, relation);
	}
	return dropped;
}
