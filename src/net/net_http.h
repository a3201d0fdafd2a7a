/*
 * net_http.h
 *		HTTP requests, many at once, without a thread that waits.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NET_HTTP_H
#define ICE_NET_HTTP_H

#include "storage/net.h"

/* Once in each process, before the first run. */
extern void  ice_net_http_start(void);
/* See IceNet in storage/net.h. */
extern void  ice_net_http_run(IceNetCall **calls, int count, int in_flight_max);
extern char *ice_net_http_header(const IceNetCall *call, const char *name);

#endif
