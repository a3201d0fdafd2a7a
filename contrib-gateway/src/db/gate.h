/*
 * gate.h
 *		A gate per table: few commits on one table are in the database, the rest wait here.
 *
 * Lock waiters would otherwise hold the pool's connections. Order is first come, first served, per
 * table. Pure bookkeeping: no I/O, no clock; times are given. A gate exists only while someone is
 * inside or waits, so memory follows the load. A ticket lives in its owner's memory and is in
 * exactly one of the states below, changed only by the functions here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_GATE_H
#define GW_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

typedef enum GwTicketState
{
	GW_TICKET_NONE,
	GW_TICKET_WAITING,
	GW_TICKET_INSIDE
} GwTicketState;

struct GwGate;

typedef struct GwTicket
{
	GwTicketState  state;
	uint64_t       since_us; /* began to wait */
	struct GwGate *gate;
	TAILQ_ENTRY(GwTicket) in_gate; /* waiters of this gate */
	TAILQ_ENTRY(GwTicket) in_all;  /* waiters of all gates, oldest first */
} GwTicket;

typedef struct GwGates GwGates;

typedef enum GwGateAnswer
{
	GW_GATE_OPEN, /* go on at once */
	GW_GATE_WAIT, /* a later gw_gate_leave or gw_gate_cancel returns this ticket */
	GW_GATE_FULL
} GwGateAnswer;

extern GwGates     *gw_gates_create(void);
extern void         gw_gates_destroy(GwGates *gates);
extern GwGateAnswer gw_gate_enter(GwGates *gates, GwTicket *ticket, const char *key, size_t key_len,
								  int64_t width, int64_t queue_max, uint64_t now_us);

/* Leaves the gate; returns the ticket that may enter now (its state is INSIDE), or NULL. */
extern GwTicket *gw_gate_leave(GwGates *gates, GwTicket *ticket, int64_t width);

/* The one that waits first at the gate of a ticket that is inside; NULL when nobody waits. */
extern GwTicket *gw_gate_next(const GwTicket *ticket);

/* Another ticket is inside in place of this one. */
extern void gw_gate_hand_over(GwTicket *ticket, GwTicket *other);

/* A ticket waits, before all others, at the gate of one that is inside; since when, it says. */
extern void gw_gate_go_first(GwGates *gates, GwTicket *ticket, const GwTicket *inside);

/* Stops waiting. */
extern void gw_gate_cancel(GwGates *gates, GwTicket *ticket);

/* The ticket that has waited longest, if since before that time; NULL when there is none. */
extern GwTicket *gw_gate_oldest(GwGates *gates, uint64_t before_us);

extern size_t gw_gate_waiting(const GwGates *gates);
extern size_t gw_gate_count(const GwGates *gates);

#endif
