/*
 * pool.c
 *		The queue of a pool, and who gets which connection; see pool.h.
 *
 * While no slot is READY, what is wrong with the database is the answer to all calls. The pool asks
 * again every probe_interval_ms, through its own queue.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "db/slot.h"

/* All sessions are made again: at once, or as soon as nothing is in flight. */
static void
pool_retire(GwPool *pool, bool failed)
{
	for (int i = 0; i < pool->spec.connections; i++)
	{
		GwSlot *slot = &pool->slots[i];

		if (slot->state == GW_SLOT_READY && slot->in_flight == 0)
			gw_slot_close(slot, failed);
		else if (slot->state == GW_SLOT_READY)
			slot->retire = true;
	}
}

/* Takes over what a probe found. Sessions that were made for something else are made again. */
static void
pool_found(GwPool *pool, const GwFitness *found)
{
	bool other = strcmp(found->version, pool->fitness.version) != 0;

	if (pool->by_state[GW_SLOT_READY] > 0 && (!found->fit || other))
	{
		gw_log(found->fit ? GW_INFO : GW_WARNING, "%s connections are made again: %s%s",
			   pool->spec.name,
			   found->fit ? "extension icecat has another version: " : found->problem,
			   found->fit ? found->version : "");
		pool_retire(pool, !found->fit);
	}
	pool->fitness = *found;
	pool->probe_us = gw_clock_us() + (uint64_t) gw_conf.probe_interval_ms * 1000;
}

/* The done() of the pool's own probe. One that was lost says nothing: the connection that replaces
 * it is probed. */
static void
pool_probed(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwPool   *pool = (GwPool *) ((char *) call - offsetof(GwPool, probe));
	GwFitness found;

	if (outcome != GW_CALL_ANSWERED)
		return;
	if (result->is_error)
		gw_log(GW_WARNING, "%s connection, probe: %s", pool->spec.name, result->message);
	gw_session_judge(result, pool->spec.statements, gw_slot_writes(pool), 0, &found);
	gw_pg_result_free(result);
	found.pooled = pool->fitness.pooled;
	pool_found(pool, &found);
}

/* Asks now and then, when nothing waits. A pool that has no connection asks when it has one. */
static void
pool_tick_probe(GwPool *pool, uint64_t now)
{
	if (now < pool->probe_us || pool->by_state[GW_SLOT_READY] == 0 || pool->stats.queued > 0 ||
		pool->probe.state != GW_CALL_IDLE || pool->spec.kind == GW_POOL_STREAMS)
		return;
	gw_call_begin(&pool->probe, 0);
	*gw_call_step(&pool->probe, GW_STATEMENT_PROBE) = gw_session_probe(pool->functions.data);
	pool->probe.done = pool_probed;
	gw_pool_submit(pool, &pool->probe, true);
}

/*
 * Calls that may be in flight on one connection. Behind a pooler it is one: when a call fails while
 * the next one is on its way, PgBouncer in transaction mode may give the session to another client,
 * and then loses answers of that next one (https://github.com/pgbouncer/pgbouncer/issues/759).
 */
static int
slot_depth(const GwSlot *slot)
{
	if (slot->pooled || slot->pool->spec.kind != GW_POOL_READS)
		return 1;
	return (int) gw_conf.read_pipeline_depth;
}

/*
 * How little a slot wants another call; negative when it takes none. A read connection whose
 * oldest call is slow gets further reads only when all others are slow as well.
 */
static int
slot_load(const GwSlot *slot, uint64_t now)
{
	int           depth = slot_depth(slot);
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);

	if (slot->state != GW_SLOT_READY || slot->retire || slot->in_flight >= depth)
		return -1;
	if (oldest != NULL && gw_clock_since(now, oldest->sent_us) > GW_SLOW_HEAD_MS * 1000)
		return slot->in_flight + depth;
	return slot->in_flight;
}

static GwSlot *
pool_choose(GwPool *pool, uint64_t now)
{
	GwSlot *best = NULL;
	int     best_load = 0;

	for (int i = 0; i < pool->spec.connections; i++)
	{
		int load = slot_load(&pool->slots[i], now);

		if (load < 0 || (best != NULL && load >= best_load))
			continue;
		best = &pool->slots[i];
		best_load = load;
		if (load == 0)
			break;
	}
	return best;
}

/* Sends queued calls while a connection takes them. Not re-entered from done(). */
static void
pool_dispatch(GwPool *pool)
{
	GwCall *call;

	if (pool->dispatching || TAILQ_EMPTY(&pool->queue))
		return;
	pool->dispatching = true;
	while ((call = TAILQ_FIRST(&pool->queue)) != NULL)
	{
		uint64_t now = gw_clock_us();
		GwSlot  *slot = pool_choose(pool, now);

		if (slot == NULL)
			break;
		TAILQ_REMOVE(&pool->queue, call, link);
		pool->stats.queued--;
		if (!gw_slot_send(slot, call, now))
			gw_slot_queue_front(pool, call);
	}
	pool->dispatching = false;
}

/* Connections are made by the first ticks. */
GwPool *
gw_pool_create(struct event_base *base, const GwPoolSpec *spec)
{
	GwPool *pool = gw_alloc(sizeof(*pool));

	pool->base = base;
	pool->spec = *spec;
	gw_session_functions(spec->statements, &pool->functions);
	pool->slots = gw_alloc((size_t) spec->connections * sizeof(GwSlot));
	pool->stats.max = spec->connections;
	pool->by_state[GW_SLOT_DOWN] = spec->connections;
	pool->seed = gw_clock_us() * 2 + 1;
	pool->dispatch = pool_dispatch;
	pool->found = pool_found;
	TAILQ_INIT(&pool->queue);
	for (int i = 0; i < spec->connections; i++)
	{
		pool->slots[i].pool = pool;
		TAILQ_INIT(&pool->slots[i].flight);
	}
	return pool;
}

/* Only after all owners of calls are gone. */
void
gw_pool_destroy(GwPool *pool)
{
	for (int i = 0; i < pool->spec.connections; i++)
		gw_slot_close(&pool->slots[i], false);
	gw_text_free(&pool->functions);
	free(pool->slots);
	free(pool);
}

/* Connections are made when they are needed. */
static bool
is_on_demand(const GwPool *pool)
{
	return pool->spec.kind == GW_POOL_STREAMS || pool->spec.kind == GW_POOL_WAITS;
}

static bool
pool_wants_connection(const GwPool *pool)
{
	if (pool->spec.kind == GW_POOL_LISTENS)
		return gw_conf.metadata_wait_ms > 0;
	return !is_on_demand(pool) || pool->stats.queued > pool->by_state[GW_SLOT_CONNECTING] +
														   pool->by_state[GW_SLOT_PROBE] +
														   pool->by_state[GW_SLOT_SETUP];
}

/* A call found no connection: one is made without waiting for the next tick. */
static void
pool_connect(GwPool *pool, uint64_t now)
{
	for (int i = 0; i < pool->spec.connections && pool_wants_connection(pool); i++)
		if (pool->slots[i].state == GW_SLOT_DOWN && now >= pool->slots[i].retry_us)
			gw_slot_connect(&pool->slots[i], now);
}

bool
gw_pool_submit(GwPool *pool, GwCall *call, bool admitted)
{
	uint64_t now = gw_clock_us();

	assert(call->state == GW_CALL_IDLE);
	/* What an earlier connection found may be over: nobody has asked since. */
	if (is_on_demand(pool) && pool->by_state[GW_SLOT_READY] == 0)
		pool->fitness.problem[0] = '\0';
	if (!admitted && gw_pool_problem(pool) != NULL)
		return false;
	if (!admitted && pool->stats.queued >= gw_conf.pool_queue_max && pool_choose(pool, now) == NULL)
		return false;
	call->pool = pool;
	call->repeats = call->row != NULL; /* its rows cannot be taken back */
	call->queued_us = now;
	call->state = GW_CALL_QUEUED;
	TAILQ_INSERT_TAIL(&pool->queue, call, link);
	pool->stats.queued++;
	pool_dispatch(pool);
	if (pool->spec.kind == GW_POOL_WAITS)
		pool_connect(pool, now);
	return true;
}

bool
gw_pool_cancel(GwCall *call)
{
	if (call->state != GW_CALL_QUEUED)
		return false;
	TAILQ_REMOVE(&call->pool->queue, call, link);
	call->pool->stats.queued--;
	call->state = GW_CALL_IDLE;
	return true;
}

void
gw_pool_pause(GwCall *call)
{
	GwSlot *slot = call->slot;

	slot->paused = true;
	event_del(slot->readable);
}

/* Rows may be in libpq's memory already: the event is made to happen. */
void
gw_pool_resume(GwCall *call)
{
	GwSlot *slot = call->slot;

	if (call->state != GW_CALL_IN_FLIGHT || !slot->paused)
		return;
	slot->paused = false;
	slot->moved_us = gw_clock_us();
	event_add(slot->readable, NULL);
	event_active(slot->readable, EV_READ, 0);
}

void
gw_pool_abort(GwCall *call)
{
	GwSlot *slot = call->slot;

	if (call->state != GW_CALL_IN_FLIGHT)
	{
		gw_pool_cancel(call);
		return;
	}
	gw_slot_take_off_flight(slot, call);
	call->state = GW_CALL_IDLE;
	gw_slot_close(slot, false);
}

void
gw_pool_on_notify(GwPool *pool,
				  void (*notified)(void *owner, const char *channel, const char *payload),
				  void *owner)
{
	pool->owner = owner;
	pool->notified = notified;
}

void
gw_pool_set_listens(GwPool *pool, bool listens)
{
	pool->listens = listens;
}

bool
gw_pool_listens(const GwPool *pool)
{
	return pool->listens;
}

bool
gw_pool_is_ready(const GwPool *pool)
{
	return pool->by_state[GW_SLOT_READY] > 0;
}

const char *
gw_pool_problem(const GwPool *pool)
{
	if (pool->by_state[GW_SLOT_READY] > 0 || pool->fitness.problem[0] == '\0')
		return NULL;
	return pool->fitness.problem;
}

bool
gw_pool_offers(const GwPool *pool, int statement)
{
	return gw_statement_sql(gw_statement_at(pool->spec.statements, statement),
							pool->fitness.release) != NULL;
}

const char *
gw_pool_version(const GwPool *pool)
{
	return pool->fitness.version;
}

bool
gw_pool_may_write(const GwPool *pool)
{
	return pool->fitness.may_write;
}

GwPoolStats
gw_pool_stats(const GwPool *pool)
{
	GwPoolStats stats = pool->stats;

	stats.ready = pool->by_state[GW_SLOT_READY];
	return stats;
}

/* A streamed call: it may last so long, and the database may be silent so long. */
static void
slot_tick_stream(GwSlot *slot, const GwCall *call, uint64_t now)
{
	if (gw_clock_since(now, call->sent_us) > (uint64_t) gw_conf.stream_timeout_ms * 1000)
		gw_slot_lose(slot, "stream_timeout_ms is over");
	else if (!slot->paused &&
			 gw_clock_since(now, slot->moved_us) > (uint64_t) gw_conf.call_timeout_ms * 1000)
		gw_slot_lose(slot, "no row within call_timeout_ms");
}

static void
slot_tick(GwSlot *slot, uint64_t now)
{
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);

	if (slot->state == GW_SLOT_DOWN && now >= slot->retry_us && pool_wants_connection(slot->pool))
		gw_slot_connect(slot, now);
	else if (slot->state == GW_SLOT_CONNECTING && now >= slot->deadline_us)
		gw_slot_connect_failed(slot, "timeout");
	else if ((slot->state == GW_SLOT_PROBE || slot->state == GW_SLOT_SETUP) &&
			 now >= slot->deadline_us)
		gw_slot_lose(slot, "timeout while setting up the session");
	else if (oldest != NULL && oldest->row != NULL)
		slot_tick_stream(slot, oldest, now);
	else if (oldest != NULL &&
			 gw_clock_since(now, oldest->sent_us) > (uint64_t) gw_conf.call_timeout_ms * 1000)
		gw_slot_lose(slot, "no answer within call_timeout_ms");
}

void
gw_pool_tick(GwPool *pool, uint64_t now)
{
	uint64_t limit = (uint64_t) gw_conf.pool_wait_ms * 1000;
	GwCall  *call;

	for (int i = 0; i < pool->spec.connections; i++)
		slot_tick(&pool->slots[i], now);
	pool_tick_probe(pool, now);
	pool_dispatch(pool);
	while ((call = TAILQ_FIRST(&pool->queue)) != NULL &&
		   (now > call->queued_us + limit || gw_pool_problem(pool) != NULL))
	{
		gw_pool_cancel(call);
		pool->stats.wait_us += gw_clock_since(now, call->queued_us);
		gw_slot_finish_call(call, GW_CALL_EXPIRED, NULL);
	}
}

void
gw_pool_flush(GwPool *pool)
{
	for (int i = 0; i < pool->spec.connections; i++)
		if (pool->slots[i].dirty)
			gw_slot_flush(&pool->slots[i]);
}
