/*
 * rates.h
 *		How many requests a second of each key: a bounded table of buckets. Pure.
 *
 * A bucket is a time: when all that was taken from it would have come at the rate itself. What is
 * ahead of the clock by less than the burst is let in. So a key that rests needs no entry, and none
 * is refilled. At most max keys are known; the least recently used go first, and begin with a full
 * bucket when they come again: keys must be such that no client makes up many.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_RATES_H
#define GW_RATES_H

#include "base/text.h"

#define GW_RATE_KEY_BYTES_MAX 383

typedef struct GwRates GwRates;

/* A rate, and how many requests may come at once. */
typedef struct GwRate
{
	int64_t per_s; /* 1 to 1000000 */
	int64_t burst; /* 1 or more */
} GwRate;

extern GwRates *gw_rates_create(void);
extern void     gw_rates_destroy(GwRates *rates);

/* How long a request of the key would have to wait, in microseconds; 0: it may come now. A key that
 * is too long is cut. */
extern uint64_t gw_rates_wait(const GwRates *rates, GwSlice key, GwRate rate, uint64_t now_us);
/* It comes. */
extern void gw_rates_take(GwRates *rates, GwSlice key, GwRate rate, int64_t max, uint64_t now_us);

extern int64_t gw_rates_count(const GwRates *rates);

#endif
