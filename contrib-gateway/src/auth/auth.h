/*
 * auth.h
 *		From a bearer token, or the certificate of a client, to a principal: the token is checked
 *		here, the role is asked of the database by the caller.
 *
 * A check says one of: DONE, the role is known; ASK, the token is good and its claims must be
 * turned into a role, which gw_auth_keep() is then told; WAIT, keys of its issuer are on their way,
 * and ready() will be called, after which the check is made again; REFUSED, 401; UNAVAILABLE, 503.
 * Waiting is bounded in number (auth_waiting_max) and time (auth_wait_ms), and blocks nobody else.
 *
 * No token is ever given to the log, and none is kept: only its SHA-256.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_AUTH_H
#define GW_AUTH_H

#include <sys/queue.h>

#include "auth/refusal.h"
#include "auth/verdicts.h"
#include "base/conf.h"

struct event_base;
struct GwIssuer;

typedef enum GwAuthStep
{
	GW_AUTH_DONE,
	GW_AUTH_ASK,
	GW_AUTH_WAIT,
	GW_AUTH_REFUSED,
	GW_AUTH_UNAVAILABLE
} GwAuthStep;

/* One token on its way, or a certificate of a client where that is not NULL. Its owner sets one of
 * these and ready, and everything else to 0, before the first check. A certificate never has to
 * WAIT. */
typedef struct GwAuthTicket
{
	GwSlice               token; /* stays in its owner's memory */
	const struct x509_st *certificate;
	void (*ready)(struct GwAuthTicket *ticket);

	GwVerdict   verdict; /* principal: after ASK and DONE; role: after DONE */
	GwRefusal   why;     /* of REFUSED */
	const char *problem; /* of UNAVAILABLE, for the client */
	const char *alias;   /* of the issuer, after ASK */
	char       *claims;  /* JSON, after ASK; gw_auth_end() frees it */

	bool             waits;
	struct GwIssuer *issuer;
	uint64_t         since_us; /* of the first wait; 0: it never waited */
	TAILQ_ENTRY(GwAuthTicket) link;
} GwAuthTicket;

/* Is any way to authenticate configured? */
extern bool gw_auth_is_on(void);

/* What is wrong with the settings as a whole; NULL: nothing. */
extern const char *gw_auth_problem(const GwConf *conf);

extern bool gw_auth_start(struct event_base *base);
extern void gw_auth_tick(uint64_t now_us);

extern GwAuthStep gw_auth_check(GwAuthTicket *ticket);

/* Counts a refusal; also of a request that brings no token. */
extern GwAuthStep gw_auth_refuse(GwAuthTicket *ticket, GwRefusal why);

/* The role of a ticket that was to be asked. */
extern void gw_auth_keep(GwAuthTicket *ticket, const char *role);

/* It is over, or its client is gone. */
extern void gw_auth_end(GwAuthTicket *ticket);

/* For the metrics. */
extern int64_t gw_auth_waiting(void);
extern int64_t gw_auth_kept(void);

#endif
