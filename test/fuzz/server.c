/*
 * server.c
 *		What the readers of src/avro and src/codec take from the server, outside of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "budget_server.h"
#include "guc.h"
#include "json/json.h"

#define ALLOC_BYTES_MAX \
	((size_t) 192 * 1024 * 1024) /* of one: below what test/fuzz/run lets pass */

int                   ice_guc_json_depth_max = ICE_JSON_DEPTH_MAX_DEFAULT;
volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

bool
ice_budget_fits(size_t bytes)
{
	return bytes <= ALLOC_BYTES_MAX;
}

void
ice_budget_enlarge(StringInfo buffer, size_t needed)
{
	ice_budget_reserve(needed);
	enlargeStringInfo(buffer, (int) needed);
}

/* elog(ERROR, …) says that the code is wrong: no input may lead there. */
bool
errstart(int elevel, const char *domain pg_attribute_unused())
{
	fprintf(stderr, "elog at level %d\n", elevel);
	abort();
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errmsg_internal(const char *format, ...)
{
	fprintf(stderr, "%s\n", format);
	return 0;
}

void
errfinish(const char *filename pg_attribute_unused(), int lineno pg_attribute_unused(),
		  const char *funcname pg_attribute_unused())
{
}
