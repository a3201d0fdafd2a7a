/*
 * slot.h
 *		A place for one database connection of a pool. Private to the pool.
 *
 * Its state changes only in slot_set_state:
 *
 *	DOWN --tick--> CONNECTING --poll--> PROBE --fit--> SETUP --answer--> READY --loss or
 *	recycling--> DOWN
 *
 * The probe and setup calls are sent by the slot itself and have no owner; READY slots take calls.
 * A session that is not fit (session.h) is closed and tried again, as one that could not be made.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SLOT_H
#define GW_SLOT_H

#include <event2/event.h>

#include "db/call.h"
#include "db/pool_spec.h"
#include "db/session.h"

typedef TAILQ_HEAD(GwCallList, GwCall) GwCallList;

typedef enum GwSlotState
{
	GW_SLOT_DOWN,
	GW_SLOT_CONNECTING,
	GW_SLOT_PROBE,
	GW_SLOT_SETUP,
	GW_SLOT_READY,
	GW_SLOT_STATES
} GwSlotState;

typedef struct GwSlot
{
	struct GwPool *pool;
	GwSlotState    state;
	GwPg          *pg;
	struct event  *readable;
	struct event  *writable;
	bool           write_pending; /* the writable event is armed */
	bool           dirty;         /* something was sent in this turn */
	bool           paused;        /* rows of a streamed call wait in the socket */
	uint64_t       moved_us;      /* streamed call: last row, or last pause */
	bool           retire;        /* replace it as soon as nothing is in flight */
	GwCallList     flight;        /* oldest first */
	int            in_flight;
	int            setup_left;  /* setup calls without an answer */
	bool           pooled;      /* its session may be another one in each transaction */
	uint64_t       retry_us;    /* DOWN: when to try again */
	uint64_t       deadline_us; /* CONNECTING, PROBE, SETUP */
	int64_t        delay_ms;
} GwSlot;

/* What the slots of a pool share. */
struct GwPool
{
	struct event_base *base;
	GwPoolSpec         spec;
	GwText             functions; /* that the operations need */
	GwSlot            *slots;
	GwCallList         queue;
	int                by_state[GW_SLOT_STATES];
	GwPoolStats        stats;
	bool               dispatching;
	bool               listens; /* LISTEN was said on the connection that there is now */
	void (*notified)(void *owner, const char *channel, const char *payload);
	void     *owner;    /* whom it is told */
	GwFitness fitness;  /* as the latest probe found it */
	GwCall    probe;    /* the next one */
	uint64_t  probe_us; /* when */
	uint64_t  seed;

	/* what a slot asks of its pool: calls may be sent now; a probe was answered */
	void (*dispatch)(struct GwPool *pool);
	void (*found)(struct GwPool *pool, const GwFitness *found);
};

extern void gw_slot_connect(GwSlot *slot, uint64_t now_us);
extern void gw_slot_connect_failed(GwSlot *slot, const char *why);

/* Puts a call on a connection. False: it was not sent, and the connection is gone. */
extern bool gw_slot_send(GwSlot *slot, GwCall *call, uint64_t now_us);

/* Sends what libpq holds, and waits for the socket when it does not take all. */
extern void gw_slot_flush(GwSlot *slot);

/* The connection is gone: decides about every call in flight, and connects again. */
extern void gw_slot_lose(GwSlot *slot, const char *why);

/* Closes the connection; the next attempt comes after a pause that grows with each failure. */
extern void gw_slot_close(GwSlot *slot, bool failed);

/* The places of a call: off the connection, to the front of the queue, to its owner. */
extern void gw_slot_take_off_flight(GwSlot *slot, GwCall *call);
extern void gw_slot_queue_front(struct GwPool *pool, GwCall *call);
extern void gw_slot_finish_call(GwCall *call, GwOutcome outcome, GwPgResult *result);

/* Are the pool's calls changes? */
extern bool gw_slot_writes(const struct GwPool *pool);

#endif
