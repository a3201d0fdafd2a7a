/*
 * pool.h
 *		Pools of database connections and the calls that wait for one.
 *
 * Pools differ in kind: writes go one per connection, reads several per connection; what lasts long
 * has connections of its own, which are made when they are needed.
 *
 * What may run twice and what may not: a call that certainly was not sent goes back to the front of
 * the queue; a read in flight on a lost connection is sent once more, and a write when the server
 * said that it ends the session before the write was through (an administrator's restart: it was
 * rolled back). Any other write in flight on a lost connection is reported as LOST and never
 * repeated; behind a pooler, whose words are not the server's, each is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_POOL_H
#define GW_POOL_H

#include "db/call.h"
#include "db/pool_spec.h"

struct event_base;

typedef struct GwPool GwPool;

/* What the spec points to must live as long as the pool. */
extern GwPool *gw_pool_create(struct event_base *base, const GwPoolSpec *spec);
extern void    gw_pool_destroy(GwPool *pool);

/*
 * False: nothing is free, the queue is full, and done() will not be called. A call that was already
 * admitted, such as one that comes from a gate, is queued in any case.
 */
extern bool gw_pool_submit(GwPool *pool, GwCall *call, bool admitted);

/* Takes a call out of the queue again; false when it was already sent. */
extern bool gw_pool_cancel(GwCall *call);

/* A streamed call in flight: its rows stop, and go on. Abort drops it with its connection; done()
 * will not be called. A call that waits is taken out of its queue. */
extern void gw_pool_pause(GwCall *call);
extern void gw_pool_resume(GwCall *call);
extern void gw_pool_abort(GwCall *call);

/* Who is told of notifications, by channel and payload, and whether the connection that there is
 * now hears them. */
extern void gw_pool_on_notify(GwPool *pool,
							  void (*notified)(void *owner, const char *channel,
											   const char *payload),
							  void *owner);
extern void gw_pool_set_listens(GwPool *pool, bool listens);
extern bool gw_pool_listens(const GwPool *pool);

extern bool gw_pool_is_ready(const GwPool *pool);

/* What keeps the pool from serving anything, and what to do about it; NULL while it serves. */
extern const char *gw_pool_problem(const GwPool *pool);

/* Does the extension know the operation of that statement? Its version, as far as one was seen, is
 * told. */
extern bool        gw_pool_offers(const GwPool *pool, int statement);
extern const char *gw_pool_version(const GwPool *pool);

/* May the role that calls run under change something? */
extern bool        gw_pool_may_write(const GwPool *pool);
extern GwPoolStats gw_pool_stats(const GwPool *pool);

/* Once per tick: timeouts, reconnects. Once per turn of the event loop: flushing. */
extern void gw_pool_tick(GwPool *pool, uint64_t now_us);
extern void gw_pool_flush(GwPool *pool);

#endif
