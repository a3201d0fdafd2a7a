/*
 * admin.h
 *		/health, /ready and /metrics.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

/* Adds the pages to what the catalog serves. */
extern void gw_admin_start(void);

#endif
