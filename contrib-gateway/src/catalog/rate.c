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
#include "catalog/role_rates.h"

#define LIMITS 5

typedef struct Limit
{
	const char *whose; /* for the client */
	char        text[GW_RATE_KEY_BYTES_MAX + 1];
	GwSlice     key;
	GwRate      rate;
} Limit;

typedef struct Limits
{
	int   count;
	Limit list[LIMITS];
} Limits;

/* Adds a limit, where the request has it. kind: what the name is of; two limits of
 * one name have buckets of their own. */
static void
add_limit(Limits *limits, const GwRequest *request, const char *kind, const char *name,
		  int64_t per_s)
{
	Limit  *limit = &limits->list[limits->count];
	int64_t burst = per_s * gw_conf.rate_burst_s;

	if (per_s == 0 || name == NULL)
		return;
	limit->whose = strchr(kind, ' ') != NULL ? strchr(kind, ' ') + 1 : kind;
	snprintf(limit->text, sizeof(limit->text), "%s %llu:%s", kind,
			 (unsigned long long) request->database->realm.number, name);
	limit->key = (GwSlice){limit->text, strlen(limit->text)};
	limit->rate = (GwRate){per_s, burst > 0 ? burst : 1};
	limits->count++;
}

/* Those of the settings, and those that the database has as quotas of the role's tenant. */
static void
find_limits(const GwRequest *request, Limits *limits)
{
	GwRoleRates rates;

	limits->count = 0;
	add_limit(limits, request, "principal", request->principal, gw_conf.rate_principal_per_s);
	add_limit(limits, request, "role", request->role, gw_conf.rate_role_per_s);
	if (request->role == NULL)
		return;
	rates = gw_role_rates_find(request->database, request->role);
	add_limit(limits, request, "quota principal", request->principal, rates.principal_per_s);
	add_limit(limits, request, "quota role", request->role, rates.role_per_s);
	add_limit(limits, request, "tenant", rates.tenant, rates.tenant_per_s);
}

static void
refuse(GwRequest *request, const Limit *limit, uint64_t wait_us)
{
	char message[96];

	gw_counters.rate_refused++;
	request->auth.wait_s = ((wait_us + 999999) / 1000000);
	snprintf(message, sizeof(message), "Too many requests: the rate of this %s is limited",
			 limit->whose);
	gw_respond_refuse(request, 429, message, false);
}

bool
gw_rate_admit(GwRequest *request)
{
	Limits   limits;
	uint64_t now = gw_clock_us();

	find_limits(request, &limits);
	for (int i = 0; i < limits.count; i++)
	{
		const Limit *limit = &limits.list[i];
		uint64_t     wait_us = gw_rates_wait(gw_catalog.rates, limit->key, limit->rate, now);

		if (wait_us == 0)
			continue;
		refuse(request, limit, wait_us);
		return false;
	}
	for (int i = 0; i < limits.count; i++)
		gw_rates_take(gw_catalog.rates, limits.list[i].key, limits.list[i].rate,
					  gw_conf.rate_entries, now);
	return true;
}
