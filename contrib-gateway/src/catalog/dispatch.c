/*
 * dispatch.c
 *		The way of a request to the database; see dispatch.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/dispatch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "catalog/answer.h"
#include "catalog/catalog.h"
#include "catalog/group.h"
#include "catalog/principal.h"
#include "catalog/respond.h"
#include "catalog/role_rates.h"
#include "catalog/statements.h"

typedef void (*Done)(GwCall *call, GwOutcome outcome, GwPgResult *result);

static void group_over(GwTicket *ticket);

static GwRequest *
request_of_ticket(GwTicket *ticket)
{
	return (GwRequest *) ((char *) ticket - offsetof(GwRequest, ticket));
}

GwPool *
gw_dispatch_pool(const GwRequest *request)
{
	if (request->waits)
		return request->database->waits;
	return request->route->access == GW_WRITE ? request->database->writes
											  : request->database->reads;
}

/* The extension is of the release before, which did not have the operation. */
static void
refuse_old(GwRequest *request, const GwPool *pool)
{
	char message[256];

	snprintf(message, sizeof(message),
			 "The extension icecat in the database has version \"%s\", which has no "
			 "%s: run ALTER EXTENSION icecat UPDATE",
			 gw_pool_version(pool), request->route->operation);
	gw_respond_refuse(request, 503, message, false);
}

/* Hands the call to its pool. One that a gate let in was admitted when it came. */
static bool
submit(GwRequest *request, GwState state, bool admitted)
{
	GwPool *pool = gw_dispatch_pool(request);

	gw_state_set(&request->state, state);
	if (gw_pool_offers(pool, GW_STATEMENT_OF(request->operation)) &&
		gw_pool_submit(pool, &request->call, admitted))
		return true;
	gw_dispatch_leave(request);
	return false;
}

/* Says why a call cannot be sent. */
static void
refuse(GwRequest *request)
{
	const GwPool *pool = gw_dispatch_pool(request);

	if (!gw_pool_offers(pool, GW_STATEMENT_OF(request->operation)))
		refuse_old(request, pool);
	else if (gw_pool_problem(pool) != NULL)
		gw_respond_refuse(request, 503, gw_pool_problem(pool), false);
	else
	{
		gw_counters.queue_refused++;
		gw_respond_refuse(request, 503, "Too many requests wait for the database", false);
	}
}

static int64_t
gate_width(const GwRequest *request)
{
	if (request->waits)
		return gw_conf.credential_gate_width;
	return request->route->flags & GW_ROUTE_ASIDE ? gw_conf.report_gate_width
												  : gw_conf.commit_gate_width;
}

/* The next one enters, alone or with those that wait behind it. */
static void
leave_gate(GwTicket *ticket, int64_t width)
{
	GwTicket  *entered = gw_gate_leave(gw_catalog.gates, ticket, width);
	GwRequest *next;

	if (entered == NULL)
		return;
	next = request_of_ticket(entered);
	next->gate_us = gw_clock_since(gw_clock_us(), entered->since_us);
	gw_counters.gate_wait_us += next->gate_us;
	if (!gw_group_start(next, gw_dispatch_pool(next), group_over) &&
		!submit(next, GW_STATE_INSIDE, true))
		refuse(next);
}

static void
group_over(GwTicket *ticket)
{
	leave_gate(ticket, gw_conf.commit_gate_width);
}

/* The next one goes before this one is answered. */
void
gw_dispatch_leave(GwRequest *request)
{
	bool inside = request->state == GW_STATE_INSIDE;

	gw_state_set(&request->state, GW_STATE_RESULT);
	if (inside)
		leave_gate(&request->ticket, gate_width(request));
}

/* Whose request it is, for the audit log; and in application_name, where that is wanted. */
static void
add_request_step(GwRequest *request, GwCall *call, bool tagged)
{
	GwPgStep *step = gw_call_step(call, GW_STATEMENT_REQUEST_ID);

	snprintf(request->tag, sizeof(request->tag), "icecat-gateway %s", request->exchange.id);
	gw_call_param(step, tagged ? request->tag : NULL);
	gw_call_param(step, request->exchange.id);
	gw_call_param(step, request->exchange.client);
}

/* How the client wishes to get at files, and whether the call may wait for a token service: on
 * connections that others use it may not. */
static void
add_delegation_step(GwRequest *request, GwCall *call)
{
	GwPgStep *step = gw_call_step(call, GW_STATEMENT_DELEGATION);

	gw_call_param(step, request->delegation);
	gw_call_param(step, request->waits ? "on" : "off");
}

/* The statements of the call: role and request id where they are wanted, then the route's. An error
 * is stored under the key by the route's function, which then does nothing else. */
static void
build_call(GwRequest *request, const char *error, Done done)
{
	GwCall *call = &request->call;
	bool    write = request->route->access == GW_WRITE;
	bool    delegates = request->delegation != NULL || request->route->flags & GW_ROUTE_SECRET;
	bool    tagged = gw_conf.database_request_id == GW_REQUEST_ID_ALL ||
				  (gw_conf.database_request_id == GW_REQUEST_ID_WRITES && write);
	GwPgStep *step;

	gw_call_begin(call, request->body.len);
	call->done = done;
	gw_principal_step(request, call);
	if (tagged || write || delegates)
		add_request_step(request, call, tagged);
	if (request->key[0] != '\0')
		gw_call_param(gw_call_step(call, GW_STATEMENT_KEY), request->key);
	if (delegates)
		add_delegation_step(request, call);
	if (request->deduplicate)
		gw_call_step(call, GW_STATEMENT_DEDUPLICATE);
	if (error != NULL)
		gw_call_param(gw_call_step(call, GW_STATEMENT_KEY_ERROR), error);
	else if (write && gw_database_in_maintenance(request->database))
		gw_call_step(call, GW_STATEMENT_MAINTENANCE);
	if (request->word.len > 0 && gw_router_has(request->route, GW_PARAM_QUERY_WAREHOUSE))
		gw_call_param(gw_call_step(call, GW_STATEMENT_CONFIG_PREFIX),
					  gw_arena_copy(&request->arena, request->word));
	step = gw_call_step(call, GW_STATEMENT_OF(request->operation));
	for (int i = 0; i < GW_PARAMS_MAX && request->route->params[i] != GW_PARAM_NONE; i++)
		gw_call_param(step, request->values[request->route->params[i]]);
}

/* warehouse NUL namespace NUL table or view NUL database NUL tenant NUL: no two of these have one
 * name, for a tenant's roles say names without the tenant's. A role of which nothing is known yet
 * has a part of its own. All that goes aside in a database has the key of that, and of the tenant,
 * alone; what waits for credentials has the warehouse's, too, behind a word. */
static GwSlice
gate_key(GwRequest *request)
{
	const char *prefix = request->values[GW_PARAM_PREFIX];
	bool        aside = request->route->flags & GW_ROUTE_ASIDE;
	char        number[24];
	GwRoleRates rates = {.tenant = ""};

	snprintf(number, sizeof(number), "%llu", (unsigned long long) request->database->realm.number);
	if (request->role != NULL)
		rates = gw_role_rates_find(request->database, request->role);
	if (request->waits)
		return gw_router_key(
			request->route, request->values, 0,
			(const char *[]){"credentials", prefix ? prefix : "", number, rates.tenant, NULL},
			&request->arena);
	return gw_router_key(request->route, request->values, aside ? 0 : 1u << GW_SOURCE_PATH,
						 (const char *[]){number, rates.tenant, NULL}, &request->arena);
}

static int64_t
gate_queue_max(const GwRequest *request)
{
	if (request->waits)
		return gw_conf.credential_gate_queue_max;
	return request->route->flags & GW_ROUTE_ASIDE ? gw_conf.report_gate_queue_max
												  : gw_conf.commit_gate_queue_max;
}

static const char *
gate_crowd(const GwRequest *request)
{
	if (request->waits)
		return "Too many requests wait for credentials";
	return request->route->flags & GW_ROUTE_ASIDE ? "Too many metrics reports wait"
												  : "Too many commits wait for this table";
}

/* Commits of one table, all that waits for credentials of one warehouse, or all that goes aside in
 * a database. */
static void
enter_gate(GwRequest *request)
{
	GwSlice key = gate_key(request);

	switch (gw_gate_enter(gw_catalog.gates, &request->ticket, key.data, key.len,
						  gate_width(request), gate_queue_max(request), gw_clock_us()))
	{
		case GW_GATE_OPEN:
			if (!submit(request, GW_STATE_INSIDE, false))
				refuse(request);
			break;
		case GW_GATE_WAIT:
			gw_state_set(&request->state, GW_STATE_GATE);
			break;
		case GW_GATE_FULL:
			gw_counters.gate_refused++;
			gw_respond_refuse(request, 503, gate_crowd(request), false);
	}
}

void
gw_dispatch_start(GwRequest *request, Done done)
{
	gw_answer_prepare(request);
	build_call(request, NULL, done);
	if (request->waits || request->route->flags & (GW_ROUTE_GATED | GW_ROUTE_ASIDE))
		enter_gate(request);
	else if (!submit(request, GW_STATE_CALL, false))
		refuse(request);
}

void
gw_dispatch_again(GwRequest *request)
{
	if (!submit(request, GW_STATE_CALL, true))
		refuse(request);
}

bool
gw_dispatch_store(GwRequest *request, const char *error, Done done)
{
	build_call(request, error, done);
	return submit(request, GW_STATE_STORE, true);
}

void
gw_dispatch_cancel_ticket(GwRequest *request)
{
	gw_gate_cancel(gw_catalog.gates, &request->ticket);
}

bool
gw_dispatch_cancel_call(GwRequest *request)
{
	return gw_pool_cancel(&request->call);
}

void
gw_dispatch_tick(uint64_t now)
{
	uint64_t  limit = (uint64_t) gw_conf.commit_gate_wait_ms * 1000;
	GwTicket *ticket;

	while (now > limit && (ticket = gw_gate_oldest(gw_catalog.gates, now - limit)) != NULL)
	{
		gw_gate_cancel(gw_catalog.gates, ticket);
		gw_counters.gate_expired++;
		gw_respond_refuse(request_of_ticket(ticket), 503, "The request waited too long at its gate",
						  false);
	}
}
