/*
 * store_purge.c
 *		What the rows of dropped tables say.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "store/store_purge.h"

/* All warehouses: worker only. */
static IceStatement dropped_relations = {
	"SELECT r.warehouse_id, r.relation_id, r.kind = 'view' FROM icecat_data.relation r "
	"WHERE r.dropped_at < $1 AND NOT EXISTS (SELECT 1 "
	"FROM icecat_data.metadata_task t WHERE t.warehouse_id = r.warehouse_id "
	"AND t.table_id = r.relation_id) LIMIT $2",
	2,
	{TIMESTAMPTZOID, INT8OID},
	NULL};

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

/* Removed rows too, as far as they are still there: a purge takes all that the table ever named. */
static IceStatement table_snapshots = {
	"SELECT body FROM icecat_data.table_snapshot WHERE warehouse_id = $1 AND table_id = $2 "
	"ORDER BY ordinal",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement table_statistics = {
	"SELECT body FROM icecat_data.table_statistics WHERE warehouse_id = $1 AND table_id = $2 "
	"UNION ALL SELECT body FROM icecat_data.table_partition_statistics "
	"WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement table_metadata_log = {
	"SELECT metadata_file FROM icecat_data.table_metadata_log WHERE warehouse_id = $1 "
	"AND table_id = $2 ORDER BY ordinal",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* The one column of a statement's rows, as C strings. */
static List *
read_texts(IceStatement *statement, Datum *values)
{
	uint64 rows = ice_execute(statement, values, NULL, false);
	List  *texts = NIL;

	for (uint64 i = 0; i < rows; i++)
		texts = lappend(texts, ice_field_text(i, 1));
	SPI_freetuptable(SPI_tuptable);
	return texts;
}

bool
ice_purge_read_table(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, IceTableFiles *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (ice_execute(&dropped_head, values, NULL, false) == 0)
		return false;
	out->location = ice_field_text(0, 1);
	out->metadata_location = ice_field_text(0, 2);
	out->properties = ice_field_text(0, 3);
	out->name = ice_field_text(0, 4);
	out->namespace_levels = ice_field_is_null(0, 5)
								? (Datum) 0
								: PointerGetDatum(PG_DETOAST_DATUM_COPY(ice_field(0, 5)));
	out->snapshots = read_texts(&table_snapshots, values);
	out->statistics = read_texts(&table_statistics, values);
	out->metadata_log = read_texts(&table_metadata_log, values);
	return true;
}

List *
ice_purge_dropped_relations(TimestampTz before, int limit)
{
	Datum  values[2] = {TimestampTzGetDatum(before), Int64GetDatum(limit)};
	uint64 rows = ice_execute(&dropped_relations, values, NULL, false);
	List  *dropped = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceDroppedRelation *relation = palloc(sizeof(IceDroppedRelation));

		relation->warehouse_id = ice_field_uuid(i, 1);
		relation->id = ice_field_uuid(i, 2);
		relation->is_view = DatumGetBool(ice_field(i, 3));
		dropped = lappend(dropped, relation);
	}
	return dropped;
}
