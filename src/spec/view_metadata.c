/*
 * view_metadata.c
 *		A view's metadata: parts, documents, rules, and the metadata of a new view.
 *
 * Messages follow the Java classes ViewMetadata and ViewMetadataParser.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/view_metadata.h"

#include <stdlib.h>

#include "spec/schema.h"
#include "spec/spec_text.h"
#include "spec/view_version.h"

#define HISTORY_SIZE_PROPERTY "version.history.num-entries"
#define HISTORY_SIZE_DEFAULT  10

#define FIRST_VERSION_ID 1 /* as the Java implementation numbers them */
#define FIRST_SCHEMA_ID  0
#define IDS_SHOWN_MAX    20 /* in an error message */

/* Fields that become scalars or lists. */
static const char *const known_fields[] = {
	"view-uuid",          "format-version", "location",    "schemas",
	"current-version-id", "versions",       "version-log", "properties",
};

/* -- parts ------------------------------------------------------------------------------------ */

IceViewMetadata *
ice_view_metadata_empty(void)
{
	IceViewMetadata *view = palloc0(sizeof(IceViewMetadata));

	view->format_version = ICE_VIEW_FORMAT_VERSION;
	view->current_version_id = ICE_VIEW_NO_VERSION;
	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
		view->lists[kind].loaded = true;
	return view;
}

IcePart *
ice_view_part_stored(IceViewMetadata *view, IceViewPartKind kind, int64 id, int64 ordinal,
					 const char *body, size_t body_len)
{
	return ice_part_list_stored(&view->lists[kind], id, NULL, ordinal, body, body_len);
}

IcePart *
ice_view_part_add(IceViewMetadata *view, IceViewPartKind kind, int64 id, IceJson *json)
{
	return ice_part_list_add(&view->lists[kind], id, NULL, json);
}

IcePart *
ice_view_part_find(const IceViewMetadata *view, IceViewPartKind kind, int64 id)
{
	return ice_part_list_find(&view->lists[kind], id, NULL, ICE_PART_LIVE);
}

const IceJson *
ice_view_properties(const IceViewMetadata *view)
{
	IcePart *part = ice_part_list_last(&view->lists[ICE_VIEW_PART_PROPERTIES]);

	return part == NULL ? NULL : ice_part_json(part);
}

const char *
ice_view_property(const IceViewMetadata *view, const char *name)
{
	IcePart *part = ice_part_list_last(&view->lists[ICE_VIEW_PART_PROPERTIES]);

	return part == NULL ? NULL : ice_json_opt_string(ice_part_json(part), name);
}

int32
ice_view_history_size(const IceViewMetadata *view)
{
	const char *text = ice_view_property(view, HISTORY_SIZE_PROPERTY);
	int32       size = HISTORY_SIZE_DEFAULT;

	if (text != NULL && (!ice_text_to_int32(text, &size) || size <= 0))
		ice_raise(ICE_ERR_VALIDATION, "%s must be positive but was %s", HISTORY_SIZE_PROPERTY,
				  text);
	return size;
}

void
ice_view_log_push(IceViewMetadata *view, int32 version_id, int64 timestamp_ms)
{
	IceJson *entry = ice_json_make_object();

	ice_json_set(entry, "timestamp-ms", ice_json_make_int(timestamp_ms));
	ice_json_set(entry, "version-id", ice_json_make_int(version_id));
	ice_view_part_add(view, ICE_VIEW_PART_VERSION_LOG, version_id, entry);
}

/* -- rules ------------------------------------------------------------------------------------ */

/* The ids of a list, for messages: [1, 2]. */
static const char *
shown_ids(const IcePartList *list)
{
	StringInfoData text;
	int            shown = 0;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < list->count && shown < IDS_SHOWN_MAX; i++)
		if (!list->items[i]->removed)
			appendStringInfo(&text, "%s" INT64_FORMAT, shown++ > 0 ? ", " : "", list->items[i]->id);
	appendStringInfoString(&text, shown < ice_part_list_count(list) ? ", ...]" : "]");
	return text.data;
}

static void
check_current(const IceViewMetadata *view)
{
	const IcePartList *lists = view->lists;
	IcePart       *part = ice_view_part_find(view, ICE_VIEW_PART_VERSION, view->current_version_id);
	IceViewVersion version;

	if (ice_part_list_count(&lists[ICE_VIEW_PART_VERSION]) == 0)
		ice_raise(ICE_ERR_VALIDATION, "Invalid view: no versions were added");
	if (part == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find current version %d in view versions: %s",
				  view->current_version_id, shown_ids(&lists[ICE_VIEW_PART_VERSION]));
	ice_view_version_parse(&version, ice_part_json(part));
	if (ice_view_part_find(view, ICE_VIEW_PART_SCHEMA, version.schema_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find current schema with id %d in schemas: %s",
				  version.schema_id, shown_ids(&lists[ICE_VIEW_PART_SCHEMA]));
}

void
ice_view_metadata_validate(const IceViewMetadata *view)
{
	if (view->format_version != ICE_VIEW_FORMAT_VERSION)
		ice_raise(ICE_ERR_VALIDATION, "Unsupported format version: %d", view->format_version);
	if (view->location == NULL || *view->location == '\0')
		ice_raise(ICE_ERR_VALIDATION, "Invalid location: %s",
				  view->location == NULL ? "null" : "must not be empty");
	check_current(view);
}

/* -- reading ---------------------------------------------------------------------------------- */

static IceJson *
required_list(const IceJson *document, const char *key)
{
	IceJson *list = ice_json_get(document, key);

	if (list == NULL)
		ice_json_raise(document, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: %s", key);
	if (list->kind != ICE_JSON_ARRAY)
		ice_json_raise(list, ICE_ERR_BAD_REQUEST, "Cannot parse %s from non-array: %s", key,
					   ice_json_shown(list));
	return list;
}

static int
compare_ids(const void *a, const void *b)
{
	int64 left = (*(IcePart *const *) a)->id;
	int64 right = (*(IcePart *const *) b)->id;

	return left < right ? -1 : left > right;
}

static void
check_unique(const IceViewMetadata *view, IceViewPartKind kind, const char *what)
{
	const IcePartList *list = &view->lists[kind];
	IcePart          **sorted = palloc(sizeof(IcePart *) * Max(list->count, 1));

	for (int i = 0; i < list->count; i++)
		sorted[i] = list->items[i];
	qsort(sorted, list->count, sizeof(IcePart *), compare_ids);
	for (int i = 1; i < list->count; i++)
		if (sorted[i]->id == sorted[i - 1]->id)
			ice_json_raise(sorted[i]->json, ICE_ERR_BAD_REQUEST,
						   "Multiple %s with the same id: " INT64_FORMAT, what, sorted[i]->id);
}

/* A schema without an id has 0, as in Java. */
static void
parse_schemas(IceViewMetadata *view, const IceJson *document)
{
	IceJson *schemas = required_list(document, "schemas");

	for (int i = 0; i < schemas->count; i++)
	{
		const IceSchema *schema = ice_schema_parse(schemas->items[i]);

		ice_view_part_add(view, ICE_VIEW_PART_SCHEMA, schema->schema_id,
						  ice_json_with_int(schemas->items[i], "schema-id", schema->schema_id));
	}
	check_unique(view, ICE_VIEW_PART_SCHEMA, "schemas");
}

static void
parse_versions(IceViewMetadata *view, const IceJson *document)
{
	IceJson *versions = required_list(document, "versions");

	view->current_version_id = ice_json_int32(document, "current-version-id");
	for (int i = 0; i < versions->count; i++)
	{
		IceViewVersion version;

		ice_view_version_parse(&version, versions->items[i]);
		ice_view_part_add(view, ICE_VIEW_PART_VERSION, version.version_id, version.json);
	}
	check_unique(view, ICE_VIEW_PART_VERSION, "versions");
}

static void
parse_log(IceViewMetadata *view, const IceJson *document)
{
	IceJson *log = required_list(document, "version-log");

	for (int i = 0; i < log->count; i++)
	{
		IceJson *entry = log->items[i];

		if (entry->kind != ICE_JSON_OBJECT)
			ice_json_raise(entry, ICE_ERR_BAD_REQUEST,
						   "Cannot parse view history entry from non-object: %s",
						   ice_json_shown(entry));
		ice_json_int64(entry, "timestamp-ms");
		ice_view_part_add(view, ICE_VIEW_PART_VERSION_LOG, ice_json_int32(entry, "version-id"),
						  entry);
	}
}

static void
parse_properties(IceViewMetadata *view, const IceJson *document)
{
	IceJson *properties = ice_json_get(document, "properties");

	if (properties == NULL)
		return;
	ice_json_check_string_map(properties, "properties");
	ice_view_part_add(view, ICE_VIEW_PART_PROPERTIES, 0, properties);
}

static bool
is_known(const char *name)
{
	for (int i = 0; i < (int) lengthof(known_fields); i++)
		if (strcmp(known_fields[i], name) == 0)
			return true;
	return false;
}

static void
keep_unknown_fields(IceViewMetadata *view, const IceJson *document)
{
	IceJson *extra = ice_json_make_object();

	for (int i = 0; i < document->count; i++)
		if (!is_known(document->members[i].key))
			ice_json_set(extra, document->members[i].key,
						 ice_json_copy(document->members[i].value));
	if (extra->count > 0)
		ice_view_part_add(view, ICE_VIEW_PART_EXTRA, 0, extra);
}

IceViewMetadata *
ice_view_metadata_parse(IceJson *document)
{
	IceViewMetadata *view = ice_view_metadata_empty();

	if (document->kind != ICE_JSON_OBJECT)
		ice_json_raise(document, ICE_ERR_BAD_REQUEST,
					   "Cannot parse view metadata from non-object: %s", ice_json_shown(document));
	view->view_uuid = ice_json_string(document, "view-uuid");
	ice_text_check_uuid(view->view_uuid);
	view->format_version = ice_json_int32(document, "format-version");
	if (view->format_version != ICE_VIEW_FORMAT_VERSION)
		ice_json_raise(ice_json_get(document, "format-version"), ICE_ERR_VALIDATION,
					   "Unsupported format version: %d", view->format_version);
	view->location = ice_json_string(document, "location");
	parse_properties(view, document);
	parse_schemas(view, document);
	parse_versions(view, document);
	parse_log(view, document);
	keep_unknown_fields(view, document);
	ice_view_metadata_validate(view);
	return view;
}

/* -- writing ---------------------------------------------------------------------------------- */

static void
member_list(StringInfo out, const char *name, const IcePartList *list)
{
	appendStringInfo(out, ",\"%s\":", name);
	ice_part_list_write(out, list);
}

/* The fields come in the order of the Java writer. */
void
ice_view_metadata_write(StringInfo out, const IceViewMetadata *view)
{
	const IcePart *properties = ice_part_list_last(&view->lists[ICE_VIEW_PART_PROPERTIES]);
	const IcePart *extra = ice_part_list_last(&view->lists[ICE_VIEW_PART_EXTRA]);

	appendStringInfoString(out, "{\"view-uuid\":");
	ice_json_escape(out, view->view_uuid);
	appendStringInfo(out, ",\"format-version\":%d,\"location\":", view->format_version);
	ice_json_escape(out, view->location);
	if (properties != NULL)
	{
		appendStringInfoString(out, ",\"properties\":");
		appendBinaryStringInfo(out, properties->body, (int) properties->body_len);
	}
	member_list(out, "schemas", &view->lists[ICE_VIEW_PART_SCHEMA]);
	appendStringInfo(out, ",\"current-version-id\":%d", view->current_version_id);
	member_list(out, "versions", &view->lists[ICE_VIEW_PART_VERSION]);
	member_list(out, "version-log", &view->lists[ICE_VIEW_PART_VERSION_LOG]);
	if (extra != NULL)
		ice_part_write_members(out, extra);
	appendStringInfoChar(out, '}');
}

/* -- new views -------------------------------------------------------------------------------- */

IceCreateView *
ice_view_parse_create(IceJson *request)
{
	IceCreateView *create = palloc0(sizeof(IceCreateView));

	if (request->kind != ICE_JSON_OBJECT)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST,
					   "Cannot parse create view request from a non-object");
	create->name = ice_json_string(request, "name");
	create->location = ice_json_opt_string(request, "location");
	create->version = ice_json_get(request, "view-version");
	if (create->version == NULL)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: view-version");
	create->schema = ice_json_object(request, "schema");
	create->properties = ice_json_opt_object(request, "properties");
	if (create->properties != NULL)
		ice_json_check_string_map(create->properties, "properties");
	return create;
}

/* The ids and the time of the request's version are not looked at. */
IceViewMetadata *
ice_view_metadata_new(const IceCreateView *request, const char *view_uuid, const char *location,
					  int64 now_ms)
{
	IceViewMetadata *view = ice_view_metadata_empty();
	IceViewVersion   version;
	IceJson         *json;

	view->view_uuid = view_uuid;
	view->location = location;
	ice_schema_parse(request->schema);
	ice_view_part_add(view, ICE_VIEW_PART_SCHEMA, FIRST_SCHEMA_ID,
					  ice_json_with_int(request->schema, "schema-id", FIRST_SCHEMA_ID));
	ice_view_version_parse(&version, request->version);
	ice_view_version_check_new(&version);
	json = ice_json_with_int(version.json, "version-id", FIRST_VERSION_ID);
	json = ice_json_with_int(json, "schema-id", FIRST_SCHEMA_ID);
	json = ice_json_with_int(json, "timestamp-ms", now_ms);
	ice_view_part_add(view, ICE_VIEW_PART_VERSION, FIRST_VERSION_ID, json);
	view->current_version_id = FIRST_VERSION_ID;
	ice_view_log_push(view, FIRST_VERSION_ID, now_ms);
	if (request->properties != NULL)
		ice_view_part_add(view, ICE_VIEW_PART_PROPERTIES, 0, request->properties);
	ice_view_history_size(view);
	ice_view_metadata_validate(view);
	return view;
}
