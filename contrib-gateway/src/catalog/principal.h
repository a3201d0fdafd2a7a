/*
 * principal.h
 *		Whose request it is: the token of its head, and the role that its calls run under. Nothing
 *		here answers.
 *
 * Without any setting of authentication nothing here does anything: every call runs as the
 * gateway's own role.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_PRINCIPAL_H
#define GW_PRINCIPAL_H

#include "catalog/request_data.h"

/* Takes the token out of the head. A request that needs one and has none gets a fault. */
extern void gw_principal_read(GwRequest *request, const GwHttpHead *head);

/* The step of a call that takes the role. */
extern void gw_principal_step(const GwRequest *request, GwCall *call);

/* Did the database not let the gateway become the principal's role? */
extern bool gw_principal_is_refused(const GwRequest *request, const GwPgResult *result);

/* WWW-Authenticate of a 401. */
extern const char *gw_principal_challenge(const GwRequest *request);

/* The request is over. */
extern void gw_principal_end(GwRequest *request);

#endif
