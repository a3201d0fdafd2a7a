/*
 * key_watch.h
 *		Asks the database for the keys that tokens are signed with.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_KEY_WATCH_H
#define GW_KEY_WATCH_H

#include "auth/issuer.h"

/* Asks the database whose issuer this is, as soon as there is a connection; gw_own_take() is told
 * what came of it. */
extern void gw_key_watch_ask(GwIssuer *own);

extern void gw_key_watch_tick(uint64_t now_us);

#endif
