/*
 * event_wanted.c
 *		Which events a request asks for; see event_wanted.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "api/event_operation.h"
#include "api/event_wanted.h"
#include "spec/case_fold.h"
#include "store/uuid.h"

#define LIST_MAX 1000 /* entries of one list */

/* -- reading the request ----------------------------------------------------------------------- */

static IceJson *
take_list(const IceJson *request, const char *key)
{
	IceJson *list = ice_json_opt_array(request, key);

	if (list != NULL && list->count > LIST_MAX)
		ice_json_raise(list, ICE_ERR_LIMIT_EXCEEDED, "%s has more than %d entries", key, LIST_MAX);
	return list;
}

/* Names that other catalogs gave to operations of their own are no mistake. */
static void
check_types(const IceJson *list)
{
	for (int i = 0; list != NULL && i < list->count; i++)
	{
		const char *type = ice_json_to_string(list->items[i], "operation-types");

		if (!ice_event_operation_is_standard(type) &&
			strncmp(type, ICE_EVENT_CUSTOM_PREFIX, strlen(ICE_EVENT_CUSTOM_PREFIX)) != 0)
			ice_json_raise(list->items[i], ICE_ERR_BAD_REQUEST, "Unknown operation type: %s",
						   ice_json_shown(list->items[i]));
	}
}

static void
check_kind(const IceJson *value, const char *kind, bool relation)
{
	if (strcmp(kind, "table") != 0 && strcmp(kind, "view") != 0 &&
		(relation || strcmp(kind, "namespace") != 0))
		ice_json_raise(value, ICE_ERR_BAD_REQUEST, "Unknown type of object: %s",
					   ice_json_shown(value));
}

static void
check_kinds(const IceJson *list)
{
	for (int i = 0; list != NULL && i < list->count; i++)
		check_kind(list->items[i], ice_json_to_string(list->items[i], "object-types"), false);
}

static void
check_ids(const IceJson *list)
{
	for (int i = 0; list != NULL && i < list->count; i++)
	{
		const IceJson *item = list->items[i];

		if (item->kind != ICE_JSON_OBJECT)
			ice_json_raise(item, ICE_ERR_BAD_REQUEST, "catalog-objects-by-id must hold objects");
		(void) ice_json_string(item, "uuid");
		check_kind(ice_json_get(item, "type"), ice_json_string(item, "type"), true);
	}
}

static char **
take_path(const IceJson *levels, bool folds)
{
	char **path;

	if (levels->kind != ICE_JSON_ARRAY || levels->count == 0)
		ice_json_raise(levels, ICE_ERR_BAD_REQUEST,
					   "catalog-objects-by-name must hold arrays of strings");
	path = palloc0(sizeof(char *) * (levels->count + 1));
	for (int i = 0; i < levels->count; i++)
	{
		const char *level = ice_json_to_string(levels->items[i], "catalog-objects-by-name");

		path[i] = folds ? ice_case_fold(level) : pstrdup(level);
	}
	return path;
}

/* A filter that is not known would be passed over in silence: the client would get what it did not
 * ask for. */
static void
check_custom(const IceJson *request)
{
	const IceJson *filters = ice_json_opt_object(request, "custom-filters");

	if (filters != NULL && filters->count > 0)
		ice_json_raise(filters->members[0].value, ICE_ERR_BAD_REQUEST,
					   "There is no custom filter of this name: %s", filters->members[0].key);
}

static TimestampTz
take_since(const IceJson *request)
{
	int64 ms;
	int64 at;

	if (!ice_json_opt_int64(request, "after-timestamp-ms", &ms))
		return DT_NOBEGIN;
	if (pg_mul_s64_overflow(ms, 1000, &at) ||
		pg_sub_s64_overflow(at, ICE_EVENT_EPOCH_DAYS * USECS_PER_DAY, &at) ||
		!IS_VALID_TIMESTAMP(at))
		ice_json_raise(ice_json_get(request, "after-timestamp-ms"), ICE_ERR_BAD_REQUEST,
					   "Invalid after-timestamp-ms");
	return at;
}

void
ice_event_wanted_take(const IceJson *request, bool folds, IceEventWanted *out)
{
	*out = (IceEventWanted){.since = take_since(request), .folds = folds};
	out->types = take_list(request, "operation-types");
	out->kinds = take_list(request, "object-types");
	out->ids = take_list(request, "catalog-objects-by-id");
	out->names = take_list(request, "catalog-objects-by-name");
	check_types(out->types);
	check_kinds(out->kinds);
	check_ids(out->ids);
	check_custom(request);
	if (out->names != NULL)
	{
		out->paths = palloc(sizeof(char **) * Max(out->names->count, 1));
		for (int i = 0; i < out->names->count; i++)
			out->paths[i] = take_path(out->names->items[i], folds);
	}
	out->narrows = out->types != NULL || out->kinds != NULL || out->ids != NULL ||
				   out->names != NULL;
}

/* -- comparing --------------------------------------------------------------------------------- */

static bool
holds(const IceJson *list, const char *value)
{
	if (list == NULL)
		return true;
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->string, value) == 0)
			return true;
	return false;
}

/* A rename, of which perhaps only the place before is seen, goes by both of its names. */
static bool
is_type(const IceJson *list, const char *event_type, bool renames)
{
	return list == NULL || holds(list, ice_event_operation_type(event_type)) ||
		   (renames && holds(list, ice_event_operation_moved_type(event_type)));
}

bool
ice_event_wanted_kind(const IceEventWanted *wanted, const IceEventRow *row)
{
	if (!wanted->narrows)
		return true;
	return (wanted->kinds == NULL ||
			holds(wanted->kinds, TextDatumGetCString(row->values[ICE_EVENT_KIND]))) &&
		   is_type(wanted->types, TextDatumGetCString(row->values[ICE_EVENT_TYPE]),
				   row->source != (Datum) 0);
}

bool
ice_event_wanted_id(const IceEventWanted *wanted, const IceEventRow *row, const char *uuid)
{
	const char *kind;
	const char *id;

	if (wanted->ids == NULL)
		return true;
	kind = TextDatumGetCString(row->values[ICE_EVENT_KIND]);
	id = ice_uuid_text(DatumGetUUIDP(row->values[ICE_EVENT_OBJECT]));
	for (int i = 0; i < wanted->ids->count; i++)
	{
		const char *asked = ice_json_string(wanted->ids->items[i], "uuid");

		if (strcmp(ice_json_string(wanted->ids->items[i], "type"), kind) == 0 &&
			(pg_strcasecmp(asked, id) == 0 || (uuid != NULL && pg_strcasecmp(asked, uuid) == 0)))
			return true;
	}
	return false;
}

/* Levels and name, as they are compared; NULL where it is in no namespace. */
static char **
path_of(Datum levels, const char *name, bool folds)
{
	Datum *elements;
	int    count;
	char **path;

	if (levels == (Datum) 0)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(levels), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	path = palloc0(sizeof(char *) * (count + 2));
	for (int i = 0; i < count; i++)
		path[i] = TextDatumGetCString(elements[i]);
	if (name != NULL)
		path[count++] = pstrdup(name);
	for (int i = 0; folds && i < count; i++)
		path[i] = ice_case_fold(path[i]);
	return path;
}

/* Is one of the names a path's, or that of a namespace above it? */
static bool
is_named(const IceEventWanted *wanted, char **path)
{
	for (int i = 0; path != NULL && i < wanted->names->count; i++)
	{
		char **name = wanted->paths[i];
		int    n = 0;

		while (name[n] != NULL && path[n] != NULL && strcmp(name[n], path[n]) == 0)
			n++;
		if (name[n] == NULL)
			return true;
	}
	return false;
}

bool
ice_event_wanted_place(const IceEventWanted *wanted, const IceEventRow *row, IceEventSight sight)
{
	if (wanted->names == NULL)
		return true;
	return (sight != ICE_EVENT_MOVED_AWAY && !row->nulls[ICE_EVENT_LEVELS] &&
			is_named(wanted, path_of(row->values[ICE_EVENT_LEVELS],
									 row->nulls[ICE_EVENT_NAME]
										 ? NULL
										 : TextDatumGetCString(row->values[ICE_EVENT_NAME]),
									 wanted->folds))) ||
		   (row->source != (Datum) 0 &&
			is_named(wanted, path_of(row->source, row->source_name, wanted->folds)));
}
