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
#include "store/store_partition.h"
#include "store/uuid.h"

static IceStatement insert_report = {
	"INSERT INTO icecat_data.metrics_report (warehouse_id, report_id, table_id, received_at, "
	"report_type, report) VALUES ($1, $2, $3, $4, $5, $6)",
	6,
	{UUIDOID, UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, JSONOID},
	NULL};

/* The month of a time, and some months later. False: another session is making it. */
static bool
make_partition(TimestampTz at, int later, bool wait)
{
	int year;
	int month;

	ice_partition_month_of(at, &year, &month);
	return ice_partition_make(&ice_partitioned_metrics_report, year, month + later, wait);
}

void
ice_metrics_prepare(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (make_partition(now, 0, false))
		(void) make_partition(now, 1, false);
}

int32
ice_metrics_trim(TimestampTz before, bool wait)
{
	return ice_partitions_trim(&ice_partitioned_metrics_report, before, wait);
}

void
ice_metrics_insert(const IceTable *table, const char *report_type, const char *report)
{
	pg_uuid_t   report_id = ice_uuid_v7();
	TimestampTz now = GetCurrentTimestamp();
	Datum       values[6] = {UUIDPGetDatum(&table->warehouse_id), UUIDPGetDatum(&report_id),
							 UUIDPGetDatum(&table->id),           TimestampTzGetDatum(now),
							 ice_spi_cstring_datum(report_type),  ice_spi_cstring_datum(report)};
	uint64      changes = ice_spi_changes();

	(void) make_partition(now, 0, true);
	ice_spi_execute(&insert_report, values, NULL, false);
	ice_spi_changes_back(changes);
}
