/*
 * json_extract.c
 *		Typed extractors: a line per field for the callers, the Java parser's wording for clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>

#include "json/json_lex.h"
#include "json/json_private.h"

#define VALUE_TEXT_MAX 100 /* bytes of a wrong value that an error message shows */

const char *
ice_json_shown(const IceJson *value)
{
	const char *text = value->edited ? ice_json_text(value) : value->text;
	size_t      len = value->edited ? strlen(text) : value->text_len;

	if (len <= VALUE_TEXT_MAX)
		return pnstrdup(text, len);
	return psprintf("%.*s...", (int) ice_json_lex_clip(text, len, VALUE_TEXT_MAX), text);
}

static void
raise_kind(const char *kind, const char *name, const IceJson *value)
{
	ice_json_raise(value, ICE_ERR_BAD_REQUEST, "Cannot parse to %s value: %s: %s", kind, name,
				   ice_json_shown(value));
}

/* The member, which may be null; raises if it is not there. */
static IceJson *
required(const IceJson *object, const char *key, const char *kind)
{
	IceJson *value = ice_json_member(object, key);

	if (value == NULL)
		ice_json_raise(object, ICE_ERR_BAD_REQUEST, "Cannot parse missing %s: %s", kind, key);
	return value;
}

int64
ice_json_to_int64(const IceJson *value, const char *name)
{
	int64 result;

	if (!ice_json_is_int64(value, &result))
		raise_kind("a long", name, value);
	return result;
}

int32
ice_json_to_int32(const IceJson *value, const char *name)
{
	int64 result;

	if (!ice_json_is_int64(value, &result) || result < PG_INT32_MIN || result > PG_INT32_MAX)
		raise_kind("an integer", name, value);
	return (int32) result;
}

const char *
ice_json_to_string(const IceJson *value, const char *name)
{
	if (value->kind != ICE_JSON_STRING)
		raise_kind("a string", name, value);
	return value->string;
}

static bool
to_bool(const IceJson *value, const char *name)
{
	if (value->kind != ICE_JSON_BOOL)
		raise_kind("a boolean", name, value);
	return value->boolean;
}

static IceJson *
to_container(IceJson *value, const char *name, IceJsonKind kind)
{
	if (value->kind != kind)
		raise_kind(kind == ICE_JSON_ARRAY ? "an array" : "an object", name, value);
	return value;
}

const char *
ice_json_string(const IceJson *object, const char *key)
{
	return ice_json_to_string(required(object, key, "string"), key);
}

int64
ice_json_int64(const IceJson *object, const char *key)
{
	return ice_json_to_int64(required(object, key, "long"), key);
}

int32
ice_json_int32(const IceJson *object, const char *key)
{
	return ice_json_to_int32(required(object, key, "int"), key);
}

bool
ice_json_bool(const IceJson *object, const char *key)
{
	return to_bool(required(object, key, "boolean"), key);
}

IceJson *
ice_json_array(const IceJson *object, const char *key)
{
	return to_container(required(object, key, "field"), key, ICE_JSON_ARRAY);
}

IceJson *
ice_json_object(const IceJson *object, const char *key)
{
	return to_container(required(object, key, "field"), key, ICE_JSON_OBJECT);
}

const char *
ice_json_opt_string(const IceJson *object, const char *key)
{
	IceJson *value = ice_json_get(object, key);

	return value == NULL ? NULL : ice_json_to_string(value, key);
}

bool
ice_json_opt_int64(const IceJson *object, const char *key, int64 *result)
{
	IceJson *value = ice_json_get(object, key);

	if (value == NULL)
		return false;
	*result = ice_json_to_int64(value, key);
	return true;
}

bool
ice_json_opt_int32(const IceJson *object, const char *key, int32 *result)
{
	IceJson *value = ice_json_get(object, key);

	if (value == NULL)
		return false;
	*result = ice_json_to_int32(value, key);
	return true;
}

bool
ice_json_opt_bool(const IceJson *object, const char *key, bool absent)
{
	IceJson *value = ice_json_get(object, key);

	return value == NULL ? absent : to_bool(value, key);
}

IceJson *
ice_json_opt_array(const IceJson *object, const char *key)
{
	IceJson *value = ice_json_get(object, key);

	return value == NULL ? NULL : to_container(value, key, ICE_JSON_ARRAY);
}

IceJson *
ice_json_opt_object(const IceJson *object, const char *key)
{
	IceJson *value = ice_json_get(object, key);

	return value == NULL ? NULL : to_container(value, key, ICE_JSON_OBJECT);
}

void
ice_json_check_string_map(const IceJson *value, const char *name)
{
	if (value->kind != ICE_JSON_OBJECT)
		ice_json_raise(value, ICE_ERR_BAD_REQUEST,
					   "Cannot parse string map from non-object value: %s: %s", name,
					   ice_json_shown(value));
	for (int i = 0; i < value->count; i++)
	{
		ice_step();
		ice_json_to_string(value->members[i].value, value->members[i].key);
	}
}
