/*
 * respond.h
 *		Answers of a request: errors, and what a function gave. Each of these answers, unless it
 *		says otherwise.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_RESPOND_H
#define GW_RESPOND_H

#include "catalog/error_map.h"
#include "catalog/request_data.h"

/* An error that is spelt out; one of the gateway's own, after which the connection may close; what
 * the database said. */
extern void gw_respond_error(GwRequest *request, int status, const char *type, const char *message);
extern void gw_respond_refuse(GwRequest *request, int status, const char *message, bool close);
extern void gw_respond_database_error(GwRequest *request, const GwPgResult *result);

/* The connection was lost while the call was in flight. */
extern void gw_respond_lost(GwRequest *request);

/* Turns the value of the function into the answer that the route promises. The result's memory may
 * be taken over. */
extern void gw_respond_value(GwRequest *request, GwPgResult *result);

/* What a web page may send. */
extern void gw_respond_preflight(GwRequest *request);

/* These only tell. Did a function that answers whether something exists say that it does not? */
extern bool gw_respond_is_absent(const GwRequest *request, const GwPgResult *result);

/* What an error of the database is for the client; is it one of the extension's own; its message
 * and detail. */
extern GwErrorKind gw_respond_error_kind(const GwRequest *request, const GwPgResult *result);
extern bool        gw_respond_is_own_error(const GwPgResult *result);
extern void        gw_respond_put_own_message(GwText *out, const GwPgResult *result);

#endif
