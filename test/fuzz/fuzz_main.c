/*
 * fuzz_main.c
 *		One input: a trap around it, and no memory left behind.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "../unit/case.h"

/* The case runner leaves documents for Iceberg's Java; nobody reads these. */
void
case_leave_document(const char *kind, const IceJson *document)
{
	(void) kind;
	(void) document;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	IceTrap trap = {.message = NULL};
	char   *text = palloc(len);

	memcpy(text, bytes, len);
	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		fuzz_one(text, len);
	else
		FUZZ_DEMAND(trap.message != NULL && trap.message[0] != '\0', "an error without words");
	ice_trap = NULL;
	memory_free_all();
	return 0;
}
