/*
 * default_value.c
 *		Whether a default value's JSON form suits its type.
 *
 * Dates and times are checked for their shape ("9999-99-99" passes); nothing is computed from them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/default_value.h"

#include <ctype.h>

/* In a shape: 0 = a digit, x = a hexadecimal digit, . = nothing or a fraction of up to 9
 * digits, all other characters stand for themselves. Returns what follows the shape, or NULL. */
static const char *
match_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++)
	{
		if (*shape == '0' ? isdigit((unsigned char) *text)
			: *shape == 'x' ? isxdigit((unsigned char) *text)
							: *shape != '.' && *text == *shape)
		{
			text++;
			continue;
		}
		if (*shape != '.')
			return NULL;
		if (*text != '.')
			continue;
		text++;
		for (int digits = 0; digits < 9 && isdigit((unsigned char) *text); digits++)
			text++;
	}
	return text;
}

static bool
has_shape(const IceJson *value, const char *shape)
{
	if (value->kind != ICE_JSON_STRING)
		return false;

	const char *rest = match_shape(value->string, shape);

	return rest != NULL && *rest == '\0';
}

/* A timestamp with or without a zone; seconds are optional in ISO 8601. */
static bool
is_timestamp(const IceJson *value, bool with_zone)
{
	if (value->kind != ICE_JSON_STRING)
		return false;

	const char *rest = match_shape(value->string, "0000-00-00T00:00:00.");

	if (rest == NULL)
		rest = match_shape(value->string, "0000-00-00T00:00");
	if (rest == NULL)
		return false;
	return with_zone ? strcmp(rest, "+00:00") == 0 || strcmp(rest, "Z") == 0 : *rest == '\0';
}

static bool
is_hex(const IceJson *value, int bytes)
{
	if (value->kind != ICE_JSON_STRING)
		return false;

	size_t len = strspn(value->string, "0123456789abcdefABCDEF");

	return value->string[len] == '\0' && len % 2 == 0 && (bytes < 0 || len == (size_t) bytes * 2);
}

/* A decimal is a string that holds a number with exactly the type's scale. */
static bool
is_decimal(const IceJson *value, int32 scale)
{
	if (value->kind != ICE_JSON_STRING)
		return false;

	const char *text = value->string + (*value->string == '-');
	size_t      digits = strspn(text, "0123456789");

	if (digits == 0)
		return false;
	if (text[digits] == '\0')
		return scale == 0;
	return text[digits] == '.' && strspn(text + digits + 1, "0123456789") == (size_t) scale &&
		   text[digits + 1 + scale] == '\0';
}

static bool
is_integer(const IceJson *value, bool fits_int32)
{
	int64 number;

	return ice_json_is_int64(value, &number) &&
		   (!fits_int32 || (number >= PG_INT32_MIN && number <= PG_INT32_MAX));
}

static bool suits(const IceType *type, const IceJson *value);

/* The values of an array; null passes where the field is optional. */
static bool
are_items(const IceField *field, const IceJson *array)
{
	if (array == NULL || array->kind != ICE_JSON_ARRAY)
		return false;
	ice_stack_check();
	for (int i = 0; i < array->count; i++)
	{
		ice_step();
		if (array->items[i]->kind == ICE_JSON_NULL ? field->required
												   : !suits(&field->type, array->items[i]))
			return false;
	}
	return true;
}

/* {"keys": [...], "values": [...]} */
static bool
is_map(const IceType *type, const IceJson *value)
{
	if (value->kind != ICE_JSON_OBJECT)
		return false;

	const IceJson *keys = ice_json_get(value, "keys");
	const IceJson *values = ice_json_get(value, "values");

	return are_items(&type->fields[0], keys) && are_items(&type->fields[1], values) &&
		   keys->count == values->count;
}

/* A struct's default has no values: each field has its own default. */
static bool
suits(const IceType *type, const IceJson *value)
{
	switch (type->id)
	{
		case ICE_TYPE_BOOLEAN:
			return value->kind == ICE_JSON_BOOL;
		case ICE_TYPE_INT:
			return is_integer(value, true);
		case ICE_TYPE_LONG:
			return is_integer(value, false);
		case ICE_TYPE_FLOAT:
		case ICE_TYPE_DOUBLE:
			return value->kind == ICE_JSON_NUMBER;
		case ICE_TYPE_DATE:
			return has_shape(value, "0000-00-00");
		case ICE_TYPE_TIME:
			return has_shape(value, "00:00:00.") || has_shape(value, "00:00");
		case ICE_TYPE_TIMESTAMP:
		case ICE_TYPE_TIMESTAMP_NS:
			return is_timestamp(value, false);
		case ICE_TYPE_TIMESTAMPTZ:
		case ICE_TYPE_TIMESTAMPTZ_NS:
			return is_timestamp(value, true);
		case ICE_TYPE_STRING:
			return value->kind == ICE_JSON_STRING;
		case ICE_TYPE_UUID:
			return has_shape(value, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
		case ICE_TYPE_BINARY:
			return is_hex(value, -1);
		case ICE_TYPE_FIXED:
			return is_hex(value, type->length);
		case ICE_TYPE_DECIMAL:
			return is_decimal(value, type->scale);
		case ICE_TYPE_STRUCT:
			return value->kind == ICE_JSON_OBJECT && value->count == 0;
		case ICE_TYPE_MAP:
			return is_map(type, value);
		case ICE_TYPE_LIST:
			return are_items(&type->fields[0], value);
		default:
			return false;
	}
}

void
ice_default_check(const IceField *field, const IceJson *value)
{
	if (value != NULL && !suits(&field->type, value))
		ice_json_raise(value, ICE_ERR_BAD_REQUEST, "Cannot parse default as a %s value: %s",
				  ice_type_text(&field->type), ice_json_shown(value));
}
