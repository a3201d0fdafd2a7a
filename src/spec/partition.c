/*
 * partition.c
 *		Partition specs: reading and checking.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/partition.h"

#include "spec/map.h"
#include "spec/type_text.h"

/* -- reading ---------------------------------------------------------------------------------- */

static void
parse_field(IcePartitionField *field, IceJson *json)
{
	static const char *const optional_members[] = {"field-id"};

	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse partition field, not an object: %s",
					   ice_json_shown(json));
	field->json = json;
	field->name = ice_json_string(json, "name");
	field->transform = ice_transform_parse(json);
	ice_transform_sources_parse(&field->sources, json, "partition");
	field->has_field_id = ice_json_opt_int32(json, "field-id", &field->field_id);
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));
}

/* Field ids are given for all fields or for none. */
static void
parse_fields(IcePartitionSpec *spec, IceJson *fields)
{
	int missing = 0;

	if (fields->kind != ICE_JSON_ARRAY)
		ice_json_raise(fields, ICE_ERR_BAD_REQUEST,
					   "Cannot parse partition spec fields, not an array: %s",
					   ice_json_shown(fields));
	ice_budget_reserve(sizeof(IcePartitionField) * fields->count);
	spec->field_count = fields->count;
	spec->fields = palloc0(sizeof(IcePartitionField) * Max(fields->count, 1));
	for (int i = 0; i < fields->count; i++)
	{
		ice_step();
		parse_field(&spec->fields[i], fields->items[i]);
		missing += !spec->fields[i].has_field_id;
	}
	if (missing > 0 && missing < spec->field_count)
		ice_json_raise(fields, ICE_ERR_BAD_REQUEST,
					   "Cannot parse spec with missing field IDs: %d missing of %d fields.",
					   missing, spec->field_count);
}

IcePartitionSpec *
ice_partition_spec_parse(IceJson *json)
{
	static const char *const optional_members[] = {"spec-id"};
	IcePartitionSpec        *spec = palloc0(sizeof(IcePartitionSpec));

	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse spec from non-object: %s",
					   ice_json_shown(json));
	spec->json = json;
	ice_json_opt_int32(json, "spec-id", &spec->spec_id);
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));

	IceJson *fields = ice_json_get(json, "fields");

	if (fields == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: fields");
	parse_fields(spec, fields);
	return spec;
}

IcePartitionSpec *
ice_partition_spec_parse_fields(IceJson *fields, int32 spec_id)
{
	IcePartitionSpec *spec = palloc0(sizeof(IcePartitionSpec));

	spec->spec_id = spec_id;
	parse_fields(spec, fields);
	for (int i = 0; i < spec->field_count; i++)
		if (!spec->fields[i].has_field_id)
			spec->fields[i].field_id = ICE_PARTITION_FIELD_ID_START + i;
	return spec;
}

/* -- checks ----------------------------------------------------------------------------------- */

void
ice_partition_spec_check_names(const IcePartitionSpec *spec, const IceSchema *schema)
{
	IceMap *names = ice_map_make();

	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];

		ice_step();
		if (*field->name == '\0')
			ice_raise(ICE_ERR_VALIDATION, "Cannot use empty partition name: ");
		if (ice_schema_field(schema, field->sources.ids[0]) != NULL)
		{
			const IceField *column = ice_schema_field_by_name(schema, field->name);

			if (column != NULL && column->id != field->sources.ids[0])
				ice_raise(
					ICE_ERR_VALIDATION,
					"Cannot create identity partition sourced from different field in schema: "
					"%s",
					field->name);
		}
		if (!ice_map_add(names, field->name, strlen(field->name)))
			ice_raise(ICE_ERR_VALIDATION, "Cannot use partition name more than once: %s",
					  field->name);
	}
	ice_map_free(names);
}

static void
check_type(const IcePartitionField *field, int32 source_id, const IceSchema *schema)
{
	const IceField *source = ice_schema_field(schema, source_id);

	ice_step();
	if (source == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find source column for partition field: %s",
				  ice_partition_field_text(field));
	if (!ice_type_is_primitive(&source->type))
		ice_raise(ICE_ERR_VALIDATION, "Cannot partition by non-primitive source field: %s",
				  ice_type_text(&source->type));
	if (!ice_transform_accepts(&field->transform, &source->type))
		ice_raise(ICE_ERR_VALIDATION, "Invalid source type %s for transform: %s",
				  ice_type_text(&source->type), field->transform.text);
	for (const IceField *parent = source->parent; parent != NULL; parent = parent->parent)
		if (parent->type.id != ICE_TYPE_STRUCT)
			ice_raise(ICE_ERR_VALIDATION, "Invalid partition field parent: %s",
					  ice_type_text(&parent->type));
}

/* A void field needs no source: in version 1 it stands for one whose column was dropped. */
void
ice_partition_spec_check_types(const IcePartitionSpec *spec, const IceSchema *schema)
{
	for (int i = 0; i < spec->field_count; i++)
		for (int j = 0; j < spec->fields[i].sources.count; j++)
			if (spec->fields[i].transform.kind != ICE_TRANSFORM_VOID)
				check_type(&spec->fields[i], spec->fields[i].sources.ids[j], schema);
}

void
ice_partition_spec_settle(const IcePartitionSpec *spec)
{
	for (int i = 0; i < spec->field_count; i++)
		ice_transform_sources_settle(&spec->fields[i].sources, spec->fields[i].json);
}

/* Java refuses the whole table for one such field of any spec. A source that is gone is no
 * fault. */
void
ice_partition_spec_check_readable(const IcePartitionSpec *spec, const IceSchema *schema)
{
	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];
		const IceField          *source = ice_schema_field(schema, field->sources.ids[0]);

		if (source != NULL && !ice_transform_readable(&field->transform, &source->type))
			ice_raise(ICE_ERR_VALIDATION,
					  "Invalid type of column %s: %s, for partition field %s of spec %d",
					  source->full_name, ice_type_text(&source->type),
					  ice_partition_field_text(field), spec->spec_id);
	}
}

void
ice_partition_spec_check_new(const IcePartitionSpec *spec, int32 format_version)
{
	IceMap *ids = ice_map_make();

	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];

		ice_step();
		ice_transform_check_new(&field->transform, &field->sources, "partition", format_version);
		if (field->has_field_id && !ice_map_add(ids, &field->field_id, sizeof(field->field_id)))
			ice_raise(ICE_ERR_VALIDATION, "Cannot use partition field id more than once: %d",
					  field->field_id);
	}
	ice_map_free(ids);
	ice_partition_spec_settle(spec);
}

bool
ice_partition_spec_compatible(const IcePartitionSpec *a, const IcePartitionSpec *b)
{
	if (a->field_count != b->field_count)
		return false;
	for (int i = 0; i < a->field_count; i++)
	{
		const IcePartitionField *left = &a->fields[i];
		const IcePartitionField *right = &b->fields[i];

		if (!ice_transform_sources_equal(&left->sources, &right->sources) ||
			strcmp(left->name, right->name) != 0 ||
			strcmp(left->transform.text, right->transform.text) != 0)
			return false;
	}
	return true;
}

bool
ice_partition_spec_is_sequential(const IcePartitionSpec *spec)
{
	for (int i = 0; i < spec->field_count; i++)
		if (spec->fields[i].field_id != ICE_PARTITION_FIELD_ID_START + i)
			return false;
	return true;
}

int32
ice_partition_spec_last_id(const IcePartitionSpec *spec)
{
	int32 last_id = ICE_UNPARTITIONED_LAST_ID;

	for (int i = 0; i < spec->field_count; i++)
		last_id = Max(last_id, spec->fields[i].field_id);
	return last_id;
}

/* -- writing ---------------------------------------------------------------------------------- */

IceJson *
ice_partition_spec_to_json(const IcePartitionSpec *spec)
{
	IceJson *json = ice_json_make_object();
	IceJson *fields = ice_json_make_array();

	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];
		IceJson                 *copy = ice_json_copy(field->json);

		if (!field->has_field_id)
			ice_json_set(copy, "field-id", ice_json_make_int(field->field_id));
		ice_json_append(fields, copy);
	}
	ice_json_set(json, "spec-id", ice_json_make_int(spec->spec_id));
	ice_json_set(json, "fields", fields);
	return json;
}

const char *
ice_partition_field_text(const IcePartitionField *field)
{
	return psprintf("%d: %s: %s(%d)", field->field_id, field->name, field->transform.text,
					field->sources.ids[0]);
}

const char *
ice_partition_spec_text(const IcePartitionSpec *spec)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < spec->field_count; i++)
		appendStringInfo(&out, "\n  %s", ice_partition_field_text(&spec->fields[i]));
	appendStringInfoString(&out, spec->field_count > 0 ? "\n]" : "]");
	return out.data;
}
