/*
 * clients.h
 *		All client connections.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CLIENTS_H
#define GW_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <event2/event.h>

#include "http/exchange.h"

/* What a listening socket offers to its connections. */
typedef struct GwService
{
	struct event_base *base;

	/* who answers; NULL ends them, and the last one takes what no other does */
	const GwHandler *const *handlers;
	bool                    tls;
} GwService;

/* Takes over a fresh socket; above connections_max it is told 503 and closed. */
extern void gw_clients_accept(const GwService *service, int fd, const struct sockaddr *peer);

/* Where no handler is on the stack: goes on with those that were answered, and frees those that are
 * over. */
extern void gw_clients_settle(void);
extern bool gw_clients_is_settled(void);

/* Once per tick: timeouts. */
extern void gw_clients_tick(uint64_t now_us);

/* Draining: closes those that do nothing; the others close after their answer. */
extern void gw_clients_close_idle(uint64_t now_us);
extern int  gw_clients_count(void);

/* At the end of the process: closes all, whatever they are doing. */
extern void gw_clients_close_all(void);

#endif
