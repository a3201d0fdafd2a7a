/*
 * view_update.c
 *		A commit to a view: reading it, checking its requirements, applying its updates.
 *
 * Unlike the Java implementation, "the last added" schema or version may be one that was there
 * before: it is the one that equals what the client sent. So a client that replaces a view by an
 * earlier definition of it gets that version back.
 *
 * REST, replaceView.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/canonical.h"
#include "spec/commit_read.h"
#include "spec/property_set.h"
#include "spec/schema.h"
#include "spec/spec_text.h"
#include "spec/structure.h"
#include "spec/view_history.h"
#include "spec/view_metadata.h"
#include "spec/view_version.h"

#define LAST_ADDED            (-1)
#define DROP_DIALECT_PROPERTY "replace.drop-dialect.allowed"

typedef struct UpdateKind UpdateKind;

struct IceViewRequirement
{
	const char *uuid; /* assert-view-uuid is the only kind */
};

struct IceViewUpdate
{
	const UpdateKind *kind;
	IceJson          *value;   /* schema, map or list */
	const char       *text;    /* uuid or location */
	int32             id;      /* of a version; format version */
	const IceSchema  *schema;  /* add-schema */
	IceViewVersion    version; /* add-view-version */
};

/* One commit while its updates are applied. */
typedef struct Context
{
	IceViewMetadata *view;
	bool             changed;
	const IcePart   *last_schema; /* added last, or equal to what was added last; NULL: none */
	const IcePart   *last_version;
	int              before_versions; /* versions that were there; those after them are new */
	IcePropertySet  *properties;      /* being changed; NULL: as they were */
	IceSameParts     schemas;         /* by what they mean */
	IceSameParts     versions;
} Context;

struct UpdateKind
{
	const char *name;
	void (*parse)(IceViewUpdate *update, const IceJson *json);
	void (*apply)(Context *context, const IceViewUpdate *update);
};

/* What only tables have, by the names that the Java classes have. */
typedef struct TableOnly
{
	const char *name;
	const char *class_name;
} TableOnly;

static const TableOnly table_requirements[] = {
	{"assert-create", "AssertTableDoesNotExist"},
	{"assert-table-uuid", "AssertTableUUID"},
	{"assert-ref-snapshot-id", "AssertRefSnapshotID"},
	{"assert-last-assigned-field-id", "AssertLastAssignedFieldId"},
	{"assert-current-schema-id", "AssertCurrentSchemaID"},
	{"assert-last-assigned-partition-id", "AssertLastAssignedPartitionId"},
	{"assert-default-spec-id", "AssertDefaultSpecID"},
	{"assert-default-sort-order-id", "AssertDefaultSortOrderID"},
};

static const TableOnly table_updates[] = {
	{"set-current-schema", "SetCurrentSchema"},
	{"remove-schemas", "RemoveSchemas"},
	{"add-spec", "AddPartitionSpec"},
	{"set-default-spec", "SetDefaultPartitionSpec"},
	{"remove-partition-specs", "RemovePartitionSpecs"},
	{"add-sort-order", "AddSortOrder"},
	{"set-default-sort-order", "SetDefaultSortOrder"},
	{"add-snapshot", "AddSnapshot"},
	{"remove-snapshots", "RemoveSnapshots"},
	{"set-snapshot-ref", "SetSnapshotRef"},
	{"remove-snapshot-ref", "RemoveSnapshotRef"},
	{"set-statistics", "SetStatistics"},
	{"remove-statistics", "RemoveStatistics"},
	{"set-partition-statistics", "SetPartitionStatistics"},
	{"remove-partition-statistics", "RemovePartitionStatistics"},
	{"add-encryption-key", "AddEncryptionKey"},
	{"remove-encryption-key", "RemoveEncryptionKey"},
};

static const char *
class_of(const TableOnly *kinds, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(kinds[i].name, name) == 0)
			return kinds[i].class_name;
	return NULL;
}

/* -- scalars ---------------------------------------------------------------------------------- */

static void
parse_assign_uuid(IceViewUpdate *update, const IceJson *json)
{
	update->text = ice_json_string(json, "uuid");
	ice_text_check_uuid(update->text);
}

static void
apply_assign_uuid(Context *context, const IceViewUpdate *update)
{
	if (pg_strcasecmp(context->view->view_uuid, update->text) != 0)
		ice_raise(ICE_ERR_VALIDATION, "Cannot reassign uuid");
}

static void
parse_upgrade_format_version(IceViewUpdate *update, const IceJson *json)
{
	update->id = ice_json_int32(json, "format-version");
}

static void
apply_upgrade_format_version(Context *context, const IceViewUpdate *update)
{
	IceViewMetadata *view = context->view;

	if (update->id < view->format_version)
		ice_raise(ICE_ERR_VALIDATION, "Cannot downgrade v%d view to v%d", view->format_version,
				  update->id);
	if (update->id > ICE_VIEW_FORMAT_VERSION)
		ice_raise(ICE_ERR_VALIDATION, "Unsupported format version: %d", update->id);
}

static void
parse_set_location(IceViewUpdate *update, const IceJson *json)
{
	update->text = ice_json_string(json, "location");
}

static void
apply_set_location(Context *context, const IceViewUpdate *update)
{
	if (strcmp(context->view->location, update->text) == 0)
		return;
	context->view->location = update->text;
	context->changed = true;
}

/* -- properties ------------------------------------------------------------------------------- */

/* The view's properties as all updates of one commit change them. */
static IcePropertySet *
working_properties(Context *context)
{
	IcePart *part = context->properties != NULL
						? NULL
						: ice_part_list_last(&context->view->lists[ICE_VIEW_PART_PROPERTIES]);

	return ice_property_set_open(&context->properties, part == NULL ? NULL : ice_part_json(part));
}

/* Puts the changed properties in the place of the old ones. */
static void
finish_properties(Context *context)
{
	IcePart *part = ice_part_list_last(&context->view->lists[ICE_VIEW_PART_PROPERTIES]);

	if (context->properties == NULL)
		return;
	if (part != NULL)
		ice_part_remove(part);
	ice_view_part_add(context->view, ICE_VIEW_PART_PROPERTIES, 0,
					  ice_property_set_json(context->properties));
}

static void
parse_set_properties(IceViewUpdate *update, const IceJson *json)
{
	update->value = ice_commit_read_set_properties(json);
}

static void
apply_set_properties(Context *context, const IceViewUpdate *update)
{
	if (update->value->count == 0)
		return;
	ice_property_set_put(working_properties(context), update->value);
	context->changed = true;
}

static void
parse_remove_properties(IceViewUpdate *update, const IceJson *json)
{
	update->value = ice_commit_read_remove_properties(json);
}

/* Names that are not set are passed over. */
static void
apply_remove_properties(Context *context, const IceViewUpdate *update)
{
	if (update->value->count == 0)
		return;
	ice_property_set_remove(working_properties(context), update->value);
	context->changed = true;
}

/* -- schemas ---------------------------------------------------------------------------------- */

static void
parse_add_schema(IceViewUpdate *update, const IceJson *json)
{
	update->value = ice_json_object(json, "schema");
	update->schema = ice_schema_parse(update->value);
}

/* Keeps the field ids as given; the schema's own id becomes the highest plus one. */
static void
apply_add_schema(Context *context, const IceViewUpdate *update)
{
	IceViewMetadata   *view = context->view;
	const IcePartList *schemas = &view->lists[ICE_VIEW_PART_SCHEMA];
	IcePart           *part;
	IceJsonInt         id = {.key = "schema-id"};
	const char        *text;
	size_t             len;

	ice_canonical_schema(
		ice_canonical_same_start(&context->schemas, schemas, ice_structure_schema_text),
		update->schema);
	context->last_schema = ice_canonical_same_find(&context->schemas);
	if (context->last_schema != NULL)
		return;
	id.value = ice_part_list_next_id(schemas, 0, "schema");
	text = ice_json_text_with(update->value, &id, NULL, &len);
	part = ice_part_list_add_text(&view->lists[ICE_VIEW_PART_SCHEMA], id.value, NULL, text, len,
								  update->schema);
	ice_canonical_same_put(&context->schemas, part);
	context->last_schema = part;
	context->changed = true;
}

/* -- versions --------------------------------------------------------------------------------- */

static void
parse_add_view_version(IceViewUpdate *update, const IceJson *json)
{
	IceJson *version = ice_json_get(json, "view-version");

	if (version == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: view-version");
	ice_view_version_parse(&update->version, version);
}

static int32
schema_of_version(const Context *context, const IceViewVersion *version)
{
	if (version->schema_id == LAST_ADDED)
	{
		if (context->last_schema == NULL)
			ice_raise(ICE_ERR_VALIDATION, "Cannot set last added schema: no schema has been added");
		return (int32) context->last_schema->id;
	}
	if (ice_view_part_find(context->view, ICE_VIEW_PART_SCHEMA, version->schema_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add version with unknown schema: %d",
				  version->schema_id);
	return version->schema_id;
}

static void
version_text(StringInfo out, IcePart *part)
{
	IceViewVersion version;

	ice_view_version_parse(&version, ice_part_json(part));
	ice_canonical_view_version(out, &version);
}

/* Keeps the id that the client gave if it is higher than all others. */
static void
apply_add_view_version(Context *context, const IceViewUpdate *update)
{
	IceViewMetadata   *view = context->view;
	const IcePartList *versions = &view->lists[ICE_VIEW_PART_VERSION];
	IceViewVersion     version = update->version;
	IceJsonInt         id = {.key = "version-id"};
	IceJsonInt         schema_id = {.key = "schema-id"};
	IcePart           *part;
	const char        *text;
	size_t             len;

	schema_id.value = version.schema_id = schema_of_version(context, &version);
	ice_canonical_view_version(ice_canonical_same_start(&context->versions, versions, version_text),
							   &version);
	context->last_version = ice_canonical_same_find(&context->versions);
	if (context->last_version != NULL)
		return;
	ice_view_version_check_new(&version);
	id.value = ice_part_list_next_id(versions, version.version_id, "view version");
	text = ice_json_text_with(version.json, &id, &schema_id, &len);
	part = ice_part_list_add_text(&view->lists[ICE_VIEW_PART_VERSION], id.value, NULL, text, len,
								  NULL);
	ice_canonical_same_put(&context->versions, part);
	context->last_version = part;
	context->changed = true;
}

static void
parse_set_current_view_version(IceViewUpdate *update, const IceJson *json)
{
	update->id = ice_json_int32(json, "view-version-id");
}

static void
apply_set_current_view_version(Context *context, const IceViewUpdate *update)
{
	int32 version_id = update->id;

	if (version_id == LAST_ADDED)
	{
		if (context->last_version == NULL)
			ice_raise(ICE_ERR_VALIDATION,
					  "Cannot set last version id: no current version id has been set");
		version_id = (int32) context->last_version->id;
	}
	if (ice_view_part_find(context->view, ICE_VIEW_PART_VERSION, version_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set current version to unknown version: %d",
				  version_id);
	context->view->current_version_id = version_id;
}

/* -- reading ---------------------------------------------------------------------------------- */

static const UpdateKind kinds[] = {
	{"assign-uuid", parse_assign_uuid, apply_assign_uuid},
	{"upgrade-format-version", parse_upgrade_format_version, apply_upgrade_format_version},
	{"add-schema", parse_add_schema, apply_add_schema},
	{"set-location", parse_set_location, apply_set_location},
	{"set-properties", parse_set_properties, apply_set_properties},
	{"remove-properties", parse_remove_properties, apply_remove_properties},
	{"add-view-version", parse_add_view_version, apply_add_view_version},
	{"set-current-view-version", parse_set_current_view_version, apply_set_current_view_version},
};

/* Of an unknown kind it is said whether tables have it. */
static void
parse_update(IceViewUpdate *update, const IceJson *json)
{
	const char *action = ice_commit_read_update_action(json);
	const char *table_only;

	memset(update, 0, sizeof(*update));
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		if (pg_strcasecmp(kinds[i].name, action) == 0)
		{
			update->kind = &kinds[i];
			kinds[i].parse(update, json);
			return;
		}
	}
	table_only = class_of(table_updates, lengthof(table_updates), action);
	if (table_only != NULL)
		ice_json_raise(ice_json_get(json, "action"), ICE_ERR_BAD_REQUEST,
					   "Cannot apply update %s to a view", table_only);
	ice_json_raise(ice_json_get(json, "action"), ICE_ERR_BAD_REQUEST,
				   "Cannot convert metadata update action to json: %s", action);
}

static void
parse_requirement(IceViewRequirement *requirement, const IceJson *json)
{
	const char *type = ice_commit_read_requirement_type(json);
	const char *table_only = class_of(table_requirements, lengthof(table_requirements), type);

	if (table_only != NULL)
		ice_json_raise(ice_json_get(json, "type"), ICE_ERR_BAD_REQUEST,
					   "Cannot validate %s against a view", table_only);
	if (pg_strcasecmp("assert-view-uuid", type) != 0)
		ice_json_raise(ice_json_get(json, "type"), ICE_ERR_BAD_REQUEST,
					   "Unrecognized update requirement. Cannot convert to json: %s", type);
	requirement->uuid = ice_json_string(json, "uuid");
}

IceViewCommit *
ice_view_update_parse_commit(IceJson *requirements, IceJson *updates, int updates_max)
{
	IceViewCommit *commit = palloc0(sizeof(IceViewCommit));

	commit->requirement_count = ice_commit_read_requirements(requirements);
	commit->requirements = palloc(sizeof(IceViewRequirement) * Max(commit->requirement_count, 1));
	for (int i = 0; i < commit->requirement_count; i++)
	{
		ice_step();
		parse_requirement(&commit->requirements[i], requirements->items[i]);
	}
	commit->update_count = ice_commit_read_updates(updates, updates_max);
	ice_budget_reserve(sizeof(IceViewUpdate) * commit->update_count);
	commit->updates = palloc(sizeof(IceViewUpdate) * Max(commit->update_count, 1));
	for (int i = 0; i < commit->update_count; i++)
	{
		ice_step();
		parse_update(&commit->updates[i], updates->items[i]);
	}
	return commit;
}

/* -- checking and applying -------------------------------------------------------------------- */

void
ice_view_update_check_requirements(const IceViewCommit *commit, const IceViewMetadata *view)
{
	for (int i = 0; i < commit->requirement_count; i++)
		if (pg_strcasecmp(commit->requirements[i].uuid, view->view_uuid) != 0)
			ice_raise(ICE_ERR_COMMIT_FAILED,
					  "Requirement failed: view UUID does not match: expected %s != %s",
					  view->view_uuid, commit->requirements[i].uuid);
}

/* Engines that read another dialect would lose the view. */
static void
check_dialects(const IceViewMetadata *view, IcePart *before, IcePart *after)
{
	const char    *allowed = ice_view_property(view, DROP_DIALECT_PROPERTY);
	IceViewVersion old;
	IceViewVersion new;

	if (allowed != NULL && pg_strcasecmp(allowed, "true") == 0)
		return;
	ice_view_version_parse(&old, ice_part_json(before));
	ice_view_version_parse(&new, ice_part_json(after));
	if (!ice_view_version_dialects_kept(&old, &new))
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot replace view due to loss of view dialects (%s=false):\n"
				  "Previous dialects: %s\nNew dialects: %s",
				  DROP_DIALECT_PROPERTY, ice_view_version_dialects(&old),
				  ice_view_version_dialects(&new));
}

static bool
is_new_version(const Context *context, const IcePart *part)
{
	const IcePartList *versions = &context->view->lists[ICE_VIEW_PART_VERSION];

	for (int i = context->before_versions; i < versions->count; i++)
	{
		ice_step();
		if (versions->items[i] == part)
			return true;
	}
	return false;
}

/* A version that is new became current when it was made; one that was there, now. */
static void
finish_versions(Context *context, IcePart *before, int64 now_ms)
{
	IceViewMetadata *view = context->view;
	int              added = view->lists[ICE_VIEW_PART_VERSION].count - context->before_versions;
	IcePart *part = ice_view_part_find(view, ICE_VIEW_PART_VERSION, view->current_version_id);
	bool     is_new = is_new_version(context, part);

	if (part != before)
	{
		IceViewVersion version;

		check_dialects(view, before, part);
		ice_view_version_parse(&version, ice_part_json(part));
		ice_view_log_push(view, version.version_id, is_new ? version.timestamp_ms : now_ms);
	}
	ice_view_history_expire(view, is_new ? added : added + 1);
}

bool
ice_view_updates_apply(const IceViewCommit *commit, IceViewMetadata *view, int64 now_ms)
{
	Context context = {
		.view = view,
		.before_versions = view->lists[ICE_VIEW_PART_VERSION].count,
	};

	ice_view_metadata_validate(view);

	IcePart *before = ice_view_part_find(view, ICE_VIEW_PART_VERSION, view->current_version_id);

	for (int i = 0; i < commit->update_count; i++)
	{
		ice_step();
		commit->updates[i].kind->apply(&context, &commit->updates[i]);
	}
	if (!context.changed && view->current_version_id == before->id)
		return false;
	finish_properties(&context);
	finish_versions(&context, before, now_ms);
	ice_view_metadata_validate(view);
	return true;
}
