/*
 * rate.c
 *		Requests per second of a principal and of a role; see rate.h.
 *
 * A request that is refused takes nothing, so a client that keeps coming gets its rate. Keys are
 * principals and roles that the database knows: nobody makes them up.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/rate.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/rates.h"
#include "catalog/catalog.h"
#include "catalog/respond.h"

#define LIMITS 2

typedef struct Limit
{
	char    text[GW_RATE_KEY_BYTES_MAX + 1];
	GwSlice key;
	GwRate  rate;
} Limit;

/* False: there is no such limit for the request. */
static bool
set_limit(Limit *limit, const GwDatabase *database, char kind, const char *name, int64_t per_s)
{
	int64_t burst = per_s * gw_conf.rate_burst_s;

	if (per_s == 0 || name == NULL)
		return false;
	snprintf(limit->text, sizeof(limit->text), "%c%llu:%s", kind,
			 (unsigned long long) database->realm.number, name);
	limit->key = (GwSlice){limit->text, strlen(limit->text)};
	limit->rate = (GwRate){per_s, burst > 0 ? burst : 1};
	return true;
}

static void
refuse(GwRequest *request, uint64_t wait_us)
{
	gw_counters.rate_refused++;
	request->auth.wait_s = ((wait_us + 999999) / 1000000);
	gw_respond_refuse(request, 429, "Too many requests: the rate of this principal is limited",
					  false);
}

bool
gw_rate_admit(GwRequest *request)
{
	Limit    limits[LIMITS];
	int      count = 0;
	uint64_t now = gw_clock_us();
	uint64_t wait_us = 0;

	count += set_limit(&limits[count], request->database, 'p', request->principal,
					   gw_conf.rate_principal_per_s);
	count += set_limit(&limits[count], request->database, 'r', request->role,
					   gw_conf.rate_role_per_s);
	for (int i = 0; i < count && wait_us == 0; i++)
		wait_us = gw_rates_wait(gw_catalog.rates, limits[i].key, limits[i].rate, now);
	if (wait_us > 0)
	{
		refuse(request, wait_us);
		return false;
	}
	for (int i = 0; i < count; i++)
		gw_rates_take(gw_catalog.rates, limits[i].key, limits[i].rate, gw_conf.rate_entries, now);
	return true;
}
