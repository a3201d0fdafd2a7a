/*
 * refused.h
 *		Refused calls (401, 403) and log-ins, for the audit log of the database.
 *
 * Nobody waits for it: what is refused is noted, and written in batches, at most audit_refused_max
 * a second. More are dropped, and counted; so is a batch that cannot be written. Refusals that need
 * no role (of tokens and secrets) are written once for each kind (what, why, who, network) in
 * audit_repeats_window_s; at its end a row says how often the same came again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REFUSED_H
#define GW_REFUSED_H

#include "catalog/request_data.h"

/* Notes a call that is answered with this status. */
extern void gw_refused_note(const GwRequest *request, int status);

/* Notes a log-in that the token endpoint refused. client: its principal where the database knows
 * it, or NULL: what else a stranger says may be a secret in the wrong place. */
extern void gw_refused_note_login(GwDatabase *database, const GwExchange *exchange, int status,
								  const char *reason, const char *client);

/* Once per tick: writes what was noted. */
extern void gw_refused_tick(uint64_t now_us);

/* The gateway stops: all is written at once, by the next ticks. True: nothing waits any more. */
extern bool gw_refused_finish(void);

/* How many wait to be written, or counted in a row that is. */
extern uint64_t gw_refused_waiting(void);

#endif
