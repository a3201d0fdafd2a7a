/*
 * default_value.c
 *		Whether a default value's JSON form suits its type.
 *
 * What Java's parsers of dates, times and numbers refuse makes a table unreadable there, so it is
 * refused here: days that no calendar has, nanoseconds outside of 64 bits, numbers that are no
 * finite float or double.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/default_value.h"

#include <ctype.h>

#include "spec/type_text.h"

/* In a shape: 0 = a digit, x = a hexadecimal digit, . = nothing or a fraction of up to 9
 * digits, all other characters stand for themselves. Returns what follows the shape, or NULL. */
static const char *
match_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++)
	{
		if (*shape == '0'   ? isdigit((unsigned char) *text)
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

/* What is no smaller than that becomes infinite as a float; the largest double. */
#define FLOAT_TOO_BIG 3.4028235677973366e38
#define DOUBLE_MAX    1.7976931348623157e308

static bool
is_finite(const IceJson *value, double max, bool max_included)
{
	double number;

	if (value->kind != ICE_JSON_NUMBER)
		return false;
	number = strtod(value->string, NULL);
	return (-max < number && number < max) || (max_included && (number == max || number == -max));
}

/* The number that a run of digits at the start of a text is. */
static int
number_at(const char *text)
{
	return atoi(text);
}

/* YYYY-MM-DD, in the Gregorian calendar, also before there was one. */
static bool
is_day(const char *text)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int              year = number_at(text);
	int              month = number_at(text + 5);
	int              day = number_at(text + 8);
	bool             leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* HH:MM, with or without :SS. */
static bool
is_time_of_day(const char *text)
{
	return number_at(text) < 24 && number_at(text + 3) < 60 &&
		   (text[5] != ':' || number_at(text + 6) < 60);
}

/* Nanoseconds from 1970 fit into 64 bits between these two; of one form, such texts sort as their
 * times. */
static bool
fits_nanoseconds(const char *text)
{
	char full[] = "0000-00-00T00:00:00.000000000";

	for (int i = 0; text[i] != '\0' && full[i] != '\0' && strchr("+Z", text[i]) == NULL; i++)
		full[i] = text[i];
	return strcmp(full, "1677-09-21T00:12:43.145224192") >= 0 &&
		   strcmp(full, "2262-04-11T23:47:16.854775807") <= 0;
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
	if (rest == NULL || !is_day(value->string) || !is_time_of_day(value->string + 11))
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
	ice_budget_stack_check();
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
			return is_finite(value, FLOAT_TOO_BIG, false);
		case ICE_TYPE_DOUBLE:
			return is_finite(value, DOUBLE_MAX, true);
		case ICE_TYPE_DATE:
			return has_shape(value, "0000-00-00") && is_day(value->string);
		case ICE_TYPE_TIME:
			return (has_shape(value, "00:00:00.") || has_shape(value, "00:00")) &&
				   is_time_of_day(value->string);
		case ICE_TYPE_TIMESTAMP:
			return is_timestamp(value, false);
		case ICE_TYPE_TIMESTAMP_NS:
			return is_timestamp(value, false) && fits_nanoseconds(value->string);
		case ICE_TYPE_TIMESTAMPTZ:
			return is_timestamp(value, true);
		case ICE_TYPE_TIMESTAMPTZ_NS:
			return is_timestamp(value, true) && fits_nanoseconds(value->string);
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

/* Java takes 1 for no float: 1.0 is written. */
static IceJson *
with_point(IceJson *field, const char *key, IceJson *value)
{
	if (strpbrk(value->string, ".eE") != NULL)
		return value;
	ice_json_set(field, key, ice_json_make_number(psprintf("%s.0", value->string)));
	return ice_json_get(field, key);
}

bool
ice_default_value_suits(const IceType *type, const IceJson *value)
{
	return suits(type, value);
}

IceJson *
ice_default_value_read(const IceField *field, const char *key)
{
	IceJson *value = ice_json_get(field->json, key);

	if (value == NULL)
		return NULL;
	if (!suits(&field->type, value))
		ice_json_raise(value, ICE_ERR_BAD_REQUEST, "Cannot parse default as a %s value: %s",
					   ice_type_text(&field->type), ice_json_shown(value));
	if (field->type.id == ICE_TYPE_FLOAT || field->type.id == ICE_TYPE_DOUBLE)
		return with_point(field->json, key, value);
	return value;
}
