/*
 * request_data.h
 *		What is known of one request. No functions: head, dispatch, retry, respond, answer, large
 *		and await share it.
 *
 * Its strings lie in its arena, which the next request of the connection uses again.
 *
 * A reply is the last that is done with a request: code that calls a function of which a header
 * says "answers" must not touch the request after it. The connection ends the request before that
 * function returns, and poisons it where sanitizers watch.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REQUEST_DATA_H
#define GW_REQUEST_DATA_H

#include "auth/auth.h"
#include "catalog/cache.h"
#include "catalog/database.h"
#include "catalog/files.h"
#include "catalog/router.h"
#include "catalog/state.h"
#include "db/gate.h"
#include "db/pool.h"
#include "http/exchange.h"

typedef struct GwRequest
{
	GwExchange exchange; /* must be first */
	GwState    state;

	/* head.c: what the head and the body say */
	GwArena        arena;
	GwDatabase    *database; /* held; NULL: no head could be read, or there is none for it */
	GwSlice        word;     /* the first of the warehouse's name, where that led to the database */
	const GwRoute *route;    /* NULL: there is none for it */
	int            operation;
	size_t         below;                  /* bytes of the path before what is routed */
	bool           spaces;                 /* second try: a '+' in the path is taken for a space */
	const char    *values[GW_PARAM_COUNT]; /* for the statement */
	GwSlice        body;
	char           key[GW_KEY_BYTES_MAX + 1]; /* Idempotency-Key; "" for none */
	bool           deduplicate;               /* Icecat-Deduplicate: true */
	const char    *delegation;                /* X-Iceberg-Access-Delegation; NULL: none */
	const char    *client_tags;               /* If-None-Match; see conditional.h */
	GwAccept       accept;
	char           allow[64]; /* methods of the path, when this one is not among them */
	bool           foreign;   /* of a web page that may change nothing; see cors.h */
	bool           preflight;
	const char    *origin;        /* to be named in the answer, or NULL */
	const char    *asked_headers; /* of a preflight */
	const char    *accept_socket; /* of a WebSocket: what its handshake is answered with, or NULL */

	/* identify.c: whose it is. Where nothing is authenticated, role is NULL: calls run as the
	 * gateway's own role */
	GwAuthTicket auth;
	const char  *role;
	const char  *principal;
	void (*identified)(struct GwRequest *request);
	bool told_419; /* its client wants to hear so that its token has expired */
	bool deserted; /* its client has left while a call was in the database */

	/* dispatch.c: its way to the database */
	GwTicket ticket;
	bool     waits; /* may wait for a token service: it has connections and a gate of its own */
	GwCall   call;
	char     tag[GW_REQUEST_ID_BYTES_MAX + 32]; /* application_name during the call */
	uint64_t gate_us;                           /* waited at the gate */

	/* share.c */
	struct GwShare     *share;      /* whose call is this one's; NULL: no other waits for it */
	struct GwShareList *share_list; /* SHARE: that it is in */
	uint64_t            share_turn; /* the call that it waits for */
	TAILQ_ENTRY(GwRequest) share_link;

	/* group.c */
	struct GwGroup *group; /* of the call, in state GROUP */
	TAILQ_ENTRY(GwRequest) in_group;
	bool alone; /* it has been in a group, and goes alone now */

	/* retry.c: calls with a key */
	GwPgResult final_error;    /* STORE: is being stored under the key */
	GwText     final_text;     /* its SQLSTATE and message */
	int        losses;         /* how often the call had to be sent again */
	uint64_t   retry_us;       /* PAUSE: when to send it again */
	uint64_t   retry_until_us; /* when to give up */
	TAILQ_ENTRY(GwRequest) retry_link;

	/* respond.c: SQLSTATE of the error that is answered, or "" */
	char outcome[6];

	/* await.c: FILES */
	GwFileWaiter file_wait;
	GwPgResult   kept; /* the answer */
	void (*files_done)(struct GwRequest *request);

	/* answer.c and large.c: what goes to the client */
	GwSlice       cache_key; /* empty: not an answer that is kept */
	GwCacheEntry *cached;    /* held; what the key had when the call was built */
	GwDeflater   *deflater;  /* of an answer in pieces; NULL: it is not compressed */

	/* streamer.h: a stream that goes on; NULL: none */
	struct GwEventStream *stream;
} GwRequest;

typedef TAILQ_HEAD(GwShareList, GwRequest) GwShareList;

typedef void (*GwShareDone)(GwCall *call, GwOutcome outcome, GwPgResult *result);

#endif
