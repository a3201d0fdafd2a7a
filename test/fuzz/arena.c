/*
 * arena.c
 *		PostgreSQL's frontend allocator, with everything given back after each input.
 *
 * The pure layers free little: in the server a memory context does. Here each allocation is a block of its
 * own, so that the sanitizer sees every step beyond its end, and a list remembers them all. These
 * functions take the place of libpgcommon's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include "fuzz.h"

typedef struct Block
{
	struct Block *next;
	struct Block *before;
} Block;

static Block blocks = {&blocks, &blocks};

static void *
link_in(Block *block)
{
	if (block == NULL)
		abort();
	block->next = blocks.next;
	block->before = &blocks;
	blocks.next->before = block;
	blocks.next = block;
	return block + 1;
}

static Block *
take_out(void *pointer)
{
	Block *block = (Block *) pointer - 1;

	block->before->next = block->next;
	block->next->before = block->before;
	return block;
}

void
fuzz_free_all(void)
{
	while (blocks.next != &blocks)
		free(take_out(blocks.next + 1));
}

void *
pg_malloc(size_t size)
{
	return link_in(malloc(sizeof(Block) + size));
}

void *
pg_malloc0(size_t size)
{
	return link_in(calloc(1, sizeof(Block) + size));
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
						   : link_in(realloc(take_out(pointer), sizeof(Block) + size));
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
