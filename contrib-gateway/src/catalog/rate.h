/*
 * rate.h
 *		Requests per second of a principal and of a role: what comes faster is answered 429.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_RATE_H
#define GW_RATE_H

#include "catalog/request_data.h"

/* May the request go on, whose principal and role are known? If not, it was answered. */
extern bool gw_rate_admit(GwRequest *request);

#endif
