/*
 * schema.c
 *		A schema: its fields by id and by name, its rules, fresh ids.
 *
 * Names are those of the Java implementation: the full name counts "element", "key" and "value" as
 * levels; the short name leaves out "element" and "value" in front of a struct's fields, and is
 * only looked at where no full name matches.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/schema.h"

#include "spec/type_text.h"

#define DEFAULT_VALUES_MIN_FORMAT_VERSION 3
/* those above are for metadata columns such as _file */
#define FIELD_ID_MAX 2147483447

/* -- indexes ---------------------------------------------------------------------------------- */

static int
count_fields(const IceType *type)
{
	int count = type->field_count;

	ice_budget_stack_check();
	for (int i = 0; i < type->field_count; i++)
		count += count_fields(&type->fields[i].type);
	return count;
}

static const char *
join_names(const char *prefix, const char *name)
{
	size_t prefix_len;
	size_t name_len;
	char  *joined;

	if (prefix == NULL)
		return name;
	prefix_len = strlen(prefix);
	name_len = strlen(name);
	ice_budget_reserve(prefix_len + name_len);
	joined = palloc(prefix_len + name_len + 2);
	memcpy(joined, prefix, prefix_len);
	joined[prefix_len] = '.';
	memcpy(joined + prefix_len + 1, name, name_len + 1);
	return joined;
}

/* The prefix that a field's own fields get in their short names. */
static const char *
short_prefix(const IceField *field)
{
	const IceField *parent = field->parent;
	bool            inner = parent != NULL && parent->type.id != ICE_TYPE_STRUCT;

	if (inner && field->type.id == ICE_TYPE_STRUCT && strcmp(field->name, "key") != 0)
		return parent->short_name;
	return field->short_name;
}

/* Puts the fields of a type, and of the types in it, into both indexes, which are not sorted
 * yet. */
static void
collect_fields(IceSchema *schema, IceType *type, IceField *parent)
{
	const char *prefix = parent == NULL ? NULL : parent->full_name;
	const char *inner_prefix = parent == NULL ? NULL : short_prefix(parent);

	ice_budget_stack_check();
	for (int i = 0; i < type->field_count; i++)
	{
		IceField *field = &type->fields[i];

		ice_step();
		field->parent = parent;
		field->full_name = join_names(prefix, field->name);
		field->short_name = join_names(inner_prefix, field->name);
		schema->by_id[schema->field_count] = field;
		schema->by_name[schema->field_count] = field;
		schema->field_count++;
		collect_fields(schema, &field->type, field);
	}
}

static int
compare_ids(const void *a, const void *b)
{
	ice_step();

	int32 left = (*(IceField *const *) a)->id;
	int32 right = (*(IceField *const *) b)->id;

	return left < right ? -1 : left > right;
}

static int
compare_names(const void *a, const void *b)
{
	ice_step();
	return strcmp((*(IceField *const *) a)->full_name, (*(IceField *const *) b)->full_name);
}

/* Fills both indexes and refuses ids and names that come twice. */
static void
build_indexes(IceSchema *schema)
{
	int count = count_fields(&schema->root);

	ice_budget_reserve(sizeof(IceField *) * 2 * (size_t) count);

	schema->by_id = palloc(sizeof(IceField *) * Max(count, 1));
	schema->by_name = palloc(sizeof(IceField *) * Max(count, 1));
	collect_fields(schema, &schema->root, NULL);
	qsort(schema->by_id, count, sizeof(IceField *), compare_ids);
	qsort(schema->by_name, count, sizeof(IceField *), compare_names);
	for (int i = 1; i < count; i++)
	{
		const IceField *a = schema->by_name[i - 1];
		const IceField *b = schema->by_name[i];

		if (strcmp(a->full_name, b->full_name) == 0)
			ice_raise(ICE_ERR_VALIDATION, "Invalid schema: multiple fields for name %s: %d and %d",
					  a->full_name, a->id, b->id);
		a = schema->by_id[i - 1];
		b = schema->by_id[i];
		if (a->id == b->id)
			ice_raise(ICE_ERR_VALIDATION, "Invalid schema: multiple fields with id %d: %s and %s",
					  a->id, a->full_name, b->full_name);
	}
	schema->highest_id = count == 0 ? 0 : Max(schema->by_id[count - 1]->id, 0);
}

IceField *
ice_schema_field(const IceSchema *schema, int32 id)
{
	int low = 0;
	int high = schema->field_count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (schema->by_id[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < schema->field_count && schema->by_id[low]->id == id)
		return schema->by_id[low];
	return NULL;
}

static int
compare_short_names(const void *a, const void *b)
{
	const IceField *left = *(IceField *const *) a;
	const IceField *right = *(IceField *const *) b;
	int             order = strcmp(left->short_name, right->short_name);

	ice_step();
	if (order != 0)
		return order;
	return left->id < right->id ? -1 : left->id > right->id;
}

/* The field with the lowest id that has the short name, or NULL. The order by short names is made
 * when it is first asked for; it is a cache, and changes nothing that a caller can see. */
static IceField *
field_by_short_name(const IceSchema *schema, const char *name)
{
	IceField **fields = schema->by_short_name;
	int        low = 0;
	int        high = schema->field_count;

	if (fields == NULL && high > 0)
	{
		ice_budget_reserve(sizeof(IceField *) * (size_t) high);
		fields = palloc(sizeof(IceField *) * (size_t) high);
		memcpy(fields, schema->by_id, sizeof(IceField *) * (size_t) high);
		qsort(fields, high, sizeof(IceField *), compare_short_names);
		unconstify(IceSchema *, schema)->by_short_name = fields;
	}
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (strcmp(fields[middle]->short_name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < schema->field_count && strcmp(fields[low]->short_name, name) == 0)
		return fields[low];
	return NULL;
}

/* By full name, else the field with the lowest id that has the short name. */
IceField *
ice_schema_field_by_name(const IceSchema *schema, const char *name)
{
	int low = 0;
	int high = schema->field_count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (strcmp(schema->by_name[middle]->full_name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < schema->field_count && strcmp(schema->by_name[low]->full_name, name) == 0)
		return schema->by_name[low];
	return field_by_short_name(schema, name);
}

/* -- identifier fields ------------------------------------------------------------------------ */

/* All fields above must be required structs; the outermost one is named first. */
static void
check_identifier_parents(const IceField *field, const IceField *parent)
{
	ice_budget_stack_check();
	ice_step();
	if (parent == NULL)
		return;
	check_identifier_parents(field, parent->parent);
	if (parent->type.id != ICE_TYPE_STRUCT)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add field %s as an identifier field: must not be nested in %s",
				  field->name, ice_type_text_field(parent));
	if (!parent->required)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add field %s as an identifier field: must not be nested in an optional "
				  "field %s",
				  field->name, ice_type_text_field(parent));
}

/* The rules of the Java method Schema.validateIdentifierField. */
static void
check_identifier_field(const IceSchema *schema, int32 id)
{
	const IceField *field = ice_schema_field(schema, id);

	if (field == NULL)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add fieldId %d as an identifier field: field does not exist", id);
	if (!ice_type_is_primitive(&field->type))
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add field %s as an identifier field: not a primitive type field",
				  field->name);
	if (!field->required)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add field %s as an identifier field: not a required field", field->name);
	if (field->type.id == ICE_TYPE_FLOAT || field->type.id == ICE_TYPE_DOUBLE)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot add field %s as an identifier field: must not be float or double field",
				  field->name);
	check_identifier_parents(field, field->parent);
}

static int
compare_int32(const void *a, const void *b)
{
	int32 left = *(const int32 *) a;
	int32 right = *(const int32 *) b;

	return left < right ? -1 : left > right;
}

/* Reads the ids as a set: sorted, each once. */
static void
parse_identifier_ids(IceSchema *schema)
{
	const IceJson *ids = ice_json_opt_array(schema->json, "identifier-field-ids");
	int            count = 0;

	if (ids == NULL || ids->count == 0)
		return;
	schema->identifier_ids = palloc(sizeof(int32) * ids->count);
	for (int i = 0; i < ids->count; i++)
		schema->identifier_ids[i] = ice_json_to_int32(ids->items[i], "identifier-field-ids");
	qsort(schema->identifier_ids, ids->count, sizeof(int32), compare_int32);
	for (int i = 0; i < ids->count; i++)
		if (i == 0 || schema->identifier_ids[i] != schema->identifier_ids[i - 1])
			schema->identifier_ids[count++] = schema->identifier_ids[i];
	schema->identifier_count = count;
	for (int i = 0; i < count; i++)
		check_identifier_field(schema, schema->identifier_ids[i]);
}

/* -- whole schemas ---------------------------------------------------------------------------- */

IceSchema *
ice_schema_parse(IceJson *json)
{
	static const char *const optional_members[] = {"schema-id", "identifier-field-ids"};
	IceSchema               *schema = palloc0(sizeof(IceSchema));

	schema->json = json;
	ice_type_parse(&schema->root, json);
	if (schema->root.id != ICE_TYPE_STRUCT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot create schema, not a struct type: %s",
					   ice_type_text(&schema->root));
	ice_json_opt_int32(json, "schema-id", &schema->schema_id);
	build_indexes(schema);
	parse_identifier_ids(schema);
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));
	return schema;
}

/* One line per problem, in the order of the field ids, as the Java implementation lists them. */
void
ice_schema_check_format_version(const IceSchema *schema, int32 format_version)
{
	StringInfoData problems;

	initStringInfo(&problems);
	for (int i = 0; i < schema->field_count; i++)
	{
		ice_step();

		const IceField *field = schema->by_id[i];
		int32           min_version = ice_type_min_format_version(&field->type);
		const IceJson  *value = field->initial_default != NULL ? field->initial_default
															   : field->write_default;

		if (value != NULL && format_version < DEFAULT_VALUES_MIN_FORMAT_VERSION)
			appendStringInfo(
				&problems,
				"\n- Invalid %s default for %s: non-null default (%s) is not supported "
				"until v%d",
				field->initial_default != NULL ? "initial" : "write", field->full_name,
				ice_json_shown(value), DEFAULT_VALUES_MIN_FORMAT_VERSION);
		else if (format_version < min_version)
			appendStringInfo(&problems, "\n- Invalid type for %s: %s is not supported until v%d",
							 field->full_name, ice_type_text(&field->type), min_version);
	}
	if (problems.len > 0)
		ice_raise(ICE_ERR_VALIDATION, "Invalid schema for v%d:%s", format_version, problems.data);
	pfree(problems.data);
}

void
ice_schema_check_ids(const IceSchema *schema)
{
	if (schema->highest_id > FIELD_ID_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Invalid schema: field id %d of %s is reserved (highest: %d)",
				  schema->highest_id, ice_schema_field(schema, schema->highest_id)->full_name,
				  FIELD_ID_MAX);
}

/* PROJJSON is an object; it belongs into a table property. */
void
ice_schema_check_crs(const IceSchema *schema)
{
	for (int i = 0; i < schema->field_count; i++)
	{
		const IceType *type = &schema->by_id[i]->type;

		if ((type->id == ICE_TYPE_GEOMETRY || type->id == ICE_TYPE_GEOGRAPHY) && *type->crs == '{')
			ice_raise(ICE_ERR_VALIDATION,
					  "Invalid CRS of %s: PROJJSON must be in a table property, named by "
					  "projjson:<property>",
					  schema->by_id[i]->full_name);
	}
}

bool
ice_schema_same(const IceSchema *a, const IceSchema *b)
{
	if (a->identifier_count != b->identifier_count || a->field_count != b->field_count)
		return false;
	for (int i = 0; i < a->identifier_count; i++)
		if (a->identifier_ids[i] != b->identifier_ids[i])
			return false;
	return ice_type_equal(&a->root, &b->root);
}

/* One line per column; identifier fields are marked. */
const char *
ice_schema_text(const IceSchema *schema)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "table {");
	for (int i = 0; i < schema->root.field_count; i++)
	{
		const IceField *field = &schema->root.fields[i];

		appendStringInfo(&out, "\n  %s", ice_type_text_field(field));
		for (int j = 0; j < schema->identifier_count; j++)
			if (schema->identifier_ids[j] == field->id)
				appendStringInfoString(&out, " (id)");
	}
	appendStringInfoString(&out, "\n}");
	return out.data;
}

/* -- fresh ids -------------------------------------------------------------------------------- */

/* All fields of one level first, then each one's type. */
static void
assign_level(IceType *type, int32 *last_id)
{
	ice_budget_stack_check();
	ice_step();
	for (int i = 0; i < type->field_count; i++)
		type->fields[i].fresh_id = ++*last_id;
	for (int i = 0; i < type->field_count; i++)
		assign_level(&type->fields[i].type, last_id);
}

static void
set_int_if_changed(IceJson *object, const char *key, int32 value)
{
	const IceJson *old = ice_json_get(object, key);
	int64          old_value;

	if (old == NULL || !ice_json_is_int64(old, &old_value) || old_value != value)
		ice_json_set(object, key, ice_json_make_int(value));
}

/* Translates the list in its order; it is left alone if all ids stayed. */
static void
write_identifier_ids(IceSchema *schema)
{
	IceJson *old = ice_json_opt_array(schema->json, "identifier-field-ids");
	bool     changed = false;

	if (old == NULL)
		return;

	IceJson *fresh = ice_json_make_array();

	for (int i = 0; i < old->count; i++)
	{
		int32 id = ice_json_to_int32(old->items[i], "identifier-field-ids");
		int32 fresh_id = ice_schema_field(schema, id)->fresh_id;

		ice_json_append(fresh, ice_json_make_int(fresh_id));
		changed |= fresh_id != id;
	}
	if (changed)
		ice_json_set(schema->json, "identifier-field-ids", fresh);
}

void
ice_schema_assign_fresh_ids(IceSchema *schema, int32 schema_id, int32 *last_id)
{
	assign_level(&schema->root, last_id);
	write_identifier_ids(schema);
	for (int i = 0; i < schema->field_count; i++)
	{
		IceField *field = schema->by_id[i];

		set_int_if_changed(field->json, field->id_key, field->fresh_id);
	}
	set_int_if_changed(schema->json, "schema-id", schema_id);
	schema->schema_id = schema_id;
}
