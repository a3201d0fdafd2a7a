/*
 * store_label.c
 *		Rows of icecat_data.label. See store_label.h.
 *
 * A load reads labels by the snapshot of its query, as it reads the table. That there are none at
 * all is kept until an invalidation of the table comes: who sets a label sends one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "json/json.h"
#include "store/caller.h"
#include "store/store_label.h"
#include "store/table_watch.h"

static IceStatement find_any = {"SELECT warehouse_id FROM icecat_data.label LIMIT 1", 0, {0}, NULL};

static IceStatement find_of_object = {
	"SELECT field_id, name, value FROM icecat_data.label "
	"WHERE warehouse_id = $1 AND object_id = $2 ORDER BY field_id, name",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement count_of_object = {"SELECT pg_catalog.count(*) FROM icecat_data.label "
									   "WHERE warehouse_id = $1 AND object_id = $2",
									   2,
									   {UUIDOID, UUIDOID},
									   NULL};

static IceStatement put_label = {
	"INSERT INTO icecat_data.label (warehouse_id, object_id, field_id, name, value, object_kind, "
	"set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	"ON CONFLICT (warehouse_id, object_id, field_id, name) DO UPDATE "
	"SET value = excluded.value, set_by = excluded.set_by, set_at = excluded.set_at "
	"WHERE label.value <> excluded.value",
	8,
	{UUIDOID, UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_label = {
	"DELETE FROM icecat_data.label WHERE warehouse_id = $1 AND object_id = $2 AND field_id = $3 "
	"AND name = $4",
	4,
	{UUIDOID, UUIDOID, INT4OID, TEXTOID},
	NULL};

static IceStatement delete_of_object = {
	"DELETE FROM icecat_data.label WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceTableWatch watch = {.table = "label"};

bool
ice_labels_none(void)
{
	return !ice_table_watch_any(&watch, &find_any, NULL);
}

bool
ice_label_put(const IceLabelled *of, const char *name, const char *value)
{
	Datum values[8] = {UUIDPGetDatum(&of->warehouse_id),
					   UUIDPGetDatum(&of->object_id),
					   Int32GetDatum(of->field_id),
					   ice_spi_cstring_datum(name),
					   ice_spi_cstring_datum(value),
					   ice_spi_cstring_datum(of->object_kind),
					   ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false)),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	/* Also where there are others, for these may be deleted before this one is committed. */
	ice_table_watch_changed(&watch);
	return ice_spi_execute_waiting(&put_label, values, NULL) > 0;
}

bool
ice_label_delete(const IceLabelled *of, const char *name)
{
	Datum values[4] = {UUIDPGetDatum(&of->warehouse_id), UUIDPGetDatum(&of->object_id),
					   Int32GetDatum(of->field_id), ice_spi_cstring_datum(name)};

	ice_table_watch_changed(&watch);
	return ice_spi_execute_waiting(&delete_label, values, NULL) > 0;
}

int64
ice_labels_count(const IceLabelled *of)
{
	Datum values[2] = {UUIDPGetDatum(&of->warehouse_id), UUIDPGetDatum(&of->object_id)};

	(void) ice_spi_execute_latest(&count_of_object, values);
	return ice_spi_field_int64(0, 1);
}

/* Writes the labels of one field, from a row of the last result on. Returns the first row of
 * another. */
static uint64
write_map(IceJsonWriter *w, uint64 row, uint64 rows)
{
	int32 field_id = ice_spi_field_int32(row, 1);

	ice_json_write_begin_object(w);
	for (; row < rows && ice_spi_field_int32(row, 1) == field_id; row++)
	{
		ice_json_write_key(w, ice_spi_field_text(row, 2));
		ice_json_write_string(w, ice_spi_field_text(row, 3));
	}
	ice_json_write_end_object(w);
	return row;
}

bool
ice_labels_write(StringInfo out, const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};
	uint64 rows = ice_labels_none() ? 0 : ice_spi_execute(&find_of_object, values, NULL, true);
	uint64 row = 0;
	IceJsonWriter w;

	if (rows == 0)
		return false;
	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	if (ice_spi_field_int32(0, 1) == ICE_LABEL_OBJECT)
	{
		ice_json_write_key(&w, "object-labels");
		row = write_map(&w, 0, rows);
	}
	if (row < rows)
	{
		ice_json_write_key(&w, "fields");
		ice_json_write_begin_array(&w);
		while (row < rows)
		{
			ice_json_write_begin_object(&w);
			ice_json_write_key(&w, "field-id");
			ice_json_write_int(&w, ice_spi_field_int32(row, 1));
			ice_json_write_key(&w, "labels");
			row = write_map(&w, row, rows);
			ice_json_write_end_object(&w);
		}
		ice_json_write_end_array(&w);
	}
	ice_json_write_end_object(&w);
	return true;
}

void
ice_labels_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (OidIsValid(ice_table_watch_oid(&watch)) &&
		ice_spi_execute(&delete_of_object, values, NULL, false) > 0)
		ice_table_watch_changed(&watch);
}
