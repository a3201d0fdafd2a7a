/*
 * arena.h
 *		The memory of one request: strings that live until the request is over. Pure.
 *
 * A client controls what is taken from it: each byte of a head is copied a small number of times,
 * so the limits on a head are limits on an arena. One block is kept for the next request of the
 * connection, except a large one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ARENA_H
#define GW_ARENA_H

#include "base/text.h"

struct GwArenaBlock;

typedef struct GwArena
{
	struct GwArenaBlock *newest; /* what is taken comes from here */
} GwArena;

/* Bytes without alignment. */
extern char *gw_arena_take(GwArena *arena, size_t size);

/* A copy with a NUL behind it. */
extern const char *gw_arena_copy(GwArena *arena, GwSlice text);

/* All that was taken is over. Nothing may touch the block that is kept until gw_arena_open(). */
extern void gw_arena_close(GwArena *arena);
extern void gw_arena_open(GwArena *arena);
extern void gw_arena_free(GwArena *arena);

#endif
