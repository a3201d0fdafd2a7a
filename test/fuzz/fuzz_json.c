/*
 * fuzz_json.c
 *		Any bytes: refused, or read, and what is written of them reads back as the same.
 *		PostgreSQL's parser agrees.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "pg_compat.h"

#define BYTES_FOR_BYTE_MAX 100 /* of memory, for each byte of text */

/* Numbers and strings by every way of asking for them. */
static void
ask(const IceJson *value)
{
	int64 number;

	(void) ice_json_is_int64(value, &number);
	(void) ice_json_shown(value);
	for (int i = 0; i < value->count; i++)
	{
		if (value->kind == ICE_JSON_ARRAY)
			ask(value->items[i]);
		else if (value->kind == ICE_JSON_OBJECT)
		{
			FUZZ_DEMAND(ice_json_member(value, value->members[i].key) != NULL, "%s is not found",
						value->members[i].key);
			ask(value->members[i].value);
		}
	}
}

/* What PostgreSQL's json type says of the text. */
static JsonParseErrorType
verdict_of_postgres(const char *text, size_t len)
{
	JsonLexContext *lexer = ice_compat_make_json_lexer(text, len, PG_UTF8);

	return pg_parse_json(lexer, &nullSemAction);
}

/* Where both differ, it is by a rule of ours. */
static IceJson *
parse_as_postgres(const char *text, size_t len)
{
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};
	IceJson *value = NULL;

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		value = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);
	ice_trap = outer;
	if (trap.message == NULL)
		FUZZ_DEMAND(verdict_of_postgres(text, len) == JSON_SUCCESS, "PostgreSQL refuses it");
	else if (trap.code == ICE_ERR_BAD_REQUEST && strstr(trap.message, "duplicate key") == NULL &&
			 strstr(trap.message, "encoding") == NULL)
		FUZZ_DEMAND(verdict_of_postgres(text, len) != JSON_SUCCESS, "PostgreSQL takes it: %s",
					trap.message);
	if (trap.message != NULL)
		ice_raise(trap.code, "%s", trap.message);
	return value;
}

void
fuzz_one(const char *text, size_t len)
{
	IceJson *value = parse_as_postgres(text, len);
	char    *written = ice_json_text(value);
	IceJson *again = ice_json_parse(written, strlen(written), ICE_JSON_DEPTH_MAX_DEFAULT);
	char    *second = ice_json_text(ice_json_copy(again));

	FUZZ_DEMAND(ice_json_equal(value, again), "%s", written);
	FUZZ_DEMAND(strcmp(written, second) == 0, "%s and %s", written, second);
	ask(value);
}
