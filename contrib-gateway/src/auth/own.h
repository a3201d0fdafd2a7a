/*
 * own.h
 *		Tokens of the gateway's own: their keys, and making one. The keys come from the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_OWN_H
#define GW_OWN_H

#include "auth/grant.h"
#include "auth/realm.h"

/* The database's answer to a question for keys, or why there is none (NULL: there is an answer). */
extern void gw_own_take(GwRealm *realm, GwSlice document, const char *why);

/* Is there a key that may sign? */
extern bool gw_own_is_ready(const GwRealm *realm);

/* Appends the audience that such a token has: the database that the keys are of, and what the
 * setting oauth_audience adds. False: no key is there yet. */
extern bool gw_own_audience(const GwRealm *realm, GwText *out);

/* A token; *lifetime_s is how long it lives, and may be cut. False: it cannot be made, or would be
 * too long. */
extern bool gw_own_issue(const GwRealm *realm, const GwGrant *grant, GwGrantUse use,
						 int64_t *lifetime_s, GwText *out);

/* The realm ends. */
extern void gw_own_end(GwRealm *realm);

#endif
