/*
 * memory.h
 *		What the pure layers allocate and how many steps they take, outside of the server.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TEST_MEMORY_H
#define ICE_TEST_MEMORY_H

#include "json/pure.h"

extern size_t memory_used;
extern size_t memory_peak;
extern size_t memory_limit; /* as a number of memory_used; 0: none */

/* Counts from here on; over so much more than now, ice_budget_look() and ice_budget_reserve()
 * raise. 0: no limit. */
extern void   memory_start(size_t limit);
extern uint64 memory_steps(void);

/* Gives all memory of palloc() back. */
extern void memory_free_all(void);

#endif
