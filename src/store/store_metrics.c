/*
 * store_metrics.c
 *		Rows of icecat_data.metrics_report.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "store/store_metrics.h"
#include "store/uuid.h"

static IceStatement insert_report = {
	"INSERT INTO icecat_data.metrics_report (warehouse_id, report_id, table_id, received_at, "
	"report_type, report) VALUES ($1, $2, $3, $4, $5, $6)",
	6,
	{UUIDOID, UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, JSONOID},
	NULL};

void
ice_metrics_insert(const IceTable *table, const char *report_type, const char *report)
{
	pg_uuid_t report_id = ice_uuid_v7();
	Datum values[6] = {
		UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&report_id),
		UUIDPGetDatum(&table->id),           TimestampTzGetDatum(GetCurrentTimestamp()),
		ice_cstring_datum(report_type),      ice_cstring_datum(report)};

	ice_execute(&insert_report, values, NULL, false);
}
