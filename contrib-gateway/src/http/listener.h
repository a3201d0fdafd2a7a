/*
 * listener.h
 *		Listening sockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_LISTENER_H
#define GW_LISTENER_H

#include <stdbool.h>

#include "http/clients.h"

/* Are these addresses, each with a port or without, and with http:// or https:// before it or
 * without, separated by commas? */
extern bool gw_listener_is_valid(const char *addresses);

/* Listens on every address of the setting; false with a log line when one cannot be had. An address
 * without a port has the one of the setting port. */
extern bool gw_listener_open(const GwService *service);

/* Does any of the addresses speak TLS? */
extern bool gw_listener_uses_tls(const char *addresses);

/* Does any address beyond this machine not speak TLS? */
extern bool gw_listener_is_open(void);

/* Do all of them listen on this machine alone? */
extern bool gw_listener_is_local(void);

/* Before closing: lets no new connection come, while those that were made are still accepted. True
 * when it did so before. */
extern bool gw_listener_hold_off(void);

/* Accepts what is left, then closes. */
extern void gw_listener_close(void);

/* Once per tick: listens again after the process ran out of descriptors. */
extern void gw_listener_tick(void);

#endif
