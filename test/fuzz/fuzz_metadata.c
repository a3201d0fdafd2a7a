/*
 * fuzz_metadata.c
 *		A metadata document: refused, or read, and what is written of it is valid and reads back as
 *		the same.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

/* Reading what we have written must not fail: a table would be lost. */
static char *
written(const IceTableMetadata *metadata)
{
	StringInfoData out;

	initStringInfo(&out);
	ice_table_metadata_write(&out, metadata);
	return out.data;
}

static char *
read_again(const char *text)
{
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};
	char    *again = NULL;

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
	{
		IceJson *document = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT);

		again = written(ice_table_metadata_parse(document, FUZZ_UUID));
	}
	else
		FUZZ_DEMAND(false, "what was written is refused: %s: %s", trap.message, text);
	ice_trap = outer;
	return again;
}

void
fuzz_one(const char *text, size_t len)
{
	IceJson          *document = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT - 1);
	IceTableMetadata *metadata = ice_table_metadata_parse(document, FUZZ_UUID);

	ice_table_metadata_validate(metadata);

	char *first = written(metadata);
	char *second = read_again(first);

	FUZZ_DEMAND(strcmp(first, second) == 0, "%s\n%s", first, second);
}
