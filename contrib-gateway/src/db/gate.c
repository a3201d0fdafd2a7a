/*
 * gate.c
 *		A gate per table; see gate.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/gate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BUCKETS 1024 /* a power of two; a table is one entry while it is committed to */

typedef TAILQ_HEAD(TicketList, GwTicket) TicketList;

typedef struct GwGate
{
	LIST_ENTRY(GwGate) link;
	int64_t    inside;
	int64_t    waiting;
	TicketList waiters;
	size_t     key_len;
	char       key[];
} GwGate;

struct GwGates
{
	LIST_HEAD(, GwGate) buckets[BUCKETS];
	TicketList all;
	size_t     waiting;
	size_t     count;
};

GwGates *
gw_gates_create(void)
{
	GwGates *gates = gw_alloc(sizeof(*gates));

	TAILQ_INIT(&gates->all);
	return gates;
}

/* Everybody has left by now. */
void
gw_gates_destroy(GwGates *gates)
{
	assert(gates->count == 0);
	free(gates);
}

/* FNV-1a: keys are names that the database has yet to accept, collisions only cost time. */
static size_t
hash(const char *key, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char) key[i]) * 16777619u;
	return h & (BUCKETS - 1);
}

static GwGate *
find_or_create(GwGates *gates, const char *key, size_t len)
{
	size_t  bucket = hash(key, len);
	GwGate *gate;

	LIST_FOREACH(gate, &gates->buckets[bucket], link)
	if (gate->key_len == len && memcmp(gate->key, key, len) == 0)
		return gate;
	gate = gw_alloc(sizeof(*gate) + len);
	gate->key_len = len;
	memcpy(gate->key, key, len);
	TAILQ_INIT(&gate->waiters);
	LIST_INSERT_HEAD(&gates->buckets[bucket], gate, link);
	gates->count++;
	return gate;
}

static void
free_if_unused(GwGates *gates, GwGate *gate)
{
	if (gate->inside > 0 || gate->waiting > 0)
		return;
	LIST_REMOVE(gate, link);
	gates->count--;
	free(gate);
}

/* The one place where a ticket starts or stops waiting. */
static void
set_waiting(GwGates *gates, GwTicket *ticket, bool waits)
{
	GwGate *gate = ticket->gate;

	if (waits)
	{
		TAILQ_INSERT_TAIL(&gate->waiters, ticket, in_gate);
		TAILQ_INSERT_TAIL(&gates->all, ticket, in_all);
		gate->waiting++;
		gates->waiting++;
		ticket->state = GW_TICKET_WAITING;
	}
	else
	{
		TAILQ_REMOVE(&gate->waiters, ticket, in_gate);
		TAILQ_REMOVE(&gates->all, ticket, in_all);
		gate->waiting--;
		gates->waiting--;
		ticket->state = GW_TICKET_NONE;
	}
}

/* Nobody overtakes: a gate with waiters lets no newcomer in, even when it has room. */
GwGateAnswer
gw_gate_enter(GwGates *gates, GwTicket *ticket, const char *key, size_t key_len, int64_t width,
			  int64_t queue_max, uint64_t now_us)
{
	GwGate *gate = find_or_create(gates, key, key_len);

	assert(ticket->state == GW_TICKET_NONE);
	ticket->gate = gate;
	ticket->since_us = now_us;
	if (gate->inside < width && gate->waiting == 0)
	{
		gate->inside++;
		ticket->state = GW_TICKET_INSIDE;
		return GW_GATE_OPEN;
	}
	if (gate->waiting >= queue_max)
	{
		ticket->gate = NULL;
		return GW_GATE_FULL;
	}
	set_waiting(gates, ticket, true);
	return GW_GATE_WAIT;
}

GwTicket *
gw_gate_leave(GwGates *gates, GwTicket *ticket, int64_t width)
{
	GwGate   *gate = ticket->gate;
	GwTicket *next = TAILQ_FIRST(&gate->waiters);

	assert(ticket->state == GW_TICKET_INSIDE);
	ticket->state = GW_TICKET_NONE;
	ticket->gate = NULL;
	gate->inside--;
	if (next != NULL && gate->inside < width)
	{
		set_waiting(gates, next, false);
		next->state = GW_TICKET_INSIDE;
		gate->inside++;
		return next;
	}
	free_if_unused(gates, gate);
	return NULL;
}

GwTicket *
gw_gate_next(const GwTicket *ticket)
{
	assert(ticket->state == GW_TICKET_INSIDE);
	return TAILQ_FIRST(&ticket->gate->waiters);
}

void
gw_gate_hand_over(GwTicket *ticket, GwTicket *other)
{
	assert(ticket->state == GW_TICKET_INSIDE && other->state == GW_TICKET_NONE);
	other->state = GW_TICKET_INSIDE;
	other->gate = ticket->gate;
	ticket->state = GW_TICKET_NONE;
	ticket->gate = NULL;
}

/* The list of all stays in the order of time. */
void
gw_gate_go_first(GwGates *gates, GwTicket *ticket, const GwTicket *inside)
{
	GwGate   *gate = inside->gate;
	GwTicket *later = TAILQ_FIRST(&gates->all);

	assert(ticket->state == GW_TICKET_NONE && inside->state == GW_TICKET_INSIDE);
	while (later != NULL && later->since_us < ticket->since_us)
		later = TAILQ_NEXT(later, in_all);
	if (later != NULL)
		TAILQ_INSERT_BEFORE(later, ticket, in_all);
	else
		TAILQ_INSERT_TAIL(&gates->all, ticket, in_all);
	TAILQ_INSERT_HEAD(&gate->waiters, ticket, in_gate);
	gate->waiting++;
	gates->waiting++;
	ticket->gate = gate;
	ticket->state = GW_TICKET_WAITING;
}

void
gw_gate_cancel(GwGates *gates, GwTicket *ticket)
{
	GwGate *gate = ticket->gate;

	assert(ticket->state == GW_TICKET_WAITING);
	set_waiting(gates, ticket, false);
	ticket->gate = NULL;
	free_if_unused(gates, gate);
}

GwTicket *
gw_gate_oldest(GwGates *gates, uint64_t before_us)
{
	GwTicket *oldest = TAILQ_FIRST(&gates->all);

	return oldest != NULL && oldest->since_us < before_us ? oldest : NULL;
}

size_t
gw_gate_waiting(const GwGates *gates)
{
	return gates->waiting;
}

size_t
gw_gate_count(const GwGates *gates)
{
	return gates->count;
}
