/*
 * handler.h
 *		The catalog, as client connections see it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_HANDLER_H
#define GW_HANDLER_H

#include "http/exchange.h"

extern const GwHandler gw_catalog_handler;

#endif
