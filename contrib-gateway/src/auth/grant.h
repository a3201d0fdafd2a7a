/*
 * grant.h
 *		What a token of the gateway's own says: who it is for, and since when. Pure.
 *
 * It is for a client of icecat.create_client(), or for the principal of another issuer, whose
 * claims it carries: which role that is, the database says again each time, as for a token of that
 * issuer. Access tokens and refresh tokens differ by a claim, and neither is taken for the other.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_GRANT_H
#define GW_GRANT_H

#include "auth/strict_json.h"

#define GW_GRANT_ISSUER    "urn:icecat:gateway"
#define GW_GRANT_ALIAS     "icecat"     /* of a client's principal */
#define GW_GRANT_KEY_ALIAS "icecat-key" /* of an API key's */

/* The texts belong to others. */
typedef struct GwGrant
{
	const char *subject;
	const char *client;  /* NULL: a principal of another issuer */
	const char *session; /* of the client */
	const char *origin;  /* alias of that issuer */
	json_t     *claims;  /* which it gave */
	const char *role;    /* "": that of the client or principal */
	const char *scope;
	/* when the client logged in, or the principal's first token was exchanged */
	int64_t     since_s;
	int64_t     until_s; /* no token of it lives longer; 0: for as long as there is the client */
} GwGrant;

typedef enum GwGrantUse
{
	GW_GRANT_ACCESS,
	GW_GRANT_REFRESH
} GwGrantUse;

/* The claims of a token that lives for so long, for an audience (NULL: none is named). *lifetime_s
 * is cut where the grant ends before. */
extern json_t *gw_grant_claims(const GwGrant *grant, const char *audience, GwGrantUse use,
							   int64_t now_s, int64_t *lifetime_s);

/* Reads claims that were signed by us. False: they are not for that use. The grant's texts are
 * theirs. */
extern bool gw_grant_read(json_t *claims, GwGrantUse use, GwGrant *out);

#endif
