/*
 * fuzz_json.c
 *		Any bytes: refused, or read, and what is written of them reads back as the same.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

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

void
fuzz_one(const char *text, size_t len)
{
	IceJson *value = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);
	char    *written = ice_json_text(value);
	IceJson *again = ice_json_parse(written, strlen(written), ICE_JSON_DEPTH_MAX_DEFAULT);
	char    *second = ice_json_text(ice_json_copy(again));

	FUZZ_DEMAND(ice_json_equal(value, again), "%s", written);
	FUZZ_DEMAND(strcmp(written, second) == 0, "%s and %s", written, second);
	ask(value);
}
