/*
 * counters.c
 *		What is counted; see counters.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/counters.h"

#include <assert.h>

GwCounters gw_counters;

static const char *names[GW_OPERATIONS_MAX] = {[GW_OPERATION_UNKNOWN] = "none"};
static int         name_count = GW_OPERATION_UNKNOWN + 1;

const uint64_t gw_counters_bounds[GW_DURATION_BUCKETS] = {
	500,    1000,   2500,   5000,    10000,   25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
};

int
gw_counters_add(const char *operation)
{
	assert(name_count < GW_OPERATIONS_MAX);
	names[name_count] = operation;
	return name_count++;
}

int
gw_counters_operations(void)
{
	return name_count;
}

const char *
gw_counters_operation(int number)
{
	assert(number >= 0 && number < name_count);
	return names[number];
}

void
gw_counters_request(int operation, int method, int status, uint64_t duration_us)
{
	GwDuration *duration;
	int         bucket = 0;

	assert(operation >= 0 && operation < name_count && method >= 0 && method < GW_METHODS_MAX &&
		   status >= 100 && status < 100 * (GW_STATUS_CLASSES + 1));
	duration = &gw_counters.durations[operation][status / 100 - 1];
	while (bucket < GW_DURATION_BUCKETS && duration_us > gw_counters_bounds[bucket])
		bucket++;
	duration->buckets[bucket]++;
	duration->sum_us += duration_us;
	gw_counters.requests[operation][method][gw_status_index(status)]++;
}
