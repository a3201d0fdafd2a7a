/*
 * pool.c
 *		Database connections, their queue, and who gets which; see pool.h.
 *
 * A slot is a place for a connection. Its state changes only in slot_set_state:
 *
 *	DOWN --tick--> CONNECTING --poll--> PROBE --fit--> SETUP --answer--> READY --loss or recycling--> DOWN
 *
 * The probe and setup calls are sent by the slot itself and have no owner; READY slots take calls. A session that is not fit
 * (session.h) is closed and tried again, as one that could not be made; what is wrong is the answer to all
 * calls while no slot is READY. The pool asks again every probe_interval_ms, through its own queue.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "db/session.h"

#define RECONNECT_DELAY_MIN_MS 50

typedef TAILQ_HEAD(CallList, GwCall) CallList;

typedef enum SlotState
{
	SLOT_DOWN,
	SLOT_CONNECTING,
	SLOT_PROBE,
	SLOT_SETUP,
	SLOT_READY,
	SLOT_STATES
} SlotState;

typedef struct GwSlot
{
	struct GwPool *pool;
	SlotState	state;
	GwPg	   *pg;
	struct event *readable;
	struct event *writable;
	bool		write_pending;	/* the writable event is armed */
	bool		dirty;			/* something was sent in this turn */
	bool		paused;			/* rows of a streamed call wait in the socket */
	uint64_t	moved_us;		/* streamed call: last row, or last pause */
	bool		retire;			/* replace it as soon as nothing is in flight */
	CallList	flight;			/* oldest first */
	int			in_flight;
	int			setup_left;		/* setup calls without an answer */
	bool		pooled;			/* its session may be another one in each transaction */
	uint64_t	retry_us;		/* DOWN: when to try again */
	uint64_t	deadline_us;	/* CONNECTING, PROBE, SETUP */
	int64_t		delay_ms;
} GwSlot;

struct GwPool
{
	struct event_base *base;
	GwPoolSpec	spec;
	GwText		functions;		/* that the operations need */
	GwSlot	   *slots;
	CallList	queue;
	int			by_state[SLOT_STATES];
	GwPoolStats stats;
	bool		dispatching;
	bool		listens;		/* LISTEN was said on the connection that there is now */
	void (*notified)(const char *payload);
	GwFitness	fitness;		/* as the latest probe found it */
	GwCall		probe;			/* the next one */
	uint64_t	probe_us;		/* when */
	uint64_t	seed;
};

static void slot_lose(GwSlot *slot, const char *why);
static void slot_connect_failed(GwSlot *slot, const char *why);
static void slot_probed(GwSlot *slot, GwPgResult *result);
static void pool_dispatch(GwPool *pool);

static void
slot_set_state(GwSlot *slot, SlotState state)
{
	slot->pool->by_state[slot->state]--;
	slot->pool->by_state[state]++;
	slot->state = state;
}

/* xorshift: jitter needs no better randomness. */
static uint64_t
pool_random(GwPool *pool)
{
	pool->seed ^= pool->seed << 13;
	pool->seed ^= pool->seed >> 7;
	pool->seed ^= pool->seed << 17;
	return pool->seed;
}

static void
slot_drop_events(GwSlot *slot)
{
	if (slot->readable)
		event_free(slot->readable);
	if (slot->writable)
		event_free(slot->writable);
	slot->readable = slot->writable = NULL;
	slot->write_pending = false;
}

/* Closes the connection; the next attempt comes after a pause that grows with each failure. */
static void
slot_close(GwSlot *slot, bool failed)
{
	uint64_t	now = gw_clock_us();
	int64_t		pause = 0;

	slot_drop_events(slot);
	if (slot->pg)
		gw_pg_close(slot->pg);
	slot->pg = NULL;
	slot->dirty = slot->retire = slot->paused = false;
	slot->pool->listens = false;
	if (failed)
	{
		slot->delay_ms = slot->delay_ms ? slot->delay_ms * 2 : RECONNECT_DELAY_MIN_MS;
		if (slot->delay_ms > gw_conf.reconnect_delay_max_ms)
			slot->delay_ms = gw_conf.reconnect_delay_max_ms;
		pause = slot->delay_ms / 2 +
			(int64_t) (pool_random(slot->pool) % (uint64_t) (slot->delay_ms / 2 + 1));
	}
	slot->retry_us = now + (uint64_t) pause * 1000;
	slot_set_state(slot, SLOT_DOWN);
}

static void
call_finish(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	call->state = GW_CALL_IDLE;
	call->done_us = gw_clock_us();
	call->done(call, outcome, result);
}

static void
slot_take_off_flight(GwSlot *slot, GwCall *call)
{
	TAILQ_REMOVE(&slot->flight, call, link);
	slot->in_flight--;
	slot->pool->stats.in_flight--;
	slot->pool->stats.in_use -= slot->in_flight == 0;
}

static void
queue_front(GwPool *pool, GwCall *call)
{
	TAILQ_INSERT_HEAD(&pool->queue, call, link);
	pool->stats.queued++;
	call->state = GW_CALL_QUEUED;
}

/* Decides about every call in flight on a connection that is gone. undone: the oldest has certainly not changed anything. */
static void
slot_fail_flight(GwSlot *slot, bool undone)
{
	CallList	failed = TAILQ_HEAD_INITIALIZER(failed);
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);
	GwCall	   *call;

	while ((call = TAILQ_LAST(&slot->flight, CallList)) != NULL)
	{
		slot_take_off_flight(slot, call);
		if ((slot->pool->spec.kind == GW_POOL_READS || (undone && call == oldest)) &&
			call->repeats == 0)
		{
			call->repeats++;
			slot->pool->stats.repeats++;
			queue_front(slot->pool, call);
		}
		else
			TAILQ_INSERT_HEAD(&failed, call, link);
	}
	while ((call = TAILQ_FIRST(&failed)) != NULL)
	{
		TAILQ_REMOVE(&failed, call, link);
		call_finish(call, GW_CALL_LOST, NULL);
	}
}

static void
slot_lose(GwSlot *slot, const char *why)
{
	int			len = (int) strcspn(why, "\n");
	bool		undone = !slot->pooled && gw_pg_has_undone(slot->pg);

	gw_log(GW_WARNING, "%s connection lost with %d call%s in flight: %.*s", slot->pool->spec.name,
		   slot->in_flight, slot->in_flight == 1 ? "" : "s", len, why);
	slot->pool->stats.losses++;
	slot_close(slot, slot->state != SLOT_READY);
	slot_fail_flight(slot, undone);
}

/* Sends what libpq holds, and waits for the socket when it does not take all. */
static void
slot_flush(GwSlot *slot)
{
	int			rc = gw_pg_flush(slot->pg);

	slot->dirty = false;
	if (rc < 0)
		slot_lose(slot, gw_pg_error(slot->pg));
	else if (rc > 0 && !slot->write_pending)
	{
		event_add(slot->writable, NULL);
		slot->write_pending = true;
	}
	else if (rc == 0 && slot->write_pending)
	{
		event_del(slot->writable);
		slot->write_pending = false;
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	GwSlot	   *slot = arg;

	(void) fd;
	(void) what;
	slot_flush(slot);
	pool_dispatch(slot->pool);
}

static void
slot_becomes_ready(GwSlot *slot)
{
	slot->delay_ms = 0;
	slot_set_state(slot, SLOT_READY);
	gw_log(GW_INFO, "%s connection ready, backend %d", slot->pool->spec.name,
		   gw_pg_backend_pid(slot->pg));
}

/* The session's statements are gone or stale: nothing ran, so the call may be sent again. */
static bool
wants_repreparing(const GwPgResult *result)
{
	return result->is_error && !result->of_session &&
		   (strcmp(result->sqlstate, "26000") == 0 || strcmp(result->sqlstate, "0A000") == 0 ||
								strcmp(result->sqlstate, "42P05") == 0);
}

/* A server that is going away, that takes no writes any more, or that does not fit any more (no schema, no function): the
 * next session is probed. */
static bool
wants_another_server(const GwPgResult *result)
{
	return result->is_error &&
		   (result->of_session || strncmp(result->sqlstate, "57P", 3) == 0 ||
			strcmp(result->sqlstate, "25006") == 0 || strcmp(result->sqlstate, "3F000") == 0 ||
			strcmp(result->sqlstate, "42883") == 0);
}

/* Gives the answer of the oldest call to its owner. */
static void
slot_answer(GwSlot *slot, GwPgResult *result)
{
	GwCall	   *call = TAILQ_FIRST(&slot->flight);

	assert(call != NULL);
	slot_take_off_flight(slot, call);
	if ((wants_another_server(result) && slot->pool->spec.kind != GW_POOL_LISTENS) ||
		call->weight > (size_t) gw_conf.recycle_bytes ||
		result->value_len > (size_t) gw_conf.recycle_bytes)
		slot->retire = true;
	if (wants_repreparing(result) && call->repeats == 0)
	{
		gw_log(GW_INFO, "%s connection is replaced: %s", slot->pool->spec.name, result->message);
		slot->retire = true;
		call->repeats++;
		slot->pool->stats.repeats++;
		gw_pg_result_free(result);
		queue_front(slot->pool, call);
		return;
	}
	call_finish(call, GW_CALL_ANSWERED, result);
}

/* An answer to one of the slot's own setup calls. Only their end matters. */
static void
slot_setup_answer(GwSlot *slot, GwPgResult *result)
{
	if (result->is_error)
		gw_log(GW_WARNING, "%s connection setup: %s", slot->pool->spec.name, result->message);
	gw_pg_result_free(result);
	if (--slot->setup_left == 0)
		slot_becomes_ready(slot);
}

/* Gives a row of a streamed call to its owner, which may pause or abort the call. */
static void
slot_row(GwSlot *slot, GwPgResult *row)
{
	GwCall	   *call = TAILQ_FIRST(&slot->flight);

	slot->moved_us = gw_clock_us();
	call->row(call, row);
}

/* Hands out all answers that are complete. */
static void
slot_drain(GwSlot *slot)
{
	GwPgResult	result;

	while (slot->pg != NULL && !slot->paused && gw_pg_next(slot->pg, &result))
	{
		if (result.is_row)
			slot_row(slot, &result);
		else if (slot->state == SLOT_PROBE)
			slot_probed(slot, &result);
		else if (slot->state == SLOT_SETUP)
			slot_setup_answer(slot, &result);
		else
			slot_answer(slot, &result);
	}
	if (slot->retire && slot->in_flight == 0 && slot->state == SLOT_READY)
	{
		slot->pool->stats.recycles++;
		slot_close(slot, false);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	GwSlot	   *slot = arg;
	GwPool	   *pool = slot->pool;
	bool		alive;

	(void) fd;
	(void) what;
	alive = gw_pg_consume(slot->pg);
	pool->dispatching = true;	/* answers of this turn first, then new calls */
	slot_drain(slot);
	if (pool->notified != NULL && slot->pg != NULL)
		gw_pg_notifications(slot->pg, pool->notified);
	if (!alive && slot->pg != NULL)
		slot_lose(slot, gw_pg_error(slot->pg));
	pool->dispatching = false;
	pool_dispatch(pool);
}

/* Sends one of the setup's calls. Failures are logged and change nothing. */
static void
slot_send_setup(GwSlot *slot, GwPgStep step)
{
	if (gw_pg_send(slot->pg, NULL, 0, &step, 1, false) == GW_PG_SENT)
		slot->setup_left++;
}

/* Sends what a fresh session that is fit needs. */
static void
slot_setup(GwSlot *slot)
{
	char		answer_max[24];

	slot_set_state(slot, SLOT_SETUP);
	slot->setup_left = 0;
	if (!slot->pooled)
		slot_send_setup(slot, gw_session_settings());
	snprintf(answer_max, sizeof(answer_max), "%lldB", (long long) gw_conf.stream_bytes_min);
	if (!slot->pooled && gw_conf.stream_bytes_min > 0 && gw_conf.prepared_statements &&
		(slot->pool->spec.kind == GW_POOL_READS || slot->pool->spec.kind == GW_POOL_WRITES))
		slot_send_setup(slot, (GwPgStep){GW_STATEMENT_ANSWER_MAX, 1, {answer_max}});
	if (slot->pool->spec.kind == GW_POOL_WRITES)
		slot_send_setup(slot, (GwPgStep){.statement = GW_STATEMENT_START_WORKER});
	if (slot->setup_left == 0)
		slot_becomes_ready(slot);
	else
		slot_flush(slot);
}

static bool
pool_writes(const GwPool *pool)
{
	return pool->spec.kind == GW_POOL_WRITES;
}

/* The first thing that a session is asked. */
static void
slot_probe(GwSlot *slot)
{
	GwPgStep	step = gw_session_probe(slot->pool->functions.data);

	slot_set_state(slot, SLOT_PROBE);
	if (gw_pg_send(slot->pg, NULL, 0, &step, 1, false) == GW_PG_SENT)
		slot_flush(slot);
	else
		slot_lose(slot, gw_pg_error(slot->pg));
}

/* All sessions are made again: at once, or as soon as nothing is in flight. */
static void
pool_retire(GwPool *pool, bool failed)
{
	for (int i = 0; i < pool->spec.connections; i++)
	{
		GwSlot	   *slot = &pool->slots[i];

		if (slot->state == SLOT_READY && slot->in_flight == 0)
			slot_close(slot, failed);
		else if (slot->state == SLOT_READY)
			slot->retire = true;
	}
}

/* Takes over what a probe found. Sessions that were made for something else are made again. */
static void
pool_found(GwPool *pool, const GwFitness *found)
{
	bool		other = strcmp(found->version, pool->fitness.version) != 0;

	if (pool->by_state[SLOT_READY] > 0 && (!found->fit || other))
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

/* The answer to the first question: the session is set up if it is fit, else closed. */
static void
slot_probed(GwSlot *slot, GwPgResult *result)
{
	GwPool	   *pool = slot->pool;
	GwFitness	found;

	if (result->is_error)
		gw_log(GW_WARNING, "%s connection, probe: %s", pool->spec.name, result->message);
	gw_session_judge(result, pool->spec.statements, pool_writes(pool), gw_pg_backend_pid(slot->pg),
					 &found);
	gw_pg_result_free(result);
	pool_found(pool, &found);
	if (!found.fit)
	{
		slot_connect_failed(slot, found.problem);
		return;
	}
	slot->pooled = found.pooled;
	gw_pg_set_release(slot->pg, found.release);
	slot_setup(slot);
}

/* The done() of the pool's own probe. One that was lost says nothing: the connection that replaces it is probed. */
static void
pool_probed(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwPool	   *pool = (GwPool *) ((char *) call - offsetof(GwPool, probe));
	GwFitness	found;

	if (outcome != GW_CALL_ANSWERED)
		return;
	if (result->is_error)
		gw_log(GW_WARNING, "%s connection, probe: %s", pool->spec.name, result->message);
	gw_session_judge(result, pool->spec.statements, pool_writes(pool), 0, &found);
	gw_pg_result_free(result);
	found.pooled = pool->fitness.pooled;
	pool_found(pool, &found);
}

/* Asks now and then, when nothing waits. A pool that has no connection asks when it has one. */
static void
pool_tick_probe(GwPool *pool, uint64_t now)
{
	if (now < pool->probe_us || pool->by_state[SLOT_READY] == 0 || pool->stats.queued > 0 ||
		pool->probe.state != GW_CALL_IDLE || pool->spec.kind == GW_POOL_STREAMS)
		return;
	gw_call_begin(&pool->probe, 0);
	*gw_call_step(&pool->probe, GW_STATEMENT_PROBE) = gw_session_probe(pool->functions.data);
	pool->probe.done = pool_probed;
	gw_pool_submit(pool, &pool->probe, true);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg);

/* (Re)creates the events: libpq may use another socket after each step of connecting. */
static void
slot_watch(GwSlot *slot, short what)
{
	int			fd = gw_pg_socket(slot->pg);

	slot_drop_events(slot);
	if (slot->state == SLOT_CONNECTING)
	{
		slot->readable = event_new(slot->pool->base, fd, what, on_connecting, slot);
		event_add(slot->readable, NULL);
		return;
	}
	slot->readable = event_new(slot->pool->base, fd, EV_READ | EV_PERSIST, on_readable, slot);
	slot->writable = event_new(slot->pool->base, fd, EV_WRITE | EV_PERSIST, on_writable, slot);
	event_add(slot->readable, NULL);
}

static void
slot_connect_failed(GwSlot *slot, const char *why)
{
	gw_log(GW_WARNING, "%s connection failed: %.*s", slot->pool->spec.name,
		   (int) strcspn(why, "\n"), why);
	slot->pool->stats.connect_failures++;
	slot_close(slot, true);
}

/* One step of connecting. */
static void
slot_poll(GwSlot *slot)
{
	switch (gw_pg_poll(slot->pg))
	{
		case GW_PG_CONNECT_READ:
			slot_watch(slot, EV_READ);
			break;
		case GW_PG_CONNECT_WRITE:
			slot_watch(slot, EV_WRITE);
			break;
		case GW_PG_CONNECT_DONE:
			slot->pool->stats.connects++;
			slot_set_state(slot, SLOT_PROBE);
			slot_watch(slot, 0);
			slot_probe(slot);
			pool_dispatch(slot->pool);
			break;
		case GW_PG_CONNECT_FAILED:
			slot_connect_failed(slot, gw_pg_error(slot->pg));
	}
}

static void
on_connecting(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	slot_poll(arg);
}

static void
slot_connect(GwSlot *slot, uint64_t now)
{
	const GwPoolSpec *spec = &slot->pool->spec;

	slot_set_state(slot, SLOT_CONNECTING);
	slot->deadline_us = now + (uint64_t) gw_conf.connect_timeout_ms * 1000;
	slot->pg = gw_pg_start(spec->dsn, gw_conf.prepared_statements && spec->kind != GW_POOL_STREAMS,
						   spec->statements);
	if (gw_pg_socket(slot->pg) < 0)
		slot_connect_failed(slot, gw_pg_error(slot->pg));
	else
		slot_watch(slot, EV_WRITE);	/* libpq: as if PQconnectPoll had returned WRITING */
}

/*
 * How little a slot wants another call; negative when it takes none. A read connection whose
 * oldest call is slow gets further reads only when all others are slow as well.
 */
static int
slot_load(const GwSlot *slot, uint64_t now)
{
	int			depth = slot->pool->spec.kind != GW_POOL_READS ? 1 : (int) gw_conf.read_pipeline_depth;
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);

	if (slot->state != SLOT_READY || slot->retire || slot->in_flight >= depth)
		return -1;
	if (oldest != NULL && now - oldest->sent_us > GW_SLOW_HEAD_MS * 1000)
		return slot->in_flight + depth;
	return slot->in_flight;
}

static GwSlot *
pool_choose(GwPool *pool, uint64_t now)
{
	GwSlot	   *best = NULL;
	int			best_load = 0;

	for (int i = 0; i < pool->spec.connections; i++)
	{
		int			load = slot_load(&pool->slots[i], now);

		if (load < 0 || (best != NULL && load >= best_load))
			continue;
		best = &pool->slots[i];
		best_load = load;
		if (load == 0)
			break;
	}
	return best;
}

/* Puts a call on a connection. False: it was not sent, and the connection is gone. */
static bool
slot_send(GwSlot *slot, GwCall *call, uint64_t now)
{
	GwPgStep	prelude[GW_PRELUDE_MAX];
	int			count = slot->pooled ? gw_session_prelude(prelude, pool_writes(slot->pool)) : 0;

	if (gw_pg_send(slot->pg, prelude, count, call->steps, call->step_count, call->row != NULL) ==
		GW_PG_NOT_SENT)
	{
		slot_lose(slot, gw_pg_error(slot->pg));
		return false;
	}
	TAILQ_INSERT_TAIL(&slot->flight, call, link);
	slot->in_flight++;
	slot->dirty = true;
	slot->pool->stats.in_flight++;
	slot->pool->stats.in_use += slot->in_flight == 1;
	slot->pool->stats.wait_us += now - call->queued_us;
	call->state = GW_CALL_IN_FLIGHT;
	call->slot = slot;
	slot->moved_us = now;
	slot->retire |= call->row != NULL;	/* for this call alone */
	call->sent_us = now;
	return true;
}

/* Sends queued calls while a connection takes them. Not re-entered from done(). */
static void
pool_dispatch(GwPool *pool)
{
	GwCall	   *call;

	if (pool->dispatching || TAILQ_EMPTY(&pool->queue))
		return;
	pool->dispatching = true;
	while ((call = TAILQ_FIRST(&pool->queue)) != NULL)
	{
		uint64_t	now = gw_clock_us();
		GwSlot	   *slot = pool_choose(pool, now);

		if (slot == NULL)
			break;
		TAILQ_REMOVE(&pool->queue, call, link);
		pool->stats.queued--;
		if (!slot_send(slot, call, now))
			queue_front(pool, call);
	}
	pool->dispatching = false;
}

/* Connections are made by the first ticks. */
GwPool *
gw_pool_create(struct event_base *base, const GwPoolSpec *spec)
{
	GwPool	   *pool = gw_alloc(sizeof(*pool));

	pool->base = base;
	pool->spec = *spec;
	gw_session_functions(spec->statements, &pool->functions);
	pool->slots = gw_alloc((size_t) spec->connections * sizeof(GwSlot));
	pool->stats.max = spec->connections;
	pool->by_state[SLOT_DOWN] = spec->connections;
	pool->seed = gw_clock_us() * 2 + 1;
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
		slot_close(&pool->slots[i], false);
	gw_text_free(&pool->functions);
	free(pool->slots);
	free(pool);
}

void
gw_call_begin(GwCall *call, size_t weight)
{
	assert(call->state == GW_CALL_IDLE);
	call->step_count = 0;
	call->weight = weight;
}

GwPgStep *
gw_call_step(GwCall *call, int statement)
{
	assert(call->step_count < GW_STEPS_MAX);
	call->steps[call->step_count] = (GwPgStep){.statement = statement};
	return &call->steps[call->step_count++];
}

void
gw_call_param(GwPgStep *step, const char *value)
{
	assert(step->param_count < GW_PARAMS_MAX);
	step->params[step->param_count++] = value;
}

void
gw_call_role(GwCall *call)
{
	if (gw_conf.database_role[0] != '\0')
		gw_call_param(gw_call_step(call, GW_STATEMENT_ROLE), gw_conf.database_role);
}

bool
gw_pool_submit(GwPool *pool, GwCall *call, bool admitted)
{
	uint64_t	now = gw_clock_us();

	assert(call->state == GW_CALL_IDLE);
	if (!admitted && gw_pool_problem(pool) != NULL)
		return false;
	if (!admitted && pool->stats.queued >= gw_conf.pool_queue_max && pool_choose(pool, now) == NULL)
		return false;
	call->pool = pool;
	call->repeats = call->row != NULL;	/* its rows cannot be taken back */
	call->queued_us = now;
	call->state = GW_CALL_QUEUED;
	TAILQ_INSERT_TAIL(&pool->queue, call, link);
	pool->stats.queued++;
	pool_dispatch(pool);
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
	GwSlot	   *slot = call->slot;

	slot->paused = true;
	event_del(slot->readable);
}

/* Rows may be in libpq's memory already: the event is made to happen. */
void
gw_pool_resume(GwCall *call)
{
	GwSlot	   *slot = call->slot;

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
	GwSlot	   *slot = call->slot;

	if (call->state != GW_CALL_IN_FLIGHT)
	{
		gw_pool_cancel(call);
		return;
	}
	slot_take_off_flight(slot, call);
	call->state = GW_CALL_IDLE;
	slot_close(slot, false);
}

void
gw_pool_on_notify(GwPool *pool, void (*notified)(const char *payload))
{
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
	return pool->by_state[SLOT_READY] > 0;
}

const char *
gw_pool_problem(const GwPool *pool)
{
	if (pool->by_state[SLOT_READY] > 0 || pool->fitness.problem[0] == '\0')
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

	stats.ready = pool->by_state[SLOT_READY];
	return stats;
}

/* Connections for streamed calls are made when they are needed. */
static bool
pool_wants_connection(const GwPool *pool)
{
	if (pool->spec.kind == GW_POOL_LISTENS)
		return gw_conf.metadata_wait_ms > 0;
	return pool->spec.kind != GW_POOL_STREAMS ||
		   pool->stats.queued > pool->by_state[SLOT_CONNECTING] + pool->by_state[SLOT_PROBE] +
			pool->by_state[SLOT_SETUP];
}

/* A streamed call: it may last so long, and the database may be silent so long. */
static void
slot_tick_stream(GwSlot *slot, const GwCall *call, uint64_t now)
{
	if (now - call->sent_us > (uint64_t) gw_conf.stream_timeout_ms * 1000)
		slot_lose(slot, "stream_timeout_ms is over");
	else if (!slot->paused && now - slot->moved_us > (uint64_t) gw_conf.call_timeout_ms * 1000)
		slot_lose(slot, "no row within call_timeout_ms");
}

static void
slot_tick(GwSlot *slot, uint64_t now)
{
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);

	if (slot->state == SLOT_DOWN && now >= slot->retry_us && pool_wants_connection(slot->pool))
		slot_connect(slot, now);
	else if (slot->state == SLOT_CONNECTING && now >= slot->deadline_us)
		slot_connect_failed(slot, "timeout");
	else if ((slot->state == SLOT_PROBE || slot->state == SLOT_SETUP) && now >= slot->deadline_us)
		slot_lose(slot, "timeout while setting up the session");
	else if (oldest != NULL && oldest->row != NULL)
		slot_tick_stream(slot, oldest, now);
	else if (oldest != NULL && now > oldest->sent_us &&
			 now - oldest->sent_us > (uint64_t) gw_conf.call_timeout_ms * 1000)
		slot_lose(slot, "no answer within call_timeout_ms");
}

void
gw_pool_tick(GwPool *pool, uint64_t now)
{
	uint64_t	limit = (uint64_t) gw_conf.pool_wait_ms * 1000;
	GwCall	   *call;

	for (int i = 0; i < pool->spec.connections; i++)
		slot_tick(&pool->slots[i], now);
	pool_tick_probe(pool, now);
	pool_dispatch(pool);
	while ((call = TAILQ_FIRST(&pool->queue)) != NULL &&
		   (now > call->queued_us + limit || gw_pool_problem(pool) != NULL))
	{
		gw_pool_cancel(call);
		pool->stats.wait_us += now - call->queued_us;
		call_finish(call, GW_CALL_EXPIRED, NULL);
	}
}

void
gw_pool_flush(GwPool *pool)
{
	for (int i = 0; i < pool->spec.connections; i++)
		if (pool->slots[i].dirty)
			slot_flush(&pool->slots[i]);
}
