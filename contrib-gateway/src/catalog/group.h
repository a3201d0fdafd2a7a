/*
 * group.h
 *		Commits that wait for one table go to the database in one call.
 *
 * The first that a gate lets in takes along those that wait right behind it, in their order, as far
 * as one call can do for all: of the same route, role and principal, and no more than
 * commit_group_max of them, of commit_group_bytes_max together. Nobody is overtaken.
 *
 * To the gate the group is one that is inside. Each of its requests hears of its own outcome
 * through the done() of its own call, as if that had been sent. One that was not made, because it
 * would have waited for others while the table was locked, or because the call failed as a whole,
 * goes back to the gate, before all others, and alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_GROUP_H
#define GW_GROUP_H

#include "catalog/request_data.h"

/*
 * For a request whose ticket is inside, and whose call is built. False: nobody goes with it. True:
 * all are in state GROUP now; over() comes once, with a ticket that is to leave the gate, before
 * any of them hears of its outcome.
 */
extern bool gw_group_start(GwRequest *request, GwPool *pool, void (*over)(GwTicket *ticket));

/* Takes a request out of its group, in state RESULT; false when the call was already sent. */
extern bool gw_group_leave(GwRequest *request);

#endif
