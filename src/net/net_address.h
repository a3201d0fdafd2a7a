/*
 * net_address.h
 *		Which addresses a call may go to.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NET_ADDRESS_H
#define ICE_NET_ADDRESS_H

#include <sys/socket.h>

#include "storage/net.h"

/* Is an address within a reach (bits of IceNetReach)? Never for multicast, broadcast and other
 * families than those of the internet. */
extern bool ice_net_address_allowed(const struct sockaddr *address, int reach);
/* The same of its usual text. */
extern bool ice_net_address_text_allowed(const char *address, int reach);

#endif
