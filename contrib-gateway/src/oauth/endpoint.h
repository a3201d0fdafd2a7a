/*
 * endpoint.h
 *		POST /v1/oauth/tokens, as client connections see it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ENDPOINT_H
#define GW_ENDPOINT_H

#include "http/exchange.h"

extern const GwHandler gw_endpoint_handler;

/* Before the first request. */
extern void gw_endpoint_start(void);

#endif
