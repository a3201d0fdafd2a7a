/*
 * tls_ticket.h
 *		Keys of session tickets, by which a client resumes its session without another full
 *		handshake.
 *
 * A key seals tickets for tls_session_s and opens them for as long again; then it is gone, so that
 * who steals the memory of the process later cannot read what was sent before. The keys outlive a
 * reload of the certificate. Each gateway has its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TLS_TICKET_H
#define GW_TLS_TICKET_H

struct ssl_ctx_st;

/* Lets sessions of the context be resumed for tls_session_s, or not at all where that is 0. */
extern void gw_tls_ticket_use(struct ssl_ctx_st *context);

#endif
