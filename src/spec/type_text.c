/*
 * type_text.c
 *		The names of types, and types and fields as text.
 *
 * Recursion follows the nesting of the JSON text, which the parser has limited, and looks at the
 * stack.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/type_text.h"

static const struct
{
	const char *name;
	IceTypeId   id;
} simple_types[] = {
	{"boolean", ICE_TYPE_BOOLEAN},
	{"int", ICE_TYPE_INT},
	{"long", ICE_TYPE_LONG},
	{"float", ICE_TYPE_FLOAT},
	{"double", ICE_TYPE_DOUBLE},
	{"date", ICE_TYPE_DATE},
	{"time", ICE_TYPE_TIME},
	{"timestamp", ICE_TYPE_TIMESTAMP},
	{"timestamptz", ICE_TYPE_TIMESTAMPTZ},
	{"timestamp_ns", ICE_TYPE_TIMESTAMP_NS},
	{"timestamptz_ns", ICE_TYPE_TIMESTAMPTZ_NS},
	{"string", ICE_TYPE_STRING},
	{"uuid", ICE_TYPE_UUID},
	{"binary", ICE_TYPE_BINARY},
	{"unknown", ICE_TYPE_UNKNOWN},
	{"variant", ICE_TYPE_VARIANT},
	{"geometry", ICE_TYPE_GEOMETRY},
	{"geography", ICE_TYPE_GEOGRAPHY},
};

bool
ice_type_text_is_simple(const char *name, IceTypeId *id)
{
	for (int i = 0; i < (int) lengthof(simple_types); i++)
	{
		if (strcmp(simple_types[i].name, name) == 0)
		{
			*id = simple_types[i].id;
			return true;
		}
	}
	return false;
}

static void append_type(StringInfo out, const IceType *type);

static void
append_field(StringInfo out, const IceField *field)
{
	appendStringInfo(out, "%d: %s: %s ", field->id, field->name,
					 field->required ? "required" : "optional");
	append_type(out, &field->type);
	if (field->doc != NULL)
		appendStringInfo(out, " (%s)", field->doc);
}

static void
append_nested(StringInfo out, const IceType *type)
{
	appendStringInfoString(out, type->id == ICE_TYPE_STRUCT ? "struct<"
								: type->id == ICE_TYPE_LIST ? "list<"
															: "map<");
	for (int i = 0; i < type->field_count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		if (type->id == ICE_TYPE_STRUCT)
			append_field(out, &type->fields[i]);
		else
			append_type(out, &type->fields[i].type);
	}
	appendStringInfoChar(out, '>');
}

/* The inverse of parsing, for nested types in the notation of Java's toString(). */
static void
append_type(StringInfo out, const IceType *type)
{
	ice_budget_stack_check();
	ice_step();
	switch (type->id)
	{
		case ICE_TYPE_FIXED:
			appendStringInfo(out, "fixed[%d]", type->length);
			return;
		case ICE_TYPE_DECIMAL:
			appendStringInfo(out, "decimal(%d, %d)", type->precision, type->scale);
			return;
		case ICE_TYPE_GEOMETRY:
			appendStringInfo(out, "geometry(%s)", type->crs);
			return;
		case ICE_TYPE_GEOGRAPHY:
			appendStringInfo(out, "geography(%s, %s)", type->crs, type->algorithm);
			return;
		case ICE_TYPE_STRUCT:
		case ICE_TYPE_LIST:
		case ICE_TYPE_MAP:
			append_nested(out, type);
			return;
		default:
			break;
	}
	for (int i = 0; i < (int) lengthof(simple_types); i++)
		if (simple_types[i].id == type->id)
			appendStringInfoString(out, simple_types[i].name);
}

const char *
ice_type_text(const IceType *type)
{
	StringInfoData out;

	initStringInfo(&out);
	append_type(&out, type);
	return out.data;
}

const char *
ice_type_text_field(const IceField *field)
{
	StringInfoData out;

	initStringInfo(&out);
	append_field(&out, field);
	return out.data;
}
