/*
 * pool.h
 *		Pools of database connections and the calls that wait for one.
 *
 * Two pools: writes go one per connection, reads several per connection. A call is in exactly one
 * place: in its pool's queue, or in the flight list of one slot. Its owner hears of it once,
 * through done().
 *
 * What may run twice and what may not: a call that certainly was not sent goes back to the front
 * of the queue; a read in flight on a lost connection is sent once more, and a write when the server said that it ends the
 * session before the write was through (an administrator's restart: it was rolled back). Any other write in flight on
 * a lost connection is reported as LOST and never repeated; behind a pooler, whose words are not the server's, each is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_POOL_H
#define GW_POOL_H

#include <event2/event.h>
#include <sys/queue.h>

#include "db/pgcall.h"

typedef enum GwOutcome
{
	GW_CALL_ANSWERED,			/* result is valid and belongs to the owner now */
	GW_CALL_LOST,				/* the connection was lost in flight: a write may have run */
	GW_CALL_EXPIRED				/* no connection within pool_wait_ms: it did not run */
} GwOutcome;

typedef enum GwCallState
{
	GW_CALL_IDLE,
	GW_CALL_QUEUED,
	GW_CALL_IN_FLIGHT
} GwCallState;

struct GwSlot;
struct GwPool;

typedef struct GwCall
{
	TAILQ_ENTRY(GwCall) link;
	GwCallState state;
	struct GwPool *pool;
	GwPgStep	steps[GW_STEPS_MAX];
	int			step_count;
	int			repeats;
	uint64_t	queued_us;
	uint64_t	sent_us;
	uint64_t	done_us;
	size_t		weight;			/* bytes of the parameters */
	struct GwSlot *slot;		/* while in flight */
	void (*done)(struct GwCall *call, GwOutcome outcome, GwPgResult *result);
	void (*row)(struct GwCall *call,
				GwPgResult *row); /* not NULL: a streamed call; the row is its own */
} GwCall;

typedef struct GwPoolStats
{
	int			max;			/* connections configured */
	int			ready;
	int			in_use;			/* with at least one call in flight */
	int			in_flight;		/* calls */
	int			queued;
	uint64_t	wait_us;		/* total time that calls spent in the queue */
	uint64_t	connects;
	uint64_t	connect_failures;
	uint64_t	losses;
	uint64_t	recycles;
	uint64_t	repeats;
} GwPoolStats;

typedef struct GwPool GwPool;

typedef enum GwPoolKind
{
	GW_POOL_READS,
	GW_POOL_WRITES,
	GW_POOL_STREAMS,			/* connected when there is a call, for one call each */
	GW_POOL_LISTENS				/* hears notifications; connected while metadata_wait_ms is not 0 */
} GwPoolKind;

typedef struct GwPoolSpec
{
	const char *name;			/* in messages */
	GwPoolKind	kind;
	int			connections;
	const char *dsn;
	const GwStatements *statements; /* what its calls may send */
} GwPoolSpec;

/* What the spec points to must live as long as the pool. */
extern GwPool *gw_pool_create(struct event_base *base, const GwPoolSpec *spec);
extern void gw_pool_destroy(GwPool *pool);

/* The statements of a call: more than GW_STEPS_MAX, or parameters than GW_PARAMS_MAX, end the process. */
extern void gw_call_begin(GwCall *call, size_t weight);
extern GwPgStep *gw_call_step(GwCall *call, int statement);
extern void gw_call_param(GwPgStep *step, const char *value);
extern void gw_call_role(
	GwCall *call); /* the step that takes the setting's role, if there is one */

/*
 * False: nothing is free, the queue is full, and done() will not be called. A call that was already
 * admitted, such as one that comes from a gate, is queued in any case.
 */
extern bool gw_pool_submit(GwPool *pool, GwCall *call, bool admitted);

/* Takes a call out of the queue again; false when it was already sent. */
extern bool gw_pool_cancel(GwCall *call);

/* A streamed call in flight: its rows stop, and go on. Abort drops it with its connection; done() will not be called. A
 * call that waits is taken out of its queue. */
extern void gw_pool_pause(GwCall *call);
extern void gw_pool_resume(GwCall *call);
extern void gw_pool_abort(GwCall *call);

/* Who is told of notifications, by their payloads, and whether the connection that there is now hears them. */
extern void gw_pool_on_notify(GwPool *pool, void (*notified)(const char *payload));
extern void gw_pool_set_listens(GwPool *pool, bool listens);
extern bool gw_pool_listens(const GwPool *pool);

extern bool gw_pool_is_ready(const GwPool *pool);

/* What keeps the pool from serving anything, and what to do about it; NULL while it serves. */
extern const char *gw_pool_problem(const GwPool *pool);

/* Does the extension know the operation of that statement? Its version, as far as one was seen, is told. */
extern bool gw_pool_offers(const GwPool *pool, int statement);
extern const char *gw_pool_version(const GwPool *pool);

/* May the role that calls run under change something? */
extern bool gw_pool_may_write(const GwPool *pool);
extern GwPoolStats gw_pool_stats(const GwPool *pool);

/* Once per tick: timeouts, reconnects. Once per turn of the event loop: flushing. */
extern void gw_pool_tick(GwPool *pool, uint64_t now_us);
extern void gw_pool_flush(GwPool *pool);

#endif
