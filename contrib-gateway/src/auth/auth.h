/*
 * auth.h
 *		From a bearer token, or the certificate of a client, to a principal: the token is checked
 *		here, the role is asked of the database by the caller.
 *
 * A check says one of: ASK_KEY, an API key: the database is to be asked for what it is checked by,
 * which gw_auth_take_key() is then told, or nobody may ask at the moment; DONE, the role is known;
 * ASK, the token is good and its claims must be turned into a role, which gw_auth_keep() is then
 * told; WAIT, keys of its issuer are on their way, and ready() will be called, after which the
 * check is made again; REFUSED, 401; UNAVAILABLE, 503; LATER, 429. Waiting is bounded in number
 * (auth_waiting_max) and time (auth_wait_ms), and blocks nobody else.
 *
 * No token is ever given to the log, and none is kept: only its SHA-256.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_AUTH_H
#define GW_AUTH_H

#include <sys/queue.h>

#include "auth/credential.h"
#include "auth/realm.h"
#include "auth/refusal.h"
#include "auth/verdicts.h"
#include "base/conf.h"

struct event_base;
struct GwIssuer;

typedef enum GwAuthStep
{
	GW_AUTH_DONE,
	GW_AUTH_ASK,
	GW_AUTH_ASK_KEY,
	GW_AUTH_WAIT,
	GW_AUTH_REFUSED,
	GW_AUTH_UNAVAILABLE,
	GW_AUTH_LATER
} GwAuthStep;

/* What a token is to be: that of a call, the subject of an exchange, or a refresh token of our
 * own. */
typedef enum GwAuthUse
{
	GW_AUTH_CALL,
	GW_AUTH_SUBJECT,
	GW_AUTH_REFRESH
} GwAuthUse;

/* The id of an API key is in front of its secret: ice_ID_SECRET. */
#define GW_AUTH_KEY_BEGIN "ice_"

/* One token on its way, or a certificate of a client where that is not NULL. Its owner sets one of
 * these and ready, and everything else to 0, before the first check. A certificate never has to
 * WAIT. */
typedef struct GwAuthTicket
{
	GwSlice               token; /* stays in its owner's memory */
	GwRealm              *realm; /* set by the owner, as the next ones */
	const struct x509_st *certificate;
	struct stack_st_X509 *chain; /* sent with it */
	void (*ready)(struct GwAuthTicket *ticket);
	GwAuthUse use; /* only the token of a call may be DONE */

	GwVerdict   verdict; /* principal: after ASK and DONE; role: after DONE */
	GwRefusal   why;     /* of REFUSED */
	const char *problem; /* of UNAVAILABLE, for the client */
	const char *alias;   /* of the issuer, after ASK; GW_GRANT_ALIAS: ourselves */
	char       *claims;  /* JSON, after ASK; gw_auth_end() frees it */

	/* of an API key */
	const char *network; /* of the client; set by the owner */
	char        key_id[GW_CREDENTIAL_ID_BYTES_MAX + 1];
	int64_t     wait_s; /* of LATER */

	bool             looks; /* the check is only a look */
	bool             waits;
	struct GwIssuer *issuer;
	uint64_t         since_us; /* of the first wait; 0: it never waited */
	TAILQ_ENTRY(GwAuthTicket) link;
} GwAuthTicket;

/* Is any way to authenticate configured? */
extern bool gw_auth_is_on(void);

/* What is wrong with the settings as a whole; NULL: nothing. */
extern const char *gw_auth_problem(const GwConf *conf);

/* ask_own() asks a database for the keys of our own tokens; see issuer.h. */
extern bool gw_auth_start(struct event_base *base, void (*ask_own)(GwIssuer *own));

/* A realm begins, with a number of its own, and ends when nobody uses it any more. */
extern void gw_auth_open_realm(GwRealm *realm, uint64_t number);
extern void gw_auth_close_realm(GwRealm *realm);

/* Whose certificates of clients are good in the realm: those of the authorities in the file; "": of
 * those that the gateway believes. */
extern void gw_auth_use_authorities(GwRealm *realm, const char *path);
extern bool gw_auth_authorities_usable(const char *path);

extern void gw_auth_tick(uint64_t now_us);

extern GwAuthStep gw_auth_check(GwAuthTicket *ticket);

/* Before the body has come: REFUSED, where that is certain. Nothing waits, and anything else means
 * that it is to be checked. */
extern GwAuthStep gw_auth_look(GwAuthTicket *ticket);

/*
 * What the database said of the key that it was asked for; NULL: it has none. DONE, REFUSED, LATER,
 * or ASK: the key is good, and there is no role for it; the credential says why.
 */
extern GwAuthStep gw_auth_take_key(GwAuthTicket *ticket, const GwCredential *credential);

/* The session that a good token is of has ended. REFUSED. */
extern GwAuthStep gw_auth_end_session(GwAuthTicket *ticket);

/* Counts a refusal; also of a request that brings no token. */
extern GwAuthStep gw_auth_refuse(GwAuthTicket *ticket, GwRefusal why);

/* The role of a ticket that was to be asked. */
extern void gw_auth_keep(GwAuthTicket *ticket, const char *role);

/* For a token that is to be made: are the keys there that it is signed with? DONE, WAIT as for a
 * check, or UNAVAILABLE. */
extern GwAuthStep gw_auth_wait_own(GwAuthTicket *ticket);

/* It is over, or its client is gone. */
extern void gw_auth_end(GwAuthTicket *ticket);

/* For the metrics. */
extern int64_t gw_auth_waiting(void);
extern int64_t gw_auth_kept(void);

#endif
