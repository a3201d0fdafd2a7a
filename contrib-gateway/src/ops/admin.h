/*
 * admin.h
 *		/health, /ready and /metrics: a handler of its own, before the catalog's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "http/exchange.h"

extern const GwHandler gw_admin_handler;

/* Before the first request: makes the pages known to the counters. */
extern void gw_admin_start(void);

#endif
