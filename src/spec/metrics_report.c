/*
 * metrics_report.c
 *		Reports of clients; see metrics_report.h.
 *
 * As in the Java classes, a type that is not known is no error: a client may be newer than the
 * catalog.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/metrics_report.h"

static void
check_array(const IceJson *report, const char *key, bool of_strings)
{
	const IceJson *array = ice_json_array(report, key);

	for (int i = 0; i < array->count; i++)
	{
		if (of_strings)
			ice_json_to_string(array->items[i], key);
		else
			ice_json_to_int32(array->items[i], key);
	}
}

/* An expression: an object, or true or false. What it says is the client's affair. */
static void
check_filter(const IceJson *report)
{
	const IceJson *filter = ice_json_member(report, "filter");

	if (filter == NULL)
		ice_json_raise(report, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: filter");
	if (filter->kind != ICE_JSON_OBJECT && filter->kind != ICE_JSON_BOOL)
		ice_json_raise(filter, ICE_ERR_BAD_REQUEST, "Cannot parse expression from non-object: %s",
					   ice_json_shown(filter));
}

/* A counter has a unit and a value, a timer a time unit, a count and a duration. */
static void
check_metric(const IceJson *metric, const char *name)
{
	if (metric->kind != ICE_JSON_OBJECT)
		ice_json_raise(metric, ICE_ERR_BAD_REQUEST, "Cannot parse metric from non-object: %s: %s",
					   name, ice_json_shown(metric));
	if (ice_json_get(metric, "time-unit") != NULL)
	{
		ice_json_string(metric, "time-unit");
		ice_json_int64(metric, "count");
		ice_json_int64(metric, "total-duration");
		return;
	}
	ice_json_string(metric, "unit");
	ice_json_int64(metric, "value");
}

static void
check_both(const IceJson *report)
{
	const IceJson *metrics = ice_json_object(report, "metrics");
	const IceJson *metadata = ice_json_get(report, "metadata");

	ice_json_string(report, "table-name");
	ice_json_int64(report, "snapshot-id");
	for (int i = 0; i < metrics->count; i++)
		check_metric(metrics->members[i].value, metrics->members[i].key);
	if (metadata != NULL)
		ice_json_check_string_map(metadata, "metadata");
}

static void
check_scan(const IceJson *report)
{
	check_filter(report);
	ice_json_int32(report, "schema-id");
	check_array(report, "projected-field-ids", false);
	check_array(report, "projected-field-names", true);
}

static void
check_commit(const IceJson *report)
{
	ice_json_int64(report, "sequence-number");
	ice_json_string(report, "operation");
}

const char *
ice_metrics_report_check(const IceJson *report)
{
	char *type;

	if (report->kind != ICE_JSON_OBJECT)
		ice_json_raise(report, ICE_ERR_BAD_REQUEST,
					   "Cannot parse metrics request from non-object: %s", ice_json_shown(report));
	type = pstrdup(ice_json_string(report, "report-type"));
	for (char *p = type; *p != '\0'; p++)
		*p = *p == '_' ? '-' : (char) pg_tolower((unsigned char) *p);
	if (strcmp(type, ICE_REPORT_SCAN) == 0)
	{
		check_both(report);
		check_scan(report);
	}
	else if (strcmp(type, ICE_REPORT_COMMIT) == 0)
	{
		check_both(report);
		check_commit(report);
	}
	return type;
}
