/*
 * throttle.h
 *		Who may try a secret now: wrong ones are counted by id, by address, and by both. Pure.
 *
 * Above the limit of a window
 * - an address may try an id no more, whatever the secret, unless it has used that id well before;
 * - it may try no other id, either, but those that it has used well;
 * - an id that many addresses try, or an address that has used it well, is checked by what is known
 *   of it, and the database is not asked: its own client still gets in.
 * So nobody locks out another one from where it was before, and from elsewhere for a window at
 * most.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_THROTTLE_H
#define GW_THROTTLE_H

#include "auth/recent.h"

typedef struct GwThrottleLimits
{
	int64_t failures_max; /* in a window; 0: nothing is counted */
	int64_t window_s;
	int64_t entries_max;
} GwThrottleLimits;

/* One try. */
typedef struct GwTry
{
	const char *kind; /* of the id */
	GwSlice     id;
	const char *network; /* the address, or the part of it that one stranger may have all of */
	uint64_t    realm;   /* whose ids they are: nothing is counted across */
} GwTry;

typedef enum GwThrottleStep
{
	GW_THROTTLE_OPEN,
	GW_THROTTLE_KNOWN, /* only what is known already may be used */
	GW_THROTTLE_SHUT   /* it is not looked at */
} GwThrottleStep;

typedef struct GwThrottle GwThrottle;

extern GwThrottle *gw_throttle_create(void);
extern void        gw_throttle_destroy(GwThrottle *throttle);

/* *wait_s: for how long it is so, unless it is OPEN. */
extern GwThrottleStep gw_throttle_check(GwThrottle *throttle, const GwTry *try,
										const GwThrottleLimits *limits, uint64_t now_us,
										int64_t *wait_s);

/* How it ended. */
extern void gw_throttle_failed(GwThrottle *throttle, const GwTry *try,
							   const GwThrottleLimits *limits, uint64_t now_us);
extern void gw_throttle_succeeded(GwThrottle *throttle, const GwTry *try,
								  const GwThrottleLimits *limits, uint64_t now_us);

extern int64_t gw_throttle_count(const GwThrottle *throttle);

#endif
