/*
 * identify.h
 *		From the token of a request to its role, before its call.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_IDENTIFY_H
#define GW_IDENTIFY_H

#include "catalog/request_data.h"

/* Finds the role: go_on() is called, now or later, or the request is answered. */
extern void gw_identify_start(GwRequest *request, void (*go_on)(GwRequest *request));

/* Before a large body has come: is its token certainly bad? Then that is the request's fault. */
extern void gw_identify_look(GwRequest *request);

/* Stops waiting for keys. */
extern void gw_identify_cancel(GwRequest *request);

#endif
