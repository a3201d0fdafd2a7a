/*
 * counters.c
 *		What is counted; see counters.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/counters.h"

#include <assert.h>

GwCounters	gw_counters;

const uint64_t gw_counters_bounds[GW_DURATION_BUCKETS] = {
	500,    1000,   2500,   5000,    10000,   25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
};

void
gw_counters_request(int operation, int method, int status, uint64_t duration_us)
{
	GwDuration *duration = &gw_counters.durations[operation];
	int			bucket = 0;

	assert(operation >= 0 && operation < GW_OPERATIONS_MAX && method >= 0 &&
		   method < GW_METHODS_MAX);
	while (bucket < GW_DURATION_BUCKETS && duration_us > gw_counters_bounds[bucket])
		bucket++;
	duration->buckets[bucket]++;
	duration->sum_us += duration_us;
	gw_counters.requests[operation][method][gw_status_index(status)]++;
}
