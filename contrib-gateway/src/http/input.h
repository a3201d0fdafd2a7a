/*
 * input.h
 *		What comes from a client: heads and bodies, as far as they have arrived.
 *
 * Input is read into one buffer of the process; only what cannot be used at once is kept per
 * connection, so that idle connections cost little. `view` is the input not yet used: it lies in
 * the shared buffer or in `in`, and is saved by gw_input_keep_rest() before the event handler
 * returns.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_INPUT_H
#define GW_INPUT_H

#include "http/conn.h"

/* Reads once: into the shared buffer, or behind what is kept already. As recv(2). */
extern ssize_t gw_input_read(GwConn *conn);

/* Uses the view as far as it goes. */
extern void gw_input_advance(GwConn *conn);

/* Saves what the view still holds. */
extern void gw_input_keep_rest(GwConn *conn);

/* Goes on with kept input after an answer. */
extern void gw_input_go_on(GwConn *conn);

/* The client sends no more, and all that it sent is used. */
extern void gw_input_finish(GwConn *conn);

/* Answers at once and closes: what follows cannot be trusted, or is too much. */
extern void gw_input_refuse(GwConn *conn, GwFault fault);

#endif
