/*
 * evolution.c
 *		What may change between the schema that data was written with and the next one.
 *
 * Data files are read by field id: a field that keeps its id must stay what it was. Initial
 * defaults are compared where their JSON form has one spelling only; of the others (such as
 * decimals, fractions and timestamps) only that there is one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/evolution.h"

#include "spec/partition.h"
#include "spec/type_text.h"

/* The table "Valid primitive type promotions" of the specification. */
static bool
is_promotion(const IceType *from, const IceType *to, int32 format_version)
{
	switch (from->id)
	{
		case ICE_TYPE_UNKNOWN:
			return format_version >= 3;
		case ICE_TYPE_INT:
			return to->id == ICE_TYPE_LONG;
		case ICE_TYPE_DATE:
			return format_version >= 3 &&
				   (to->id == ICE_TYPE_TIMESTAMP || to->id == ICE_TYPE_TIMESTAMP_NS);
		case ICE_TYPE_FLOAT:
			return to->id == ICE_TYPE_DOUBLE;
		case ICE_TYPE_DECIMAL:
			return to->id == ICE_TYPE_DECIMAL && to->scale == from->scale &&
				   to->precision > from->precision;
		default:
			return false;
	}
}

/* Nested types are the same if they are of one kind: what is in them is compared by id. */
static bool
same_type(const IceType *a, const IceType *b)
{
	if (ice_type_is_nested(a))
		return a->id == b->id;
	return ice_type_equal(a, b);
}

static bool
has_one_spelling(IceTypeId id)
{
	return id == ICE_TYPE_BOOLEAN || id == ICE_TYPE_INT || id == ICE_TYPE_LONG ||
		   id == ICE_TYPE_DATE || id == ICE_TYPE_STRING;
}

static void
check_initial_default(const IceField *old, const IceField *field)
{
	const IceJson *a = old->initial_default;
	const IceJson *b = field->initial_default;
	bool           compare = a != NULL && b != NULL && old->type.id == field->type.id &&
				   has_one_spelling(field->type.id);

	if ((a == NULL) != (b == NULL) || (compare && !ice_json_equal(a, b)))
		ice_raise(ICE_ERR_VALIDATION, "Cannot change initial default of column: %s: %s -> %s",
				  field->full_name, a == NULL ? "null" : ice_json_shown(a),
				  b == NULL ? "null" : ice_json_shown(b));
}

static int32
parent_id(const IceField *field)
{
	return field->parent == NULL ? -1 : field->parent->id;
}

static void
check_field(const IceField *old, const IceField *field, int32 format_version)
{
	if (!same_type(&old->type, &field->type) &&
		!is_promotion(&old->type, &field->type, format_version))
		ice_raise(ICE_ERR_VALIDATION, "Cannot change column type: %s: %s -> %s", field->full_name,
				  ice_type_text(&old->type), ice_type_text(&field->type));
	if (parent_id(old) != parent_id(field))
		ice_raise(ICE_ERR_VALIDATION, "Cannot move column to another parent: %s -> %s",
				  old->full_name, field->full_name);
	check_initial_default(old, field);
}

void
ice_evolution_check_schema(const IceSchema *before, const IceSchema *after, int32 format_version)
{
	for (int i = 0; i < after->field_count; i++)
	{
		const IceField *field = after->by_id[i];
		const IceField *old = ice_schema_field(before, field->id);

		if (old != NULL)
			check_field(old, field, format_version);
	}
}

/* Of the promotions only a date's changes values: those that are taken whole or hashed. */
static bool
promotion_changes_values(const IceTransform *transform, const IceField *old, const IceField *field)
{
	return old->type.id == ICE_TYPE_DATE && field->type.id != ICE_TYPE_DATE &&
		   (transform->kind == ICE_TRANSFORM_IDENTITY || transform->kind == ICE_TRANSFORM_BUCKET ||
			transform->kind == ICE_TRANSFORM_UNKNOWN);
}

/* Every source of every field, as far as both schemas have it. */
static void
check_spec(const IcePartitionSpec *spec, const IceSchema *before, const IceSchema *after)
{
	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];

		for (int j = 0; j < field->sources.count; j++)
		{
			const IceField *old = ice_schema_field(before, field->sources.ids[j]);
			const IceField *source = ice_schema_field(after, field->sources.ids[j]);

			if (old != NULL && source != NULL &&
				promotion_changes_values(&field->transform, old, source))
				ice_raise(ICE_ERR_VALIDATION,
						  "Cannot change type of a partition field's source column: %s: %s -> %s",
						  ice_partition_field_text(field), ice_type_text(&old->type),
						  ice_type_text(&source->type));
		}
	}
}

void
ice_evolution_check_specs(const IceTableMetadata *metadata, const IceSchema *before,
						  const IceSchema *after)
{
	const IcePartList *specs = &metadata->lists[ICE_PART_PARTITION_SPEC];

	for (int i = 0; i < specs->count; i++)
		if (!specs->items[i]->removed)
			check_spec(ice_partition_spec_parse(ice_part_json(specs->items[i])), before, after);
}
