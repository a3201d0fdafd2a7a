/*
 * flow.h
 *		From a form to a token: who asks, what for, and what the database says of it.
 *
 * A secret never goes to the database: it is asked what to check by. Where it cannot answer, who
 * has a good token of ours gets the next one all the same: the token is of no use without the
 * database, which is asked for its role again when it is used.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FLOW_H
#define GW_FLOW_H

#include "oauth/login.h"

/* Answers, now or later. */
extern void gw_flow_start(GwLogin *login, GwSlice body);

/* The client is gone. False: a call is in the database, and the answer will still come. */
extern bool gw_flow_abandon(GwLogin *login);

/* It is over. */
extern void gw_flow_end(GwLogin *login);

#endif
