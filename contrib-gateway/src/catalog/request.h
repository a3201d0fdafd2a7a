/*
 * request.h
 *		One request from its head to its answer: route, checks, gate, pool, reply.
 *
 * It is one side of an exchange, and the connection is the other: exchange.h says who calls what.
 * state.h says what the request can be doing, request_data.h what is known of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REQUEST_H
#define GW_REQUEST_H

#include "catalog/request_data.h"

/* With no head: one that could not be read, or whose time ran out. */
extern void gw_request_begin(GwRequest *request, const GwHttpHead *head);

/* Answers, now or later. */
extern void gw_request_run(GwRequest *request, GwSlice body);

/* The client is gone: true when the request was dropped, false when its answer will still come. */
extern bool gw_request_abandon(GwRequest *request);

/* What it was about and what it took, so far. */
extern GwUsage gw_request_usage(const GwRequest *request);

/* It is over: frees or keeps the arena, for the next request. Nothing but begin() and free() may
 * follow. */
extern void gw_request_end(GwRequest *request);
extern void gw_request_free(GwRequest *request);

/* Once per tick: pauses and waits at gates that are over. */
extern void gw_request_tick(uint64_t now_us);

#endif
