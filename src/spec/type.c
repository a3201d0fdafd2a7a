/*
 * type.c
 *		Iceberg types, read from their JSON form.
 *
 * Recursion follows the nesting of the JSON text, which the parser has limited, and looks at the
 * stack.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/type.h"

#include <ctype.h>

#include "spec/default_value.h"
#include "spec/type_text.h"

#define DECIMAL_PRECISION_MAX 38
#define DEFAULT_CRS           "OGC:CRS84"
#define DEFAULT_ALGORITHM     "spherical"

static const char *const edge_algorithms[] = {"spherical", "vincenty", "thomas", "andoyer",
											  "karney"};

/* -- types with parameters -------------------------------------------------------------------- */

static const char *
skip_blanks(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

/* Reads digits with blanks around them; returns what follows, or NULL. */
static const char *
read_number(const char *text, int32 *value)
{
	int64 number = 0;

	text = skip_blanks(text);
	if (!isdigit((unsigned char) *text))
		return NULL;
	for (; isdigit((unsigned char) *text); text++)
	{
		number = number * 10 + (*text - '0');
		if (number > PG_INT32_MAX)
			return NULL;
	}
	*value = (int32) number;
	return skip_blanks(text);
}

/* fixed[L] */
static bool
parse_fixed(IceType *type, const char *name)
{
	if (strncmp(name, "fixed[", 6) != 0)
		return false;
	type->id = ICE_TYPE_FIXED;

	const char *rest = read_number(name + 6, &type->length);

	return rest != NULL && strcmp(rest, "]") == 0;
}

/* decimal(P,S) */
static bool
parse_decimal(IceType *type, const IceJson *json)
{
	const char *name = json->string;

	if (strncmp(name, "decimal(", 8) != 0)
		return false;
	type->id = ICE_TYPE_DECIMAL;

	const char *rest = read_number(name + 8, &type->precision);

	if (rest == NULL || *rest != ',')
		return false;
	rest = read_number(rest + 1, &type->scale);
	if (rest == NULL || strcmp(rest, ")") != 0)
		return false;
	if (type->precision > DECIMAL_PRECISION_MAX)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST,
					   "Decimals with precision larger than 38 are not supported: %d",
					   type->precision);
	return type->precision > 0;
}

/* The text without blanks at both ends. */
static const char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	while (len > 0 && *text == ' ')
	{
		text++;
		len--;
	}
	return pnstrdup(text, len);
}

static const char *
check_algorithm(const IceJson *json, const char *algorithm)
{
	for (int i = 0; i < (int) lengthof(edge_algorithms); i++)
		if (strcmp(edge_algorithms[i], algorithm) == 0)
			return algorithm;
	ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Invalid edge interpolation algorithm: %s",
				   algorithm);
}

/* geometry(CRS), geography(CRS), geography(CRS, ALGORITHM) */
static bool
parse_geo(IceType *type, const IceJson *json)
{
	const char *name = json->string;
	bool        geography = strncmp(name, "geography", 9) == 0;
	size_t      len = strlen(name);

	if (!geography && strncmp(name, "geometry", 8) != 0)
		return false;

	const char *open = skip_blanks(name + (geography ? 9 : 8));
	const char *comma = geography ? strchr(open, ',') : NULL;
	const char *close = name + len - 1;

	if (*open != '(' || *close != ')' || strchr(open, ')') != close)
		return false;
	type->id = geography ? ICE_TYPE_GEOGRAPHY : ICE_TYPE_GEOMETRY;
	type->crs = trimmed(open + 1, (comma != NULL ? comma : close) - open - 1);
	if (*type->crs == '\0')
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Invalid CRS: (empty string)");
	type->algorithm = comma != NULL ? check_algorithm(json, trimmed(comma + 1, close - comma - 1))
									: DEFAULT_ALGORITHM;
	return true;
}

/* -- parsing ---------------------------------------------------------------------------------- */

static void
parse_type_name(IceType *type, const IceJson *json)
{
	const char *name = json->string;

	if (ice_type_text_is_simple(name, &type->id))
	{
		type->crs = DEFAULT_CRS;
		type->algorithm = DEFAULT_ALGORITHM;
		return;
	}
	if (!parse_fixed(type, name) && !parse_decimal(type, json) && !parse_geo(type, json))
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse type string to primitive: %s",
					   name);
}

/* The member that holds a type; raises if absent. */
static IceJson *
type_member(const IceJson *object, const char *key)
{
	IceJson *json = ice_json_get(object, key);

	if (json == NULL)
		ice_json_raise(object, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: %s", key);
	return json;
}

static void
check_unknown(const IceField *field)
{
	if (field->required && field->type.id == ICE_TYPE_UNKNOWN)
		ice_json_raise(field->json, ICE_ERR_BAD_REQUEST,
					   "Cannot create required field with unknown type: %s", field->name);
}

static const char *const optional_members[] = {"doc", "initial-default", "write-default"};

static void
parse_struct_field(IceField *field, IceJson *json)
{
	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse struct field from non-object: %s",
					   ice_json_shown(json));
	field->json = json;
	field->id_key = "id";
	field->id = ice_json_int32(json, "id");
	field->name = ice_json_string(json, "name");
	ice_type_parse(&field->type, type_member(json, "type"));
	field->doc = ice_json_opt_string(json, "doc");
	field->required = ice_json_bool(json, "required");
	check_unknown(field);
	field->initial_default = ice_default_value_read(field, "initial-default");
	field->write_default = ice_default_value_read(field, "write-default");
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));
}

static void
parse_struct(IceType *type, IceJson *json)
{
	IceJson *fields = type_member(json, "fields");

	if (fields->kind != ICE_JSON_ARRAY)
		ice_json_raise(fields, ICE_ERR_BAD_REQUEST, "Cannot parse struct fields from non-array: %s",
					   ice_json_shown(fields));
	type->id = ICE_TYPE_STRUCT;
	ice_budget_reserve(sizeof(IceField) * fields->count);
	type->field_count = fields->count;
	type->fields = palloc0(sizeof(IceField) * Max(fields->count, 1));
	for (int i = 0; i < fields->count; i++)
		parse_struct_field(&type->fields[i], fields->items[i]);
}

/* An element, key or value; required_key NULL: always required. */
static void
parse_inner(IceField *field, IceJson *json, const char *name, const char *id_key,
			const char *required_key)
{
	field->json = json;
	field->name = name;
	field->id_key = id_key;
	field->id = ice_json_int32(json, id_key);
	ice_type_parse(&field->type, type_member(json, name));
	field->required = required_key == NULL || ice_json_bool(json, required_key);
	check_unknown(field);
}

static void
parse_list(IceType *type, IceJson *json)
{
	type->id = ICE_TYPE_LIST;
	type->field_count = 1;
	type->fields = palloc0(sizeof(IceField));
	parse_inner(&type->fields[0], json, "element", "element-id", "element-required");
}

static void
parse_map(IceType *type, IceJson *json)
{
	type->id = ICE_TYPE_MAP;
	type->field_count = 2;
	type->fields = palloc0(sizeof(IceField) * 2);
	parse_inner(&type->fields[0], json, "key", "key-id", NULL);
	parse_inner(&type->fields[1], json, "value", "value-id", "value-required");
}

void
ice_type_parse(IceType *type, IceJson *json)
{
	ice_budget_stack_check();
	ice_step();
	memset(type, 0, sizeof(*type));
	if (json->kind == ICE_JSON_STRING)
	{
		parse_type_name(type, json);
		return;
	}

	IceJson *kind = ice_json_get(json, "type");

	if (kind != NULL && kind->kind == ICE_JSON_STRING)
	{
		if (strcmp(kind->string, "struct") == 0)
		{
			parse_struct(type, json);
			return;
		}
		if (strcmp(kind->string, "list") == 0)
		{
			parse_list(type, json);
			return;
		}
		if (strcmp(kind->string, "map") == 0)
		{
			parse_map(type, json);
			return;
		}
	}
	ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse type from json: %s",
				   ice_json_shown(json));
}

/* -- properties of types ---------------------------------------------------------------------- */

bool
ice_type_is_nested(const IceType *type)
{
	return type->id >= ICE_TYPE_STRUCT;
}

/* Variant is neither primitive nor nested. */
bool
ice_type_is_primitive(const IceType *type)
{
	return !ice_type_is_nested(type) && type->id != ICE_TYPE_VARIANT;
}

int32
ice_type_min_format_version(const IceType *type)
{
	switch (type->id)
	{
		case ICE_TYPE_TIMESTAMP_NS:
		case ICE_TYPE_TIMESTAMPTZ_NS:
		case ICE_TYPE_UNKNOWN:
		case ICE_TYPE_VARIANT:
		case ICE_TYPE_GEOMETRY:
		case ICE_TYPE_GEOGRAPHY:
			return 3;
		default:
			return 1;
	}
}

static bool
json_equal_or_absent(const IceJson *a, const IceJson *b)
{
	return a == NULL || b == NULL ? a == b : ice_json_equal(a, b);
}

static bool
fields_equal(const IceField *a, const IceField *b)
{
	if (a->id != b->id || a->required != b->required || strcmp(a->name, b->name) != 0)
		return false;
	if ((a->doc == NULL) != (b->doc == NULL) || (a->doc != NULL && strcmp(a->doc, b->doc) != 0))
		return false;
	return json_equal_or_absent(a->initial_default, b->initial_default) &&
		   json_equal_or_absent(a->write_default, b->write_default) &&
		   ice_type_equal(&a->type, &b->type);
}

/* Ids, names, comments and default values of nested fields count. */
bool
ice_type_equal(const IceType *a, const IceType *b)
{
	ice_budget_stack_check();
	ice_step();
	if (a->id != b->id || a->field_count != b->field_count)
		return false;
	for (int i = 0; i < a->field_count; i++)
		if (!fields_equal(&a->fields[i], &b->fields[i]))
			return false;
	switch (a->id)
	{
		case ICE_TYPE_FIXED:
			return a->length == b->length;
		case ICE_TYPE_DECIMAL:
			return a->precision == b->precision && a->scale == b->scale;
		case ICE_TYPE_GEOMETRY:
			return strcmp(a->crs, b->crs) == 0;
		case ICE_TYPE_GEOGRAPHY:
			return strcmp(a->crs, b->crs) == 0 && strcmp(a->algorithm, b->algorithm) == 0;
		default:
			return true;
	}
}
