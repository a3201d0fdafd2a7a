/*
 * call.h
 *		A call to the database: its statements, where it is, and who hears of its outcome.
 *
 * A call is in exactly one place: in its pool's queue, or in the flight list of one slot. Its owner
 * hears of it once, through done().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CALL_H
#define GW_CALL_H

#include <sys/queue.h>

#include "db/pg.h"

typedef enum GwOutcome
{
	GW_CALL_ANSWERED, /* result is valid and belongs to the owner now */
	GW_CALL_LOST,     /* the connection was lost in flight: a write may have run */
	GW_CALL_EXPIRED   /* no connection within pool_wait_ms: it did not run */
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
	GwCallState    state;
	struct GwPool *pool;
	GwPgStep       steps[GW_STEPS_MAX];
	int            step_count;
	int            repeats;
	uint64_t       queued_us;
	uint64_t       sent_us;
	uint64_t       done_us;
	size_t         weight; /* bytes of the parameters */
	struct GwSlot *slot;   /* while in flight */
	void (*done)(struct GwCall *call, GwOutcome outcome, GwPgResult *result);
	void (*row)(struct GwCall *call,
				GwPgResult    *row); /* not NULL: a streamed call; the row is its own */
} GwCall;

/* The statements of a call. More of them than GW_STEPS_MAX, or more parameters of one than
 * GW_PARAMS_MAX, is a mistake of the program, and ends it. */
extern void      gw_call_begin(GwCall *call, size_t weight);
extern GwPgStep *gw_call_step(GwCall *call, int statement);
extern void      gw_call_param(GwPgStep *step, const char *value);

/* The same, in the binary form that the server reads. */
extern void gw_call_param_bytes(GwPgStep *step, const char *value, size_t len);

/* The step that takes the role of the setting, if there is one. */
extern void gw_call_role(GwCall *call);

/* Instead of it: the step that takes the role of a principal, and says who that is. */
extern void gw_call_identity(GwCall *call, const char *role, const char *principal);

#endif
