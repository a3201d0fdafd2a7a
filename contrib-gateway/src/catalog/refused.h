/*
 * refused.h
 *		Refused calls (401, 403), for the audit log of the database.
 *
 * Nobody waits for it: what is refused is noted, and written in batches, at most audit_refused_max
 * a second. More are dropped, and counted; so is a batch that cannot be written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REFUSED_H
#define GW_REFUSED_H

#include "catalog/request_data.h"

/* Notes a call that is answered with this status. */
extern void gw_refused_note(const GwRequest *request, int status);

/* Once per tick: writes what was noted. */
extern void gw_refused_tick(uint64_t now_us);

/* How many wait to be written. */
extern uint64_t gw_refused_waiting(void);

#endif
