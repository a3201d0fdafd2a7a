/*
 * oauth_reply.h
 *		Answers of the token endpoint, in the form of RFC 6749.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_OAUTH_REPLY_H
#define GW_OAUTH_REPLY_H

#include "oauth/login.h"

/* Answers with an error. 401 says how to log in. error: NULL is that of the status. */
extern void gw_oauth_reply_error(GwLogin *login, int status, const char *error, const char *text);

/* The same for a connection that cannot go on. */
extern void gw_oauth_reply_fault(GwLogin *login, GwFault fault, bool close);

/* Answers with a token of the grant, or says why there is none. */
extern void gw_oauth_reply_token(GwLogin *login);

/* Answers what a page may send. */
extern void gw_oauth_reply_preflight(GwLogin *login);

#endif
