/*
 * api_audit.c
 *		SQL entries of the audit log. See store/audit.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/audit_change.h"
#include "store/store_tenant.h"

#define REFUSED_MAX      1000
#define TEXT_BYTES_MAX   255
#define LEVELS_BYTES_MAX 8192
#define AGE_MS_MAX       (60 * 60 * 1000)

PG_FUNCTION_INFO_V1(sql_ice_audit);
PG_FUNCTION_INFO_V1(sql_ice_audit_refused);
PG_FUNCTION_INFO_V1(sql_ice_trim_audit);

/* What a function in PL/pgSQL changes. */
Datum
sql_ice_audit(PG_FUNCTION_ARGS)
{
	IceAuditRow row = {.action = NULL};
	IceJson    *before;
	IceJson    *after;

	(void) ice_caller_begin(fcinfo);
	row.action = ice_arg_text(fcinfo, 0, "action");
	row.object_kind = ice_arg_text(fcinfo, 1, "object_kind");
	row.name = ice_arg_text(fcinfo, 2, "name");
	before = ice_arg_opt_json(fcinfo, 3);
	after = ice_arg_opt_json(fcinfo, 4);
	row.details = ice_audit_change_details("", before != NULL ? ice_json_text(before) : NULL,
										   after != NULL ? ice_json_text(after) : NULL);
	ice_audit_insert(&row);
	ice_caller_end();
	PG_RETURN_VOID();
}

static const char *
bounded_string(const IceJson *object, const char *key)
{
	const char *text = ice_json_opt_string(object, key);

	if (text == NULL || strlen(text) <= TEXT_BYTES_MAX)
		return text;
	return pnstrdup(text, (Size) pg_mbcliplen(text, (int) strlen(text), TEXT_BYTES_MAX));
}

/* The levels of a namespace in the form that the gateway calls functions with; left out where they
 * are many. */
static Datum
levels_of(const IceJson *object)
{
	const char *text = ice_json_opt_string(object, "namespace");

	if (text == NULL || strlen(text) > LEVELS_BYTES_MAX)
		return (Datum) 0;
	return OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, text), TEXTOID, -1);
}

/* Why a call was refused, and how often the same was, after the first time. */
static const char *
refused_details(const IceJson *object)
{
	const char    *reason = bounded_string(object, "reason");
	int64          repeated = 0;
	StringInfoData out;
	IceJsonWriter  w;

	(void) ice_json_opt_int64(object, "repeated", &repeated);
	if (reason == NULL && repeated == 0)
		return NULL;
	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	if (reason != NULL)
	{
		ice_json_write_key(&w, "reason");
		ice_json_write_string(&w, reason);
	}
	if (repeated > 0)
	{
		ice_json_write_key(&w, "repeated");
		ice_json_write_int(&w, repeated);
	}
	ice_json_write_end_object(&w);
	return out.data;
}

/* What a gateway says about one call. Only of the login of a gateway it is believed whose call it
 * was. */
static void
insert_refused(const IceJson *body)
{
	IceAuditActor actor = ice_audit_actor();
	IceAuditRow   row = {.action = bounded_string(body, "action"),
						 .outcome = bounded_string(body, "outcome"),
						 .warehouse = bounded_string(body, "warehouse"),
						 .namespace_levels = levels_of(body),
						 .name = bounded_string(body, "name"),
						 .details = refused_details(body),
						 .actor = &actor};
	const char   *role = bounded_string(body, "role");
	int64         age_ms = 0;

	(void) ice_json_opt_int32(body, "status", &row.status);
	if (row.status < 400 || row.status > 599 ||
		(row.outcome != NULL && strncmp(row.outcome, "00", 2) == 0))
		ice_json_raise(body, ICE_ERR_BAD_REQUEST, "Not a refused call: its status is %d",
					   row.status);
	(void) ice_json_opt_int64(body, "age-ms", &age_ms);
	row.at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -Min(Max(age_ms, 0), AGE_MS_MAX));
	if (row.outcome == NULL)
		row.outcome = "";
	actor.principal = bounded_string(body, "principal");
	actor.request_id = bounded_string(body, "request-id");
	actor.client_address = bounded_string(body, "client-address");
	if (strcmp(actor.source, "gateway") == 0)
		actor.role = role != NULL ? role : "";
	row.warehouse = ice_tenant_name_said_by(row.warehouse, actor.role);
	ice_audit_insert(&row);
}

Datum
sql_ice_audit_refused(PG_FUNCTION_ARGS)
{
	IceJson *array;

	(void) ice_caller_begin(fcinfo);
	array = ice_arg_json(fcinfo, 0, "calls");
	if (array->kind != ICE_JSON_ARRAY)
		ice_json_raise(array, ICE_ERR_BAD_REQUEST, "Calls must be a JSON array");
	if (array->count > REFUSED_MAX)
		ice_json_raise(array, ICE_ERR_LIMIT_EXCEEDED,
					   "There are %d calls, more than the limit of %d", array->count, REFUSED_MAX);
	for (int i = 0; i < array->count; i++)
		insert_refused(array->items[i]);
	ice_caller_end();
	PG_RETURN_INT32(array->count);
}

Datum
sql_ice_trim_audit(PG_FUNCTION_ARGS)
{
	int32 months;

	(void) ice_caller_begin(fcinfo);
	months = ice_audit_upkeep(true);
	if (months > 0)
		ice_audit_insert(&(IceAuditRow){.object_kind = "catalog",
										.details = psprintf("{\"months\":%d}", months)});
	ice_caller_end();
	PG_RETURN_INT32(months);
}
