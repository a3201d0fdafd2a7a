/*
 * role_rates.h
 *		Of which tenant roles are, and how many requests a second it allows them.
 *
 * Nobody waits for it. A role that is new here is let in, and asked for by the next tick; what was
 * told holds until it is told again, and is asked for every rate_refresh_s while requests come.
 * A database that cannot be asked changes nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ROLE_RATES_H
#define GW_ROLE_RATES_H

#include "catalog/database.h"

#define GW_TENANT_ID_BYTES 40

typedef struct GwRoleRates
{
	char    tenant[GW_TENANT_ID_BYTES]; /* "": the role has none, or it is not known yet */
	int64_t tenant_per_s;               /* 0: no limit, as the next ones */
	int64_t role_per_s;
	int64_t principal_per_s;
} GwRoleRates;

/* What is known of the role; asks for it where that is too old. */
extern GwRoleRates gw_role_rates_find(GwDatabase *database, const char *role);

/* Once per tick: sends what is to be asked. */
extern void gw_role_rates_tick(void);

#endif
