/*
 * metrics_report.h
 *		Reports of clients: what a scan read, what a commit wrote.
 *
 * REST, ReportMetricsRequest.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_METRICS_REPORT_H
#define ICE_METRICS_REPORT_H

#include "json/json.h"

#define ICE_REPORT_SCAN   "scan-report"
#define ICE_REPORT_COMMIT "commit-report"

/* Raises BAD_REQUEST unless it is a scan report or a commit report with all that these must have,
 * or a report of another type, of which nothing is known. Returns its type: in small letters, with
 * hyphens. */
extern const char *ice_metrics_report_check(const IceJson *report);

#endif
