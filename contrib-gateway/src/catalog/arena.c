/*
 * arena.c
 *		The memory of one request; see arena.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/arena.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/poison.h"

typedef struct GwArenaBlock
{
	struct GwArenaBlock *older;
	size_t               cap;
	size_t               used;
} GwArenaBlock;

static char *
bytes_of(GwArenaBlock *block)
{
	return (char *) (block + 1);
}

static void
add_block(GwArena *arena, size_t size)
{
	size_t        cap = size > GW_ARENA_BLOCK_BYTES ? size : GW_ARENA_BLOCK_BYTES;
	GwArenaBlock *block = gw_alloc(sizeof(*block) + cap);

	block->cap = cap;
	block->older = arena->newest;
	arena->newest = block;
}

char *
gw_arena_take(GwArena *arena, size_t size)
{
	GwArenaBlock *block = arena->newest;

	if (block == NULL || block->cap - block->used < size)
	{
		add_block(arena, size);
		block = arena->newest;
	}
	block->used += size;
	return bytes_of(block) + block->used - size;
}

const char *
gw_arena_copy(GwArena *arena, GwSlice text)
{
	char *copy = gw_arena_take(arena, text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* Frees the newest block, which may have had a token; what was taken of it lies in no other. */
static void
drop_newest(GwArena *arena)
{
	GwArenaBlock *block = arena->newest;

	arena->newest = block->older;
	gw_text_wipe(bytes_of(block), block->used);
	free(block);
}

void
gw_arena_close(GwArena *arena)
{
	while (arena->newest != NULL &&
		   (arena->newest->older != NULL || arena->newest->cap > GW_KEPT_BYTES_MAX))
		drop_newest(arena);
	if (arena->newest == NULL)
		return;
	gw_text_wipe(bytes_of(arena->newest), arena->newest->used);
	arena->newest->used = 0;
	ASAN_POISON_MEMORY_REGION(bytes_of(arena->newest), arena->newest->cap);
}

void
gw_arena_open(GwArena *arena)
{
	if (arena->newest != NULL)
		ASAN_UNPOISON_MEMORY_REGION(bytes_of(arena->newest), arena->newest->cap);
}

void
gw_arena_free(GwArena *arena)
{
	gw_arena_open(arena);
	while (arena->newest != NULL)
		drop_newest(arena);
}
