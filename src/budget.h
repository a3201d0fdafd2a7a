/*
 * budget.h
 *		Bounds on what one request takes: memory, stack and uninterrupted time.
 *
 * This header is pure, as errors.h is: the json and spec layers call these functions, and outside
 * the server another file defines them. Every loop that grows with an input calls ice_step(), also
 * one that only looks for something. So a request can be cancelled at any point, and one that takes
 * too much memory ends with LIMIT_EXCEEDED.
 *
 * Counted is the memory context that is current, without those below it: the values that a request
 * is read into. Rows of the database and answers lie in others.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_BUDGET_H
#define ICE_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#define ICE_STEPS_PER_LOOK 512
#define ICE_BYTES_PER_STEP 128 /* of text that is scanned or copied */

/* Steps until the next look; private. */
extern int ice_budget_steps;

/* Is somebody asking us to stop, or is the memory used up? Raises then. */
extern void ice_budget_look(void);

/* Before a large allocation. Raises LIMIT_EXCEEDED if it would be over the limit. */
extern void ice_budget_reserve(size_t bytes);

/* In every recursive function. Raises where the stack comes to its end. */
extern void ice_budget_stack_check(void);

/* A hash that nobody can choose collisions for: seeded at random when the library is loaded. */
extern uint64_t ice_budget_hash(const void *bytes, size_t len);

static inline void
ice_step(void)
{
	if (--ice_budget_steps <= 0)
		ice_budget_look();
}

/* The same for many bytes. */
static inline void
ice_step_bytes(size_t bytes)
{
	if (bytes >= (size_t) ICE_STEPS_PER_LOOK * ICE_BYTES_PER_STEP)
		ice_budget_look();
	else if ((ice_budget_steps -= 1 + (int) (bytes / ICE_BYTES_PER_STEP)) <= 0)
		ice_budget_look();
}

#endif
