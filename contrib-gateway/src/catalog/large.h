/*
 * large.h
 *		Answers too large to be held: they flow from the database to the client, piece by piece.
 *
 * The function of the route has said that its answer is large. It is asked for again, in pieces, on
 * a connection made for it alone. What the client has not taken is bounded: above it the database's
 * socket is not read, so its session waits. A client that leaves, or is too slow, costs that
 * connection and nothing else.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_LARGE_H
#define GW_LARGE_H

#include "catalog/request_data.h"

/* Asks for the answer in pieces; or answers, when that cannot be. */
extern void gw_large_start(GwRequest *request);

/* The client has taken what was waiting. */
extern void gw_large_go_on(GwRequest *request);

/* Takes what was asked for out of its queue; false when it was already sent. */
extern bool gw_large_cancel(GwRequest *request);

/* The client is gone in the middle of it. */
extern void gw_large_stop(GwRequest *request);

#endif
