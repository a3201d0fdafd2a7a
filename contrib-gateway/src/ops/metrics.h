/*
 * metrics.h
 *		Counters, and their Prometheus text.
 *
 * The names of the first five are older than this program: dashboards use them. All others start
 * with icecat_. Counting is plain additions; there is one thread.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

#include "catalog/error_map.h"
#include "db/pool.h"

/* Operations are the routes, and these. */
enum
{
	GW_OPERATION_HEALTH = GW_ROUTE_COUNT,
	GW_OPERATION_READY,
	GW_OPERATION_METRICS,
	GW_OPERATION_NONE,			/* no route, or no request that could be understood */
	GW_OPERATION_COUNT
};

#define GW_DURATION_BUCKETS 14

typedef struct GwDuration
{
	uint64_t	buckets[GW_DURATION_BUCKETS + 1];
	uint64_t	sum_us;
} GwDuration;

typedef struct GwMetrics
{
	uint64_t	requests[GW_OPERATION_COUNT][GW_METHOD_COUNT][GW_STATUS_SLOTS];
	GwDuration	durations[GW_OPERATION_COUNT];
	int64_t		in_flight;
	uint64_t	bytes_in;
	uint64_t	bytes_out;
	uint64_t	rejects[GW_STATUS_SLOTS];	/* requests that broke the protocol or its limits */
	int64_t		clients;
	uint64_t	clients_accepted;
	uint64_t	clients_refused;
	uint64_t	timeouts_head;
	uint64_t	timeouts_body;
	uint64_t	timeouts_write;
	uint64_t	gate_wait_us;
	uint64_t	gate_refused;
	uint64_t	gate_expired;
	uint64_t	queue_refused;
	uint64_t	queue_expired;
	uint64_t	streams;
	uint64_t	file_waits;
	uint64_t	file_waits_given_up;
	uint64_t	file_wait_us;
	uint64_t	commits_unknown;
	uint64_t	commits_deduplicated;
	uint64_t	keyed_repeats;
	uint64_t	keyed_errors_stored;
	uint64_t	reloads;
} GwMetrics;

extern GwMetrics gw_metrics;

extern const char *gw_operation_name(int operation);
extern void gw_metrics_count(int operation, GwMethod method, int status, uint64_t duration_us);
extern void gw_metrics_render(GwText *out);

#endif
