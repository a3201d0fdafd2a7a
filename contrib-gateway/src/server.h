/*
 * server.h
 *		What there is one of in the process: event base, pools, gates, and the drain state.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SERVER_H
#define GW_SERVER_H

#include "catalog/cache.h"
#include "db/gate.h"
#include "db/pool.h"

/* GW_VERSION is given by the Makefile, from icecat.control. */

typedef struct GwServer
{
	struct event_base *base;
	GwPool	   *reads;
	GwPool	   *writes;
	GwPool	   *streams;		/* answers too large to be held */
	GwGates    *gates;
	GwCache    *cache;
	bool		draining;		/* SIGTERM came: not ready, no keep-alive */
	uint64_t	buffered_bytes; /* bodies and unsent answers in memory */
} GwServer;

extern GwServer gw_server;

#endif
