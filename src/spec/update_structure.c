/*
 * update_structure.c
 *		Updates of schemas, partition specs and sort orders.
 *
 * What is added gets an id of the table's own, unless an equal one is there: then that one's id is
 * "the last added". Only the current schema, default spec and default order must suit each other;
 * older ones stay as they were, so that older data can be read.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/update.h"

#include "spec/commit_read.h"
#include "spec/evolution.h"
#include "spec/needs.h"
#include "spec/partition.h"
#include "spec/schema.h"
#include "spec/sort_order.h"
#include "spec/structure.h"
#include "spec/table_metadata.h"

/* -- shared ----------------------------------------------------------------------------------- */

/* The id that an update means; raises if it is "last added" and none was. */
static int32
resolve_id(int64 id, int32 last_added, const char *what, const char *what_full)
{
	if (id != ICE_LAST_ADDED)
		return (int32) id;
	if (last_added == ICE_LAST_ADDED)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set last added %s: no %s has been added", what,
				  what_full);
	return last_added;
}

static IceStructure *
structure_of(IceUpdateContext *context)
{
	if (context->structure == NULL)
		context->structure = ice_structure_make(context->metadata);
	return context->structure;
}

static const IceSchema *
current_schema(const IceTableMetadata *metadata)
{
	IcePart *part = ice_table_part_find(metadata, ICE_PART_SCHEMA, metadata->current_schema_id);

	if (part == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find schema with current-schema-id=%d from schemas",
				  metadata->current_schema_id);
	return ice_structure_schema(part);
}

static void
need_structure(IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
	ice_needs_list(needs, ICE_PART_PARTITION_SPEC);
	ice_needs_list(needs, ICE_PART_SORT_ORDER);
}

/* A column that gets another type under a spec that names it, as replacing a table can do, makes
 * the whole table unreadable in Java, whether or not the spec is in use. Removing the spec in the
 * same commit helps. */
static void
check_readable(const IceUpdateContext *context, const IceSchema *schema)
{
	const IcePartList *specs = &context->metadata->lists[ICE_PART_PARTITION_SPEC];

	if (!context->is_create && context->before_schema_id == context->metadata->current_schema_id)
		return;
	for (int i = 0; i < specs->count; i++)
		if (!specs->items[i]->removed)
			ice_partition_spec_check_readable(ice_structure_spec(specs->items[i]), schema);
}

/* The rules of TableMetadata.Builder.build(): default spec and order suit the current schema. */
void
ice_update_check_structure(const IceUpdateContext *context)
{
	const IceTableMetadata *metadata = context->metadata;
	const IceSchema        *schema = current_schema(metadata);
	IcePart                *spec = ice_table_part_find(metadata, ICE_PART_PARTITION_SPEC,
													   metadata->default_spec_id);
	IcePart                *order = ice_table_part_find(metadata, ICE_PART_SORT_ORDER,
														metadata->default_sort_order_id);

	if (spec != NULL)
		ice_partition_spec_check_types(ice_structure_spec(spec), schema);
	if (order != NULL)
		ice_sort_order_check_types(ice_structure_order(order), schema);
	check_readable(context, schema);
}

/* Where main's data stays, it must be readable with the new current schema. A commit that removes
 * main leaves the data behind: replacing a table gives an id of the same name another type. */
void
ice_update_check_evolution(const IceUpdateContext *context)
{
	const IceTableMetadata *metadata = context->metadata;
	IcePart                *before_part;
	const IceSchema        *before;
	const IceSchema        *after;

	if (context->is_create || context->main_removed ||
		context->before_snapshot_id == ICE_NO_SNAPSHOT ||
		context->before_schema_id == metadata->current_schema_id)
		return;
	before_part = ice_table_part_find_any(metadata, ICE_PART_SCHEMA, context->before_schema_id);
	if (before_part == NULL)
		return;
	before = ice_structure_schema(before_part);
	after = current_schema(metadata);
	ice_evolution_check_schema(before, after, metadata->format_version);
	ice_evolution_check_specs(metadata, before, after);
}

/* Adds a part of a given meaning: its text is json's, with the id. No copy of json is made. */
static IcePart *
add_part(IceTableMetadata *metadata, IcePartKind kind, const char *id_name, int32 id,
		 const IceJson *json, const void *parsed)
{
	IceJsonInt  with_id = {id_name, id};
	size_t      len;
	const char *text = ice_json_text_with(json, &with_id, NULL, &len);

	return ice_part_list_add_text(&metadata->lists[kind], id, NULL, text, len, parsed);
}

/* -- schemas ---------------------------------------------------------------------------------- */

void
ice_parse_add_schema(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "schema");
	update->parsed = ice_schema_parse(update->value);
}

void
ice_needs_add_schema(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
}

/* Keeps the field ids as given; the schema's own id becomes the highest plus one. */
void
ice_apply_add_schema(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	const IceSchema  *schema = update->parsed;
	IcePart          *same;
	int32             schema_id;

	ice_schema_check_format_version(schema, metadata->format_version);
	ice_schema_check_ids(schema);
	ice_schema_check_crs(schema);
	same = ice_structure_find_schema(structure_of(context), schema);
	if (same != NULL)
	{
		context->last_schema_id = (int32) same->id;
		return;
	}
	schema_id = ice_part_list_next_id(&metadata->lists[ICE_PART_SCHEMA],
									  metadata->current_schema_id, "schema");
	metadata->last_column_id = Max(metadata->last_column_id, schema->highest_id);
	ice_structure_put_schema(context->structure, add_part(metadata, ICE_PART_SCHEMA, "schema-id",
														  schema_id, update->value, schema));
	context->last_schema_id = schema_id;
	context->changed = true;
}

void
ice_parse_set_current_schema(IceUpdate *update)
{
	update->id = ice_json_int32(update->json, "schema-id");
}

void
ice_needs_set_current_schema(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	need_structure(needs);
}

/* A new column may not be called like a partition field of another one, in any spec: readers would
 * refuse the table. A commit compares each schema with each spec once. */
static void
check_spec_names(IceUpdateContext *context, IcePart *schema)
{
	const IcePartList *specs = &context->metadata->lists[ICE_PART_PARTITION_SPEC];
	int               *checked = ice_structure_specs_checked(structure_of(context), schema);

	for (; *checked < specs->count; ++*checked)
		if (!specs->items[*checked]->removed)
			ice_partition_spec_check_names(ice_structure_spec(specs->items[*checked]),
										   ice_structure_schema(schema));
}

void
ice_apply_set_current_schema(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	int32    schema_id = resolve_id(update->id, context->last_schema_id, "schema", "schema");
	IcePart *schema;

	if (schema_id == metadata->current_schema_id)
		return;
	schema = ice_table_part_find(metadata, ICE_PART_SCHEMA, schema_id);
	if (schema == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set current schema to unknown schema: %d", schema_id);
	metadata->current_schema_id = schema_id;
	check_spec_names(context, schema);
	context->structure_changed = true;
	context->changed = true;
}

/* Removes the listed parts; ids that the table does not have are passed over. */
static void
remove_listed(IceUpdateContext *context, const IceUpdate *update, IcePartKind kind, int32 kept,
			  const char *kept_name)
{
	for (int i = 0; i < update->id_count; i++)
		if (update->ids[i] == kept)
			ice_raise(ICE_ERR_VALIDATION, "Cannot remove the %s", kept_name);
	for (int i = 0; i < update->id_count; i++)
	{
		ice_step();
		IcePart *part = ice_table_part_find(context->metadata, kind, update->ids[i]);

		if (part == NULL)
			continue;
		ice_part_remove(part);
		context->changed = true;
	}
}

void
ice_parse_remove_schemas(IceUpdate *update)
{
	update->value = ice_json_array(update->json, "schema-ids");
	update->id_count = update->value->count;
	update->ids = ice_commit_read_ids(update->value, "schema-ids", true);
}

void
ice_needs_remove_schemas(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
}

void
ice_apply_remove_schemas(IceUpdateContext *context, const IceUpdate *update)
{
	remove_listed(context, update, ICE_PART_SCHEMA, context->metadata->current_schema_id,
				  "current schema");
}

/* -- partition specs -------------------------------------------------------------------------- */

void
ice_parse_add_spec(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "spec");
	update->parsed = ice_partition_spec_parse(update->value);
}

void
ice_needs_add_spec(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
	ice_needs_list(needs, ICE_PART_PARTITION_SPEC);
}

/* The id that an earlier spec gave to the same source and transform, if this spec has not used it;
 * else 0. */
static int32
earlier_field_id(IceStructure *structure, const IcePartitionField *field, IceMap *used)
{
	int32 found = ice_structure_field_id(structure, field);

	return found != 0 && ice_map_get(used, &found, sizeof(found)) != NULL ? 0 : found;
}

/* Some clients leave field ids to the catalog. Version 1 counts from the start in every spec; later
 * versions give the same id to the same source and transform, else one that was never used. */
static IceJson *
with_field_ids(IceUpdateContext *context, IcePartitionSpec *spec)
{
	const IceTableMetadata *metadata = context->metadata;
	int32                   last_id = Max(metadata->last_partition_id, ICE_UNPARTITIONED_LAST_ID);
	IceMap                 *used = ice_map_make();
	IceJson                *copy = ice_json_copy(spec->json);
	IceJson                *fields = ice_json_array(copy, "fields");

	for (int i = 0; i < spec->field_count; i++)
	{
		int32 field_id = ICE_PARTITION_FIELD_ID_START + i;

		if (metadata->format_version > 1)
		{
			field_id = earlier_field_id(structure_of(context), &spec->fields[i], used);
			if (field_id == 0 && last_id == PG_INT32_MAX)
				ice_raise(ICE_ERR_VALIDATION, "Cannot add a partition field: no id is left");
			if (field_id == 0)
				field_id = ++last_id;
		}
		spec->fields[i].field_id = field_id;
		*ice_map_at(used, &field_id, sizeof(field_id)) = copy;
		ice_json_set(fields->items[i], "field-id", ice_json_make_int(field_id));
	}
	return copy;
}

/* From version 2 on, a field id means the same in all specs of the table. */
static void
check_field_ids(IceUpdateContext *context, const IcePartitionSpec *spec)
{
	for (int i = 0; i < spec->field_count; i++)
		if (ice_structure_id_is_taken(structure_of(context), &spec->fields[i]))
			ice_raise(ICE_ERR_VALIDATION, "Cannot add partition field %s: another one has its id",
					  ice_partition_field_text(&spec->fields[i]));
}

static void
check_spec(const IceTableMetadata *metadata, const IcePartitionSpec *spec)
{
	const IceSchema *schema = current_schema(metadata);

	ice_partition_spec_check_new(spec, metadata->format_version);
	ice_partition_spec_check_names(spec, schema);
	ice_partition_spec_check_types(spec, schema);
}

/* Keeps given field ids; the spec's own id becomes the highest plus one. */
void
ice_apply_add_spec(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	IcePartitionSpec *spec = ice_partition_spec_parse(update->value);
	IceJson          *json = update->value;
	IcePart          *same;
	int32             spec_id;

	check_spec(metadata, spec);
	same = ice_structure_find_spec(structure_of(context), spec);
	if (same != NULL)
	{
		context->last_spec_id = (int32) same->id;
		return;
	}
	if (spec->field_count > 0 && !spec->fields[0].has_field_id)
		json = with_field_ids(context, spec);
	else if (metadata->format_version > 1)
		check_field_ids(context, spec);
	if (metadata->format_version == 1 && !ice_partition_spec_is_sequential(spec))
		ice_raise(ICE_ERR_VALIDATION,
				  "Spec does not use sequential IDs that are required in v1: %s",
				  ice_partition_spec_text(spec));
	spec_id = ice_part_list_next_id(&metadata->lists[ICE_PART_PARTITION_SPEC], ICE_INITIAL_SPEC_ID,
									"partition spec");
	metadata->last_partition_id = Max(metadata->last_partition_id,
									  ice_partition_spec_last_id(spec));
	ice_structure_put_spec(context->structure, add_part(metadata, ICE_PART_PARTITION_SPEC,
														"spec-id", spec_id, json, spec));
	context->last_spec_id = spec_id;
	context->changed = true;
}

void
ice_parse_set_default_spec(IceUpdate *update)
{
	update->id = ice_json_int32(update->json, "spec-id");
}

void
ice_needs_set_default_spec(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
	ice_needs_list(needs, ICE_PART_PARTITION_SPEC);
}

void
ice_apply_set_default_spec(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	int32             spec_id = resolve_id(update->id, context->last_spec_id, "spec", "spec");

	if (spec_id == metadata->default_spec_id)
		return;
	if (ice_table_part_find(metadata, ICE_PART_PARTITION_SPEC, spec_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set default partition spec to unknown spec: %d",
				  spec_id);
	metadata->default_spec_id = spec_id;
	context->structure_changed = true;
	context->changed = true;
}

void
ice_parse_remove_partition_specs(IceUpdate *update)
{
	update->value = ice_json_array(update->json, "spec-ids");
	update->id_count = update->value->count;
	update->ids = ice_commit_read_ids(update->value, "spec-ids", true);
}

void
ice_needs_remove_partition_specs(const IceUpdate *update pg_attribute_unused(),
								 IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_PARTITION_SPEC);
}

void
ice_apply_remove_partition_specs(IceUpdateContext *context, const IceUpdate *update)
{
	remove_listed(context, update, ICE_PART_PARTITION_SPEC, context->metadata->default_spec_id,
				  "default partition spec");
}

/* -- sort orders ------------------------------------------------------------------------------ */

void
ice_parse_add_sort_order(IceUpdate *update)
{
	update->value = ice_json_object(update->json, "sort-order");
	update->parsed = ice_sort_order_parse(update->value);
}

void
ice_needs_add_sort_order(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
	ice_needs_list(needs, ICE_PART_SORT_ORDER);
}

/* The unsorted order always has id 0; sorted ones count from 1. */
void
ice_apply_add_sort_order(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata   *metadata = context->metadata;
	const IceSortOrder *order = update->parsed;
	IcePart            *same;
	int32               order_id = ICE_UNSORTED_ORDER_ID;

	ice_sort_order_check_new(order, metadata->format_version);
	ice_sort_order_check_types(order, current_schema(metadata));
	same = ice_structure_find_order(structure_of(context), order);
	if (same != NULL)
	{
		context->last_sort_order_id = (int32) same->id;
		return;
	}
	if (order->field_count > 0)
		order_id = ice_part_list_next_id(&metadata->lists[ICE_PART_SORT_ORDER],
										 ICE_INITIAL_SORT_ORDER_ID, "sort order");
	ice_structure_put_order(context->structure, add_part(metadata, ICE_PART_SORT_ORDER, "order-id",
														 order_id, update->value, order));
	context->last_sort_order_id = order_id;
	context->changed = true;
}

void
ice_parse_set_default_sort_order(IceUpdate *update)
{
	update->id = ice_json_int32(update->json, "sort-order-id");
}

void
ice_needs_set_default_sort_order(const IceUpdate *update pg_attribute_unused(),
								 IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_SCHEMA);
	ice_needs_list(needs, ICE_PART_SORT_ORDER);
}

void
ice_apply_set_default_sort_order(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	int32             order_id = resolve_id(update->id, context->last_sort_order_id, "sort order",
											"sort order");

	if (order_id == metadata->default_sort_order_id)
		return;
	if (ice_table_part_find(metadata, ICE_PART_SORT_ORDER, order_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot set default sort order to unknown sort order: %d",
				  order_id);
	metadata->default_sort_order_id = order_id;
	context->structure_changed = true;
	context->changed = true;
}
