/*
 * memory.c
 *		PostgreSQL's frontend allocator, with a count of what is in use, and the bounds of budget.h.
 *
 * The pure layers free little: in the server a memory context does. Here each allocation is a block
 * of its own, so that the sanitizer sees every step beyond its end, and a list remembers them all.
 * These functions take the place of libpgcommon's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include "common/hashfn.h"

#include "memory.h"

/* A multiple of what malloc() aligns to. */
typedef struct Block
{
	struct Block *next;
	struct Block *before;
	size_t        size;
	size_t        unused;
} Block;

static Block blocks = {&blocks, &blocks, 0, 0};

size_t memory_used;
size_t memory_peak;
size_t memory_limit;
uint64 memory_looks;
int    ice_budget_steps = ICE_STEPS_PER_LOOK;

static void *
link_in(Block *block, size_t size)
{
	if (block == NULL)
		abort();
	block->size = size;
	block->next = blocks.next;
	block->before = &blocks;
	blocks.next->before = block;
	blocks.next = block;
	memory_used += size;
	memory_peak = Max(memory_peak, memory_used);
	return block + 1;
}

static Block *
take_out(void *pointer)
{
	Block *block = (Block *) pointer - 1;

	block->before->next = block->next;
	block->next->before = block->before;
	memory_used -= block->size;
	return block;
}

void
memory_free_all(void)
{
	while (blocks.next != &blocks)
		free(take_out(blocks.next + 1));
}

void
memory_start(size_t limit)
{
	memory_limit = limit == 0 ? 0 : memory_used + limit;
	memory_peak = memory_used;
	memory_looks = 0;
	ice_budget_steps = ICE_STEPS_PER_LOOK;
}

uint64
memory_steps(void)
{
	return memory_looks * ICE_STEPS_PER_LOOK + (ICE_STEPS_PER_LOOK - ice_budget_steps);
}

/* -- budget.h --------------------------------------------------------------------------------- */

void
ice_budget_reserve(size_t bytes)
{
	if (memory_limit > 0 && memory_used + bytes > memory_limit)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "more memory than the limit");
}

void
ice_budget_look(void)
{
	ice_budget_steps = ICE_STEPS_PER_LOOK;
	memory_looks++;
	ice_budget_reserve(0);
}

void
ice_budget_stack_check(void)
{
}

uint64_t
ice_budget_hash(const void *bytes, size_t len)
{
	return hash_bytes_extended(bytes, (int) len, 4711);
}

/* -- fe_memutils ------------------------------------------------------------------------------ */

void *
pg_malloc(size_t size)
{
	return link_in(malloc(sizeof(Block) + size), size);
}

void *
pg_malloc0(size_t size)
{
	return link_in(calloc(1, sizeof(Block) + size), size);
}

void *
pg_malloc_extended(size_t size, int flags)
{
	return (flags & MCXT_ALLOC_ZERO) != 0 ? pg_malloc0(size) : pg_malloc(size);
}

void *
pg_realloc(void *pointer, size_t size)
{
	return pointer == NULL ? pg_malloc(size)
						   : link_in(realloc(take_out(pointer), sizeof(Block) + size), size);
}

void
pg_free(void *pointer)
{
	if (pointer != NULL)
		free(take_out(pointer));
}

char *
pnstrdup(const char *text, Size len)
{
	char *copy;

	len = strnlen(text, len);
	copy = pg_malloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
pg_strdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

/* -- the names that the backend's allocator has, too ------------------------------------------ */

void *
palloc(Size size)
{
	return pg_malloc(size);
}

void *
palloc0(Size size)
{
	return pg_malloc0(size);
}

void *
palloc_extended(Size size, int flags)
{
	return pg_malloc_extended(size, flags);
}

void *
repalloc(void *pointer, Size size)
{
	return pg_realloc(pointer, size);
}

void
pfree(void *pointer)
{
	pg_free(pointer);
}

char *
pstrdup(const char *text)
{
	return pg_strdup(text);
}
