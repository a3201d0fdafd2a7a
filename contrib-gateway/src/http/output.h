/*
 * output.h
 *		The answers of a connection: whole ones, and those that flow.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_OUTPUT_H
#define GW_OUTPUT_H

#include "http/conn.h"

/* Gives the exchanges of a fresh connection their respond(), feed() and finish(). */
extern void gw_output_bind(GwConn *conn);

/* All of the answer is on its way. */
extern void gw_output_after_answer(GwConn *conn);

/* Answers that waited for each other go out together. */
extern void gw_output_flush(GwConn *conn);

#endif
