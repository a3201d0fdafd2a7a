/*
 * strict_json.c
 *		Reads bounded JSON objects; see strict_json.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/strict_json.h"

#define DEPTH_MAX 32

/* Does any bracket lie deeper than allowed? Brackets in strings do not count. */
static bool
is_too_deep(GwSlice text)
{
	bool quoted = false;
	int  depth = 0;

	for (size_t i = 0; i < text.len; i++)
	{
		char c = text.data[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

json_t *
gw_strict_json_object(GwSlice text)
{
	json_t *json;

	if (is_too_deep(text))
		return NULL;
	json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

const char *
gw_strict_json_string(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool
gw_strict_json_hex(const json_t *object, const char *name, unsigned char *out, size_t bytes)
{
	const char *text = gw_strict_json_string(object, name);

	if (text == NULL || strlen(text) != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
	{
		int high = gw_text_hex_digit(text[2 * i]);
		int low = gw_text_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}
