/*
 * shared_memory.h
 *		Shared memory that is made at first use, from what PostgreSQL has to spare.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SHARED_MEMORY_H
#define ICE_SHARED_MEMORY_H

#include "postgres.h"

/* Finds or makes it; init gets what was made, filled with zeros, and must not raise. NULL: there
 * is no room, or no server (single-user mode). */
extern void *ice_shared_memory(const char *name, Size size, void (*init)(void *made));

#endif
