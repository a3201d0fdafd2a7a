/*
 * dispatch.h
 *		The way of a request to the database: its gate, its pool, its call.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_DISPATCH_H
#define GW_DISPATCH_H

#include "catalog/request_data.h"

/*
 * Sends the route's call, by way of its gate; done() comes once, in state RESULT after
 * gw_dispatch_leave(). Or answers, when that cannot be.
 */
extern void gw_dispatch_start(GwRequest *request,
							  void (*done)(GwCall *call, GwOutcome outcome, GwPgResult *result));

/* Sends a call past the gate: the same again, or answers; or one that stores an error, false when
 * that cannot be. */
extern void gw_dispatch_again(GwRequest *request);
extern bool gw_dispatch_store(GwRequest *request, const char *error,
							  void (*done)(GwCall *call, GwOutcome outcome, GwPgResult *result));

/* The call is over: the next one at the same gate is let in. */
extern void gw_dispatch_leave(GwRequest *request);

/* Stops waiting at the gate. Takes the call out of its queue; false when it was already sent. */
extern void gw_dispatch_cancel_ticket(GwRequest *request);
extern bool gw_dispatch_cancel_call(GwRequest *request);

/* Where calls of the route go. */
extern GwPool *gw_dispatch_pool(const GwRequest *request);

/* Answers those who waited too long at a gate. */
extern void gw_dispatch_tick(uint64_t now_us);

#endif
