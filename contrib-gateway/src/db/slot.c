/*
 * slot.c
 *		One database connection of a pool; see slot.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/slot.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"

#define RECONNECT_DELAY_MIN_MS 50

typedef struct GwPool GwPool;

static void slot_probed(GwSlot *slot, GwPgResult *result);
static void on_connecting(evutil_socket_t fd, short what, void *arg);

static void
slot_set_state(GwSlot *slot, GwSlotState state)
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
void
gw_slot_close(GwSlot *slot, bool failed)
{
	uint64_t now = gw_clock_us();
	int64_t  pause = 0;

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
	slot_set_state(slot, GW_SLOT_DOWN);
}

void
gw_slot_finish_call(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	call->state = GW_CALL_IDLE;
	call->done_us = gw_clock_us();
	call->done(call, outcome, result);
}

void
gw_slot_take_off_flight(GwSlot *slot, GwCall *call)
{
	TAILQ_REMOVE(&slot->flight, call, link);
	slot->in_flight--;
	slot->pool->stats.in_flight--;
	slot->pool->stats.in_use -= slot->in_flight == 0;
}

void
gw_slot_queue_front(GwPool *pool, GwCall *call)
{
	TAILQ_INSERT_HEAD(&pool->queue, call, link);
	pool->stats.queued++;
	call->state = GW_CALL_QUEUED;
}

/* Does the call change something? What only waits may be of either kind. */
static bool
call_writes(const GwPool *pool, const GwCall *call)
{
	const GwPgStep *last = &call->steps[call->step_count - 1];

	return pool->spec.kind == GW_POOL_WRITES ||
		   (pool->spec.kind == GW_POOL_WAITS &&
			gw_statement_at(pool->spec.statements, last->statement)->writes);
}

/* Decides about every call in flight on a connection that is gone. undone: the oldest has certainly
 * not changed anything. */
static void
slot_fail_flight(GwSlot *slot, bool undone)
{
	GwCallList    failed = TAILQ_HEAD_INITIALIZER(failed);
	const GwCall *oldest = TAILQ_FIRST(&slot->flight);
	GwCall       *call;

	while ((call = TAILQ_LAST(&slot->flight, GwCallList)) != NULL)
	{
		bool reads = slot->pool->spec.kind == GW_POOL_READS ||
					 (slot->pool->spec.kind == GW_POOL_WAITS && !call_writes(slot->pool, call));

		gw_slot_take_off_flight(slot, call);
		if ((reads || (undone && call == oldest)) && call->repeats == 0)
		{
			call->repeats++;
			slot->pool->stats.repeats++;
			gw_slot_queue_front(slot->pool, call);
		}
		else
			TAILQ_INSERT_HEAD(&failed, call, link);
	}
	while ((call = TAILQ_FIRST(&failed)) != NULL)
	{
		TAILQ_REMOVE(&failed, call, link);
		gw_slot_finish_call(call, GW_CALL_LOST, NULL);
	}
}

void
gw_slot_lose(GwSlot *slot, const char *why)
{
	int  len = (int) strcspn(why, "\n");
	bool undone = !slot->pooled && gw_pg_has_undone(slot->pg);

	gw_log(GW_WARNING, "%s connection lost with %d call%s in flight: %.*s", slot->pool->spec.name,
		   slot->in_flight, slot->in_flight == 1 ? "" : "s", len, why);
	slot->pool->stats.losses++;
	gw_slot_close(slot, slot->state != GW_SLOT_READY);
	slot_fail_flight(slot, undone);
}

/* Sends what libpq holds, and waits for the socket when it does not take all. */
void
gw_slot_flush(GwSlot *slot)
{
	int rc = gw_pg_flush(slot->pg);

	slot->dirty = false;
	if (rc < 0)
		gw_slot_lose(slot, gw_pg_error(slot->pg));
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
	GwSlot *slot = arg;

	(void) fd;
	(void) what;
	gw_slot_flush(slot);
	slot->pool->dispatch(slot->pool);
}

static void
slot_becomes_ready(GwSlot *slot)
{
	slot->delay_ms = 0;
	slot_set_state(slot, GW_SLOT_READY);
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

/* A server that is going away, that takes no writes any more, or that does not fit any more (no
 * schema, no function): the next session is probed. */
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
	GwCall *call = TAILQ_FIRST(&slot->flight);

	assert(call != NULL);
	gw_slot_take_off_flight(slot, call);
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
		gw_slot_queue_front(slot->pool, call);
		return;
	}
	gw_slot_finish_call(call, GW_CALL_ANSWERED, result);
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
	GwCall *call = TAILQ_FIRST(&slot->flight);

	slot->moved_us = gw_clock_us();
	call->row(call, row);
}

/* Hands out all answers that are complete. */
static void
slot_drain(GwSlot *slot)
{
	GwPgResult result;

	while (slot->pg != NULL && !slot->paused && gw_pg_next(slot->pg, &result))
	{
		if (result.is_row)
			slot_row(slot, &result);
		else if (slot->state == GW_SLOT_PROBE)
			slot_probed(slot, &result);
		else if (slot->state == GW_SLOT_SETUP)
			slot_setup_answer(slot, &result);
		else
			slot_answer(slot, &result);
	}
	if (slot->retire && slot->in_flight == 0 && slot->state == GW_SLOT_READY)
	{
		slot->pool->stats.recycles++;
		gw_slot_close(slot, false);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	GwSlot *slot = arg;
	GwPool *pool = slot->pool;
	bool    alive;

	(void) fd;
	(void) what;
	alive = gw_pg_consume(slot->pg);
	pool->dispatching = true; /* answers of this turn first, then new calls */
	slot_drain(slot);
	if (pool->notified != NULL && slot->pg != NULL)
		gw_pg_notifications(slot->pg, pool->notified, pool->owner);
	if (!alive && slot->pg != NULL)
		gw_slot_lose(slot, gw_pg_error(slot->pg));
	pool->dispatching = false;
	pool->dispatch(pool);
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
	char answer_max[24];

	slot_set_state(slot, GW_SLOT_SETUP);
	slot->setup_left = 0;
	if (!slot->pooled)
		slot_send_setup(slot, gw_session_settings());
	snprintf(answer_max, sizeof(answer_max), "%lldB", (long long) gw_conf.stream_bytes_min);
	if (!slot->pooled && gw_conf.stream_bytes_min > 0 && gw_conf.prepared_statements &&
		(slot->pool->spec.kind == GW_POOL_READS || slot->pool->spec.kind == GW_POOL_WRITES ||
		 slot->pool->spec.kind == GW_POOL_WAITS))
		slot_send_setup(slot, (GwPgStep){.statement = GW_STATEMENT_ANSWER_MAX,
										 .param_count = 1,
										 .params = {answer_max}});
	if (slot->pool->spec.kind == GW_POOL_WRITES)
		slot_send_setup(slot, (GwPgStep){.statement = GW_STATEMENT_START_WORKER});
	if (slot->setup_left == 0)
		slot_becomes_ready(slot);
	else
		gw_slot_flush(slot);
}

bool
gw_slot_writes(const GwPool *pool)
{
	return pool->spec.kind == GW_POOL_WRITES;
}

/* The first thing that a session is asked. */
static void
slot_probe(GwSlot *slot)
{
	GwPgStep step = gw_session_probe(slot->pool->functions.data);

	slot_set_state(slot, GW_SLOT_PROBE);
	if (gw_pg_send(slot->pg, NULL, 0, &step, 1, false) == GW_PG_SENT)
		gw_slot_flush(slot);
	else
		gw_slot_lose(slot, gw_pg_error(slot->pg));
}

void
gw_slot_connect_failed(GwSlot *slot, const char *why)
{
	gw_log(GW_WARNING, "%s connection failed: %.*s", slot->pool->spec.name,
		   (int) strcspn(why, "\n"), why);
	slot->pool->stats.connect_failures++;
	gw_slot_close(slot, true);
}

/* The answer to the first question: the session is set up if it is fit, else closed. */
static void
slot_probed(GwSlot *slot, GwPgResult *result)
{
	GwPool   *pool = slot->pool;
	GwFitness found;

	if (result->is_error)
		gw_log(GW_WARNING, "%s connection, probe: %s", pool->spec.name, result->message);
	gw_session_judge(result, pool->spec.statements, gw_slot_writes(pool),
					 gw_pg_backend_pid(slot->pg), &found);
	gw_pg_result_free(result);
	pool->found(pool, &found);
	if (!found.fit)
	{
		gw_slot_connect_failed(slot, found.problem);
		return;
	}
	slot->pooled = found.pooled;
	gw_pg_set_release(slot->pg, found.release);
	slot_setup(slot);
}

/* (Re)creates the events: libpq may use another socket after each step of connecting. */
static void
slot_watch(GwSlot *slot, short what)
{
	int fd = gw_pg_socket(slot->pg);

	slot_drop_events(slot);
	if (slot->state == GW_SLOT_CONNECTING)
	{
		slot->readable = event_new(slot->pool->base, fd, what, on_connecting, slot);
		event_add(slot->readable, NULL);
		return;
	}
	slot->readable = event_new(slot->pool->base, fd, EV_READ | EV_PERSIST, on_readable, slot);
	slot->writable = event_new(slot->pool->base, fd, EV_WRITE | EV_PERSIST, on_writable, slot);
	event_add(slot->readable, NULL);
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
			slot_set_state(slot, GW_SLOT_PROBE);
			slot_watch(slot, 0);
			slot_probe(slot);
			slot->pool->dispatch(slot->pool);
			break;
		case GW_PG_CONNECT_FAILED:
			gw_slot_connect_failed(slot, gw_pg_error(slot->pg));
	}
}

static void
on_connecting(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	slot_poll(arg);
}

void
gw_slot_connect(GwSlot *slot, uint64_t now)
{
	const GwPoolSpec *spec = &slot->pool->spec;

	slot_set_state(slot, GW_SLOT_CONNECTING);
	slot->deadline_us = now + (uint64_t) gw_conf.connect_timeout_ms * 1000;
	slot->pg = gw_pg_start(spec->dsn, gw_conf.prepared_statements && spec->kind != GW_POOL_STREAMS,
						   spec->statements);
	if (gw_pg_socket(slot->pg) < 0)
		gw_slot_connect_failed(slot, gw_pg_error(slot->pg));
	else
		slot_watch(slot, EV_WRITE); /* libpq: as if PQconnectPoll had returned WRITING */
}

/* Puts a call on a connection. False: it was not sent, and the connection is gone. */
bool
gw_slot_send(GwSlot *slot, GwCall *call, uint64_t now)
{
	GwPgStep prelude[GW_PRELUDE_MAX];
	int      count = slot->pooled ? gw_session_prelude(prelude, call_writes(slot->pool, call)) : 0;

	if (gw_pg_send(slot->pg, prelude, count, call->steps, call->step_count, call->row != NULL) ==
		GW_PG_NOT_SENT)
	{
		gw_slot_lose(slot, gw_pg_error(slot->pg));
		return false;
	}
	TAILQ_INSERT_TAIL(&slot->flight, call, link);
	slot->in_flight++;
	slot->dirty = true;
	slot->pool->stats.in_flight++;
	slot->pool->stats.in_use += slot->in_flight == 1;
	slot->pool->stats.wait_us += gw_clock_since(now, call->queued_us);
	call->state = GW_CALL_IN_FLIGHT;
	call->slot = slot;
	slot->moved_us = now;
	slot->retire |= call->row != NULL; /* for this call alone */
	call->sent_us = now;
	return true;
}
