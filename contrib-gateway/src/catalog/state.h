/*
 * state.h
 *		Where a request is on its way from its head to its end. Pure.
 *
 * A request is in exactly one state, which only gw_state_set() changes. Bookkeeping of others (the
 * ticket at a gate, the call in its pool, the wait for files) follows from the state; nothing here
 * is decided by looking at it.
 *
 *	IDLE -> READING -> [KEYS] -> [ASK] -> [SHARE | GATE -> INSIDE | GROUP | CALL] -> RESULT -> OVER
 *	-> IDLE
 *
 * with these ways from RESULT back or around: GATE, INSIDE and CALL once more, with spaces in the
 * names, or alone after GROUP; PAUSE and CALL, for a call with a key that was lost; STORE, for its
 * final error; FILES; PIECES and FLOW; FLOW, for a stream that goes on until somebody ends it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STATE_H
#define GW_STATE_H

#include <stdbool.h>

typedef enum GwState
{
	GW_STATE_IDLE,    /* there is no request */
	GW_STATE_READING, /* the head is read, the body comes */
	/* waits for keys that its token needs. Abandoned: taken off the list */
	GW_STATE_KEYS,
	/* a call asks which role its principal has. Abandoned: as CALL, and none follows it */
	GW_STATE_ASK,
	/* waits for a call that asks the same. Abandoned: taken off the list */
	GW_STATE_SHARE,
	GW_STATE_GATE, /* waits at its gate. Abandoned: its ticket is given back */
	/* as CALL, and it keeps others out of its gate. Abandoned: the same, and the next one enters */
	GW_STATE_INSIDE,
	/* as INSIDE, and its call is one with those of others. Abandoned: taken out of it, or it goes
	 * on */
	GW_STATE_GROUP,
	/* its call is queued or in the database. Abandoned: taken out of the queue, or it goes on */
	GW_STATE_CALL,
	/* its call or its wait is over; what follows is decided before the event handler returns */
	GW_STATE_RESULT,
	/* its call was lost, and is sent again later. Abandoned: taken off the list */
	GW_STATE_PAUSE,
	/* a call stores its final error under the key. Abandoned: as CALL */
	GW_STATE_STORE,
	/* its answer waits for the files that it names. Abandoned: the answer is freed */
	GW_STATE_FILES,
	/* its answer is asked for in pieces; none was sent. Abandoned: as CALL */
	GW_STATE_PIECES,
	GW_STATE_FLOW, /* pieces are sent. The connection ends that by stop() */
	GW_STATE_OVER, /* answered or abandoned: nothing but its end may follow */
	GW_STATE_COUNT
} GwState;

/* Ends the process where the table of state.c does not allow the change. */
extern void gw_state_set(GwState *state, GwState next);

extern bool gw_state_allows(GwState from, GwState to);

#endif
