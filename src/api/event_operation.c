/*
 * event_operation.c
 *		An event as the coming standard has it; see event_operation.h.
 *
 * An operation of the standard must have members, of which some are not kept here: the updates of a
 * commit, whose bodies would make an event as large as the commit. They are empty lists, and the
 * details say of which kinds the updates were.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/event_json.h"
#include "api/event_operation.h"
#include "store/uuid.h"

#define OWN_TYPE ICE_EVENT_CUSTOM_PREFIX "icecat-"

/* Ours, and the standard's. */
static const struct
{
	const char *event;
	const char *type;
} types[] = {
	{"create-table", "create-table"},
	{"commit-table", "update-table"},
	{"register-table", "register-table"},
	{"drop-table", "drop-table"},
	{"rename-table", "rename-table"},
	{"create-view", "create-view"},
	{"replace-view", "update-view"},
	{"drop-view", "drop-view"},
	{"rename-view", "rename-view"},
	{"create-namespace", "create-namespace"},
	{"update-namespace-properties", "update-namespace-properties"},
	{"drop-namespace", "drop-namespace"},
};

const char *
ice_event_operation_type(const char *event_type)
{
	for (int i = 0; i < (int) lengthof(types); i++)
		if (strcmp(types[i].event, event_type) == 0)
			return types[i].type;
	return psprintf(OWN_TYPE "%s", event_type);
}

bool
ice_event_operation_is_standard(const char *type)
{
	for (int i = 0; i < (int) lengthof(types); i++)
		if (strcmp(types[i].type, type) == 0)
			return true;
	return false;
}

const char *
ice_event_operation_moved_type(const char *event_type)
{
	return strcmp(event_type, "rename-view") == 0 ? OWN_TYPE "moved-away-view"
												  : OWN_TYPE "moved-away-table";
}

static void
put_int(IceJsonWriter *out, const char *key, int64 value)
{
	ice_json_write_key(out, key);
	ice_json_write_int(out, value);
}

/* A member of the details, where they have it. Otherwise absent, NULL for nothing at all. */
static void
put_detail(IceJsonWriter *out, const IceEventOperation *event, const char *key, const char *absent)
{
	const IceJson *value = event->details != NULL ? ice_json_get(event->details, key) : NULL;
	const char    *text = value != NULL ? ice_json_text(value) : absent;

	if (text == NULL)
		return;
	ice_json_write_key(out, key);
	ice_json_write_raw(out, text, strlen(text));
}

/* Of a table or view: {"namespace": […], "name": …}. */
static void
put_identifier(IceJsonWriter *out, const char *key, Datum levels, const char *name)
{
	ice_json_write_key(out, key);
	ice_json_write_begin_object(out);
	ice_json_write_key(out, "namespace");
	ice_event_json_levels(out, levels);
	ice_event_json_put(out, "name", name);
	ice_json_write_end_object(out);
}

/* Which object it is about. */
static void
put_object(IceJsonWriter *out, const IceEventOperation *event, bool standard)
{
	const IceEventRow *row = event->row;
	const char        *kind = ice_event_row_text(row, ICE_EVENT_KIND);
	const char        *name = ice_event_row_text(row, ICE_EVENT_NAME);
	Datum              levels = row->values[ICE_EVENT_LEVELS];
	const char        *uuid = event->uuid;

	if (row->nulls[ICE_EVENT_LEVELS])
		return;
	if (strcmp(kind, "namespace") == 0 || name == NULL)
	{
		ice_json_write_key(out, "namespace");
		ice_event_json_levels(out, levels);
		return;
	}
	if (standard && row->source != (Datum) 0 && !event->moved_away)
	{
		put_identifier(out, "source", row->source, row->source_name);
		put_identifier(out, "destination", levels, name);
	}
	else
		put_identifier(out, "identifier", levels, name);
	if (uuid == NULL && standard) /* which must have one */
		uuid = ice_uuid_text(DatumGetUUIDP(row->values[ICE_EVENT_OBJECT]));
	ice_event_json_put(out, strcmp(kind, "view") == 0 ? "view-uuid" : "table-uuid", uuid);
}

/* What the standard asks for, of each operation. */
static void
put_members(IceJsonWriter *out, const IceEventOperation *event, const char *type)
{
	if (strcmp(type, "update-namespace-properties") == 0)
	{
		put_detail(out, event, "updated", "[]");
		put_detail(out, event, "removed", "[]");
		put_detail(out, event, "missing", "[]");
	}
	else if (strcmp(type, "create-namespace") == 0)
		put_detail(out, event, "properties", "{}");
	else if (strcmp(type, "drop-table") == 0)
		put_detail(out, event, "purge", NULL);
	else if (strncmp(type, "create-", 7) == 0 || strncmp(type, "update-", 7) == 0 ||
			 strncmp(type, "register-", 9) == 0)
	{
		ice_json_write_key(out, "updates");
		ice_json_write_raw(out, "[]", 2);
	}
}

/* Are members that the standard asks for among details that are left out? What is not there must
 * not be said to be empty. */
static bool
lacks_members(const IceEventOperation *event, const char *type)
{
	return event->details != NULL && ice_json_get(event->details, "left-out-bytes") != NULL &&
		   (strcmp(type, "create-namespace") == 0 ||
			strcmp(type, "update-namespace-properties") == 0);
}

/* What was done, to what: as one of the standard's operations, or one of our own. */
static void
put_operation(IceJsonWriter *out, const IceEventOperation *event)
{
	const char *event_type = ice_event_row_text(event->row, ICE_EVENT_TYPE);
	const char *type = event->moved_away ? ice_event_operation_moved_type(event_type)
										 : ice_event_operation_type(event_type);
	bool        standard = ice_event_operation_is_standard(type);

	if (standard && lacks_members(event, type))
	{
		standard = false;
		type = psprintf(OWN_TYPE "%s", type);
	}
	ice_json_write_begin_object(out);
	ice_event_json_put(out, "operation-type", standard ? type : "custom");
	if (!standard)
		ice_event_json_put(out, "custom-type", type);
	put_object(out, event, standard);
	if (standard)
		put_members(out, event, type);
	if (event->details != NULL && !event->moved_away)
	{
		const char *text = ice_json_text(event->details);

		ice_json_write_key(out, OWN_TYPE "details");
		ice_json_write_raw(out, text, strlen(text));
	}
	ice_json_write_end_object(out);
}

int64
ice_event_operation_ms(TimestampTz at)
{
	return (at + ICE_EVENT_EPOCH_DAYS * USECS_PER_DAY) / 1000;
}

/* The request, and how many events it has: a call in SQL is no request, and each of its events
 * stands for itself. */
static void
put_request(IceJsonWriter *out, const IceEventOperation *event)
{
	const char *request_id = ice_event_row_text(event->row, ICE_EVENT_REQUEST);
	int64       count = 1;

	if (request_id != NULL && event->details != NULL)
		(void) ice_json_opt_int64(event->details, "request-event-count", &count);
	ice_event_json_put(out, "request-id",
					   request_id != NULL
						   ? request_id
						   : ice_uuid_text(DatumGetUUIDP(event->row->values[ICE_EVENT_ID])));
	put_int(out, "request-event-count", count);
}

void
ice_event_operation_write(IceJsonWriter *out, const IceEventOperation *event)
{
	const IceEventRow *row = event->row;
	TimestampTz        at = DatumGetTimestampTz(row->values[ICE_EVENT_OCCURRED]);

	ice_json_write_begin_object(out);
	ice_event_json_put(out, "event-id", ice_uuid_text(DatumGetUUIDP(row->values[ICE_EVENT_ID])));
	put_request(out, event);
	put_int(out, "timestamp-ms", ice_event_operation_ms(at));
	ice_json_write_key(out, "actor");
	ice_json_write_begin_object(out);
	ice_event_json_put(out, "role", ice_event_row_text(row, ICE_EVENT_ACTOR));
	ice_event_json_put(out, "principal", event->principal);
	ice_json_write_end_object(out);
	ice_json_write_key(out, "operation");
	put_operation(out, event);
	ice_json_write_end_object(out);
}
