/*
 * repeats.h
 *		What comes again and again is said once, and then counted: for refusals that anyone can
 *		cause at any rate. Pure.
 *
 * The first of a kind is let through, and opens a window. Others of the kind are counted until the
 * window ends. There is room for a number of kinds; what has none is not counted.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REPEATS_H
#define GW_REPEATS_H

#include <stdbool.h>

#include "base/text.h"

typedef struct GwRepeats GwRepeats;

typedef enum GwRepeat
{
	GW_REPEAT_FIRST,
	GW_REPEAT_AGAIN, /* it is counted */
	GW_REPEAT_NO_ROOM
} GwRepeat;

extern GwRepeats *gw_repeats_create(int room);
extern void       gw_repeats_destroy(GwRepeats *repeats);

/* One of a kind came. The kind is copied. */
extern GwRepeat gw_repeats_count(GwRepeats *repeats, GwSlice kind, uint64_t now_us,
								 uint64_t window_us);

/* The next kind whose window is over, with how often it came after the first time, and forgets it.
 * The caller frees the kind. NULL: none. */
extern char *gw_repeats_ended(GwRepeats *repeats, uint64_t now_us, uint64_t *times);

/* How often something was counted that no window has ended of. */
extern uint64_t gw_repeats_waiting(const GwRepeats *repeats);

#endif
