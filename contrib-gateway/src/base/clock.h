/*
 * clock.h
 *		Monotonic time in microseconds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CLOCK_H
#define GW_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
gw_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* How long ago that was; 0 where it is later than now. A turn of the event loop takes the time
 * once, at its start, and what happens in it may be stamped later. */
static inline uint64_t
gw_clock_since(uint64_t now_us, uint64_t then_us)
{
	return now_us > then_us ? now_us - then_us : 0;
}

#endif
