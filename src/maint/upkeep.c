/*
 * upkeep.c
 *		Forgets what is old: dropped tables, idempotency keys, months of metrics reports.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "guc.h"
#include "maint/upkeep.h"
#include "store/audit.h"
#include "store/store_dropped.h"
#include "store/store_idempotency.h"
#include "store/store_metrics.h"
#include "store/store_partition.h"
#include "store/store_purge.h"
#include "store/store_table.h"
#include "store/store_view.h"

#define DROPPED_PER_CALL      16
#define EXPIRED_KEYS_PER_CALL 5000

int
ice_upkeep_dropped(void)
{
	TimestampTz before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 -(int64) ice_guc_dropped_retention_s * 1000);
	List       *relations;
	ListCell   *cell;
	int         count;

	(void) ice_spi_begin();
	count = ice_dropped_exists() ? ice_dropped_expire(DROPPED_PER_CALL) : 0;
	relations = ice_purge_dropped_relations(before, DROPPED_PER_CALL);
	foreach (cell, relations)
	{
		IceDroppedRelation *relation = lfirst(cell);

		if (relation->is_view)
			ice_store_view_delete(&relation->warehouse_id, &relation->id);
		else
			ice_store_table_delete(&relation->warehouse_id, &relation->id);
	}
	count += list_length(relations);
	ice_spi_end();
	return count;
}

bool
ice_upkeep_expired(void)
{
	int64 trimmed = 0;

	(void) ice_spi_begin();
	if (ice_spi_state_has("idempotency"))
		trimmed = ice_idempotency_trim(EXPIRED_KEYS_PER_CALL);
	ice_spi_end();
	return trimmed == EXPIRED_KEYS_PER_CALL;
}

void
ice_upkeep_reports(void)
{
	(void) ice_spi_begin();
	ice_partitions_take_restored(&ice_partitioned_event);
	ice_partitions_take_restored(&ice_partitioned_metrics_report);
	(void) ice_audit_upkeep(false);
	ice_metrics_prepare();
	if (ice_guc_report_retention_s >= 0)
		(void) ice_metrics_trim(
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										-(int64) ice_guc_report_retention_s * 1000),
			false);
	ice_spi_end();
}
