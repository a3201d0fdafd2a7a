/*
 * store_metrics.h
 *		Rows of icecat_data.metrics_report.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_METRICS_H
#define ICE_STORE_METRICS_H

#include "store/store_table.h"

/* Stores a report as it came; report is its exact text. Makes the month's partition where nobody
 * has yet. */
extern void ice_metrics_insert(const IceTable *table, const char *report_type, const char *report);

/* Drops whole months that ended before; see ice_partitions_trim(). */
extern int32 ice_metrics_trim(TimestampTz before, bool wait);

/* Makes the partitions of this month and the next, if nobody else is at it. */
extern void ice_metrics_prepare(void);

#endif
