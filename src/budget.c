/*
 * budget.c
 *		The bounds of budget.h inside the server.
 *
 * A look costs some nanoseconds: the size of one memory context is a number that PostgreSQL keeps.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "budget.h"
#include "budget_server.h"
#include "errors.h"
#include "guc.h"

int ice_budget_steps = ICE_STEPS_PER_LOOK;

static uint64        hash_seed;
static MemoryContext exempt;

void
ice_budget_init(void)
{
	if (!pg_strong_random(&hash_seed, sizeof(hash_seed)))
		elog(ERROR, "could not get random bytes");
}

MemoryContext
ice_budget_exempt(MemoryContext context)
{
	MemoryContext before = exempt;

	exempt = context;
	return before;
}

bool
ice_budget_fits(size_t bytes)
{
	size_t limit = (size_t) ice_guc_request_memory_max * 1024 * 1024;

	if (!AllocSizeIsValid(bytes))
		return false;
	return CurrentMemoryContext == exempt ||
		   (bytes <= limit &&
			MemoryContextMemAllocated(CurrentMemoryContext, false) <= limit - bytes);
}

void
ice_budget_reserve(size_t bytes)
{
	if (!ice_budget_fits(bytes))
		ice_raise(ICE_ERR_LIMIT_EXCEEDED,
				  "The request needs more memory than the limit of %d MB "
				  "(icecat.request_memory_max)",
				  ice_guc_request_memory_max);
}

/* A buffer doubles until it fits. */
void
ice_budget_enlarge(StringInfo buffer, size_t needed)
{
	size_t size = (size_t) buffer->maxlen;

	while (size < (size_t) buffer->len + needed + 1)
		size *= 2;
	if (size > (size_t) buffer->maxlen)
		ice_budget_reserve(size - (size_t) buffer->maxlen);
	if (needed > MaxAllocSize)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Data is too large: %zu bytes", needed);
	enlargeStringInfo(buffer, (int) needed);
}

void
ice_budget_look(void)
{
	ice_budget_steps = ICE_STEPS_PER_LOOK;
	CHECK_FOR_INTERRUPTS();
	ice_budget_reserve(0);
}

void
ice_budget_stack_check(void)
{
	check_stack_depth();
}

uint64_t
ice_budget_hash(const void *bytes, size_t len)
{
	return hash_bytes_extended(bytes, (int) len, hash_seed);
}
