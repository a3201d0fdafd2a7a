/*
 * commit_policy.c
 *		What commit policies are told of namespaces, tables and views. See commit_policy.h.
 *
 * Where there is no policy, each of these is one look at a kept answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commit/commit_policy.h"
#include "json/json.h"
#include "spec/part.h"
#include "spec/table_metadata.h"
#include "store/case_mode.h"
#include "store/policy.h"
#include "store/store_parts.h"

/* The text of a part, or null. */
static void
put_part(IceJsonWriter *w, const char *key, IcePart *part)
{
	const char *text = part != NULL ? ice_json_text(ice_part_json(part)) : NULL;

	ice_json_write_key(w, key);
	if (text != NULL)
		ice_json_write_raw(w, text, strlen(text));
	else
		ice_json_write_null(w);
}

/* Small whatever the size of the table: of the schemas only the current one, and no snapshot but
 * its id. */
static const char *
state(const IceTableMetadata *metadata)
{
	const IcePartList *schemas = &metadata->lists[ICE_PART_SCHEMA];
	const IcePartList *properties = &metadata->lists[ICE_PART_PROPERTIES];
	StringInfoData     out;
	IceJsonWriter      w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "format-version");
	ice_json_write_int(&w, metadata->format_version);
	ice_json_write_key(&w, "location");
	ice_json_write_string(&w, metadata->location);
	if (metadata->current_snapshot_id != ICE_NO_SNAPSHOT)
	{
		ice_json_write_key(&w, "current-snapshot-id");
		ice_json_write_int(&w, metadata->current_snapshot_id);
	}
	put_part(&w, "schema",
			 schemas->loaded
				 ? ice_part_list_find(schemas, metadata->current_schema_id, NULL, ICE_PART_LIVE)
				 : NULL);
	put_part(&w, "properties",
			 properties->loaded ? ice_table_part_only(metadata, ICE_PART_PROPERTIES) : NULL);
	ice_json_write_end_object(&w);
	return out.data;
}

const char *
ice_commit_policy_state(const IceTableMetadata *metadata)
{
	return ice_policy_exists() ? state(metadata) : NULL;
}

bool
ice_commit_policy_concerns(const IceTable *table)
{
	return ice_policy_concerns(&table->warehouse_id, &table->namespace_id, &table->id, NULL);
}

const char *
ice_commit_policy_stored(const IceTable *table, const pg_uuid_t *to)
{
	IceTable         copy = *table;
	IceTableMetadata metadata = *table->metadata;

	if (!ice_policy_concerns(&table->warehouse_id, &table->namespace_id, &table->id, to))
		return NULL;
	copy.metadata = &metadata;
	ice_parts_load(&copy, ICE_PART_SCHEMA, false);
	ice_parts_load(&copy, ICE_PART_PROPERTIES, false);
	return state(&metadata);
}

/* A view is loaded whole; told is what is current of it. */
static const char *
view_state(const IceViewMetadata *metadata)
{
	const IcePartList *properties = &metadata->lists[ICE_VIEW_PART_PROPERTIES];
	IcePart           *version = ice_view_part_find(metadata, ICE_VIEW_PART_VERSION,
													metadata->current_version_id);
	IcePart           *schema = NULL;
	IcePart           *found = NULL;
	StringInfoData     out;
	IceJsonWriter      w;

	if (version != NULL)
		schema = ice_view_part_find(metadata, ICE_VIEW_PART_SCHEMA,
									ice_json_int32(ice_part_json(version), "schema-id"));
	for (int i = 0; i < properties->count; i++)
		if (!properties->items[i]->removed)
			found = properties->items[i];
	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "location");
	ice_json_write_string(&w, metadata->location);
	put_part(&w, "schema", schema);
	put_part(&w, "version", version);
	put_part(&w, "properties", found);
	ice_json_write_end_object(&w);
	return out.data;
}

const char *
ice_commit_policy_view_state(const IceViewMetadata *metadata)
{
	return ice_policy_exists() ? view_state(metadata) : NULL;
}

const char *
ice_commit_policy_view_stored(const IceView *view, const pg_uuid_t *to)
{
	IceView         copy = *view;
	IceViewMetadata metadata = *view->metadata;

	if (!ice_policy_concerns(&view->warehouse_id, &view->namespace_id, &view->id, to))
		return NULL;
	copy.metadata = &metadata;
	ice_view_load(&copy, false);
	return view_state(copy.metadata);
}

/* Names as they are spelled in the catalog: a policy compares them. */
static Datum
spelled(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, const IceNamespacePath *path)
{
	IceNamespacePath own = *path;

	ice_case_mode_respell_path(warehouse_id, namespace_id, false, &own);
	return own.array;
}

void
ice_commit_policy_table(const IceTable *table, const char *operation, const IceNamespacePath *path,
						const char *name, const char *before, const char *after)
{
	static const pg_uuid_t nil = {{0}};
	IcePolicyChange        change = {.operation = operation, .kind = "table"};

	if (!ice_policy_exists())
		return;
	change.warehouse_id = &table->warehouse_id;
	change.namespace_id = &table->namespace_id;
	change.object_id = memcmp(&table->id, &nil, UUID_LEN) != 0 ? &table->id : NULL;
	change.namespace_levels = spelled(&table->warehouse_id, &table->namespace_id, path);
	change.name = table->name != NULL ? table->name : name;
	change.before = before;
	change.after = after;
	ice_policy_check(&change);
}

void
ice_commit_policy_view(const IceView *view, const char *operation, const IceNamespacePath *path,
					   const char *name, const char *before, const char *after)
{
	IcePolicyChange change = {.operation = operation, .kind = "view"};

	if (!ice_policy_exists())
		return;
	change.warehouse_id = &view->warehouse_id;
	change.namespace_id = &view->namespace_id;
	change.object_id = &view->id;
	change.namespace_levels = spelled(&view->warehouse_id, &view->namespace_id, path);
	change.name = view->name != NULL ? view->name : name;
	change.before = before;
	change.after = after;
	ice_policy_check(&change);
}

static const char *
namespace_state(const char *properties)
{
	return properties != NULL ? psprintf("{\"properties\":%s}", properties) : NULL;
}

void
ice_commit_policy_namespace(const pg_uuid_t *warehouse_id, const char *operation,
							const pg_uuid_t *namespace_id, const IceNamespacePath *path,
							const char *before, const char *after)
{
	IcePolicyChange change = {.operation = operation, .kind = "namespace"};

	if (!ice_policy_exists())
		return;
	change.warehouse_id = warehouse_id;
	change.namespace_id = namespace_id;
	change.namespace_levels = before != NULL ? spelled(warehouse_id, namespace_id, path)
											 : path->array;
	change.before = namespace_state(before);
	change.after = namespace_state(after);
	ice_policy_check(&change);
}

/* {"namespace": […], "name": …} */
static const char *
source_json(const IceNamespacePath *path, const char *name)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "namespace");
	ice_json_write_begin_array(&w);
	for (int i = 0; i < path->depth; i++)
		ice_json_write_string(&w, path->levels[i]);
	ice_json_write_end_array(&w);
	ice_json_write_key(&w, "name");
	ice_json_write_string(&w, name);
	ice_json_write_end_object(&w);
	return out.data;
}

void
ice_commit_policy_rename(const char *kind, const pg_uuid_t *warehouse_id,
						 const pg_uuid_t *object_id, const pg_uuid_t *from,
						 const IceNamespacePath *source_path, const char *source,
						 const pg_uuid_t *to, const IceNamespacePath *path, const char *name,
						 const char *state)
{
	IcePolicyChange  change = {.kind = kind, .name = name, .before = state, .after = state};
	IceNamespacePath own = *source_path;

	if (!ice_policy_exists())
		return;
	ice_case_mode_respell_path(warehouse_id, from, false, &own);
	change.operation = psprintf("rename-%s", kind);
	change.warehouse_id = warehouse_id;
	change.object_id = object_id;
	change.namespace_id = from;
	change.namespace_levels = spelled(warehouse_id, to, path);
	change.source = source_json(&own, source);
	change.to = to;
	ice_policy_check(&change);
}
