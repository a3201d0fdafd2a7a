/*
 * forwarded.h
 *		What a trusted proxy says about the client behind it. Pure.
 *
 * The fields count only when the peer is in the setting trusted_proxies: any other peer could write
 * anything. Of a chain of proxies the trusted ones at its end are skipped; what is before them is
 * hearsay and not read. X-Forwarded-Proto is not needed: no answer holds a URL of this server.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FORWARDED_H
#define GW_FORWARDED_H

#include "http/parse.h"

#define GW_ADDRESS_BYTES 64

/* Is it a list of addresses and CIDR ranges, separated by commas? Empty is one. */
extern bool gw_forwarded_proxies_valid(const char *list);

/* Is the address, as text without a port, in one of the ranges? */
extern bool gw_forwarded_proxies_hold(const char *list, const char *address);

/* The client's address from X-Forwarded-For, else from Forwarded; false when neither says it. */
extern bool gw_forwarded_client(const GwHttpHead *head, const char *proxies,
								char out[GW_ADDRESS_BYTES]);

/* Do both of these fields say a client, and not the same one? A proxy writes one of them, and may
 * pass on the other as the client wrote it. */
extern bool gw_forwarded_contradicts(const GwHttpHead *head, const char *proxies);

/* What one stranger may have all of: an address of version 4, the first half of one of version
 * 6. */
extern void gw_forwarded_network(const char *address, char out[GW_ADDRESS_BYTES]);

/* Is the peer on this machine, and the client itself? What proxies add to requests says that it is
 * not; and so does a host that another one may have given this machine's address to. */
extern bool gw_forwarded_is_local(const GwHttpHead *head, const char *peer);

/* The host that the client named, from X-Forwarded-Host; empty where it is not there once, with one
 * host. */
extern GwSlice gw_forwarded_host(const GwHttpHead *head);

/* The path under which the proxy serves this server, from X-Forwarded-Prefix; empty when it does
 * not say. */
extern GwSlice gw_forwarded_prefix(const GwHttpHead *head);

#endif
