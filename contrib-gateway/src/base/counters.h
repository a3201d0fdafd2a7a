/*
 * counters.h
 *		What is counted. Every room adds to it; ops/metrics.c prints it.
 *
 * Counting is plain additions; there is one thread. Methods are numbers here: who counts knows what
 * they mean. An operation is a number that gw_counters_add() gave for its name.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_COUNTERS_H
#define GW_COUNTERS_H

#include <stdint.h>

#include "base/status.h"

#define GW_OPERATIONS_MAX    64
#define GW_OPERATION_UNKNOWN 0 /* "none": no request that could be understood */
#define GW_METHODS_MAX       10
#define GW_REFUSALS_MAX      32 /* reasons why a token is refused */
#define GW_LOGINS_MAX        4  /* what a token is asked for with */
#define GW_DURATION_BUCKETS  14
#define GW_STATUS_CLASSES    5 /* 1xx to 5xx */

/* Why a TLS handshake came to nothing. */
enum
{
	GW_TLS_BAD_CERTIFICATE, /* the client's was refused, or it has none and needs one */
	GW_TLS_BAD_HANDSHAKE,   /* no version or cipher in common; or no TLS at all */
	GW_TLS_LEFT,            /* the client went */
	GW_TLS_LATE,
	GW_TLS_CROWD, /* over tls_handshakes_max */
	GW_TLS_FAILURES
};

/* Why a stream of events ended. */
enum
{
	GW_EVENT_LEFT,     /* the client */
	GW_EVENT_SLOW,     /* it did not take what was sent */
	GW_EVENT_EXPIRED,  /* its token */
	GW_EVENT_AGE,      /* it is to show again who it is */
	GW_EVENT_NO_ROLE,  /* the gateway may not work as its role any more */
	GW_EVENT_TRIMMED,  /* the events that come next */
	GW_EVENT_DROPPED,  /* the warehouse, or the database */
	GW_EVENT_SHUTDOWN, /* of the gateway */
	GW_EVENT_LOUD,     /* it sent too much */
	GW_EVENT_ENDS
};

typedef struct GwDuration
{
	uint64_t buckets[GW_DURATION_BUCKETS + 1];
	uint64_t sum_us;
} GwDuration;

typedef struct GwCounters
{
	uint64_t   requests[GW_OPERATIONS_MAX][GW_METHODS_MAX][GW_STATUS_SLOTS];
	GwDuration durations[GW_OPERATIONS_MAX][GW_STATUS_CLASSES];
	int64_t    in_flight;
	uint64_t   bytes_in;
	uint64_t   bytes_out;
	uint64_t   rejects[GW_STATUS_SLOTS]; /* requests that broke the protocol or its limits */
	int64_t    clients;
	uint64_t   clients_accepted;
	uint64_t   clients_refused;
	uint64_t   timeouts_head;
	uint64_t   timeouts_body;
	uint64_t   timeouts_write;
	uint64_t   gate_wait_us;
	uint64_t   gate_refused;
	uint64_t   gate_expired;
	uint64_t   queue_refused;
	uint64_t   queue_expired;
	uint64_t   streams;
	int64_t    event_streams;
	uint64_t   events_sent;
	uint64_t   event_polls;
	uint64_t   event_streams_refused;
	uint64_t   event_streams_ended[GW_EVENT_ENDS];
	uint64_t   credential_calls;
	uint64_t   reads_shared;
	uint64_t   file_waits;
	uint64_t   file_waits_given_up;
	uint64_t   file_wait_us;
	uint64_t   commit_groups;
	uint64_t   commits_grouped;
	uint64_t   commits_ungrouped; /* sent again, alone */
	uint64_t   commits_unknown;
	uint64_t   commits_deduplicated;
	uint64_t   keyed_repeats;
	uint64_t   keyed_errors_stored;
	uint64_t   reloads;
	int64_t    tls_handshaking;
	uint64_t   tls_handshakes;
	uint64_t   tls_resumptions;
	uint64_t   tls_failures[GW_TLS_FAILURES];
	uint64_t   tls_reloads;
	uint64_t   tls_reload_failures;
	uint64_t   rate_refused;
	uint64_t   auth_refusals[GW_REFUSALS_MAX];
	uint64_t   auth_unavailable;
	uint64_t   auth_hits;
	uint64_t   auth_no_role;
	uint64_t   auth_fetches;
	uint64_t   auth_fetch_failures;
	uint64_t   held_off;
	uint64_t   audit_written;
	uint64_t   audit_dropped;
	uint64_t   audit_repeated;
	uint64_t   auth_throttled;
	uint64_t   oauth_issued[GW_LOGINS_MAX];
	uint64_t   oauth_refused;
} GwCounters;

extern GwCounters gw_counters;

/* Upper ends of the buckets of a duration, in microseconds; the last bucket has none. */
extern const uint64_t gw_counters_bounds[GW_DURATION_BUCKETS];

/* Takes up an operation, before the first request; the name is not copied. Numbers come one after
 * the other. */
extern int         gw_counters_add(const char *operation);
extern int         gw_counters_operations(void);
extern const char *gw_counters_operation(int number);

/* A request is over. */
extern void gw_counters_request(int operation, int method, int status, uint64_t duration_us);

#endif
