/*
 * known.h
 *		What the database has said of clients and keys, and who may try a secret: one store for the
 *		process.
 *
 * Nothing in it is a secret: salts and hashes. It is used while the database cannot be asked, and
 * while it is not to be asked because too many wrong secrets come.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_KNOWN_H
#define GW_KNOWN_H

#include "auth/credential.h"
#include "auth/throttle.h"

extern void gw_known_start(void);

/* May it be tried? KNOWN only where what is known is fresh; else the database is asked, which makes
 * it so. */
extern GwThrottleStep gw_known_check(const GwTry *try, int64_t *wait_s);

/* What the database has said: NULL is that there is none. */
extern void gw_known_put(const GwTry *try, const GwCredential *credential);

/* What it said no longer ago than that. False: nothing. */
extern bool gw_known_find(const GwTry *try, int64_t age_max_s, GwCredential *out);

/* How a try ended. */
extern void gw_known_tried(const GwTry *try, bool good);

/* For the metrics. */
extern int64_t gw_known_tallies(void);

#endif
