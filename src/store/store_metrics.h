/*
 * store_metrics.h
 *		Rows of icecat_data.metrics_report.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_METRICS_H
#define ICE_STORE_METRICS_H

#include "store/store_table.h"

/* Stores a report as it came; report is its exact text. */
extern void ice_metrics_insert(const IceTable *table, const char *report_type, const char *report);

#endif
