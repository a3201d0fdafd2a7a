/*
 * login.h
 *		What is known of one request for a token. No functions: endpoint, flow and oauth_reply share
 *		it.
 *
 * Its secrets lie in its form and in what was decoded of its head; both are cleared when it ends.
 * A reply is the last that is done with it: what a header says "answers" ends it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_LOGIN_H
#define GW_LOGIN_H

#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/form.h"
#include "auth/grant.h"
#include "catalog/database.h"
#include "db/pool.h"
#include "http/exchange.h"

/* What a token is asked for with. */
typedef enum GwLoginKind
{
	GW_LOGIN_SECRET,   /* client_credentials */
	GW_LOGIN_EXCHANGE, /* another token */
	GW_LOGIN_REFRESH,  /* a refresh token */
	GW_LOGIN_KINDS
} GwLoginKind;

typedef struct GwLogin
{
	GwExchange exchange; /* must be first */

	/* endpoint.c: the head */
	bool   preflight;
	char  *path;
	char  *origin;   /* to be named in the answer, or NULL */
	char  *asked;    /* header fields of a preflight */
	char  *basic_id; /* NULL: it was none */
	char  *basic_secret;
	size_t basic_size;

	GwDatabase *database; /* held; NULL: there is none for it */

	/* flow.c: from the form to a grant */
	GwForm       form;
	GwLoginKind  kind;
	const char  *client;                   /* who it says it is; NULL: nobody */
	const char  *secret;                   /* NULL: it proves nothing */
	int64_t      wait_s;                   /* of a 429 */
	bool         proved;                   /* the secret is the client's */
	char         role[GW_FORM_ROLE_BYTES]; /* that it asks to be narrowed to; "" for none */
	GwCredential credential;
	GwAuthTicket ticket; /* of the token that it brings */
	json_t      *claims; /* of that token */
	GwGrant      grant;
	char        *question; /* claims of the grant */
	GwCall       call;
	bool         waits; /* for keys */
} GwLogin;

#endif
