/*
 * request.h
 *		One request from its head to its answer: route, checks, gate, pool, reply.
 *
 * It is one side of an exchange, and the connection is the other: exchange.h says who calls what. Its strings lie in an
 * arena that is reused by the next request.
 *
 * A reply is the last that is done with a request: code that calls a function of which this header says "answers", or
 * respond() and finish() themselves, must not touch the request after it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REQUEST_H
#define GW_REQUEST_H

#include "catalog/cache.h"
#include "catalog/files.h"
#include "catalog/router.h"
#include "db/gate.h"
#include "http/exchange.h"
#include "db/pool.h"

typedef struct GwRequest
{
	GwExchange	exchange;		/* must be first */
	GwCall		call;
	GwTicket	ticket;
	const GwRoute *route;
	int			operation;
	char		tag[GW_REQUEST_ID_BYTES_MAX + 32]; /* application_name during the call */
	char		key[GW_KEY_BYTES_MAX + 1];	/* Idempotency-Key; "" for none */
	bool		deduplicate;	/* Icecat-Deduplicate: true */
	GwPgResult	final_error;	/* is being stored under the key; handle is NULL when none is */
	GwText		final_text;		/* its SQLSTATE and message */
	int			losses;			/* how often the call with its key had to be sent again */
	uint64_t	retry_us;		/* waits: when to send the call again */
	uint64_t	retry_until_us; /* when to give up */
	TAILQ_ENTRY(GwRequest) retry_link;
	bool		retry_waits;
	GwFileWaiter file_wait;		/* the answer waits for the files that it names */
	GwPgResult	kept;			/* that answer */
	char		allow[64];
	bool		foreign;		/* of a web page that may change nothing; see cors.h */
	bool		preflight;
	const char *origin;			/* to be named in the answer, or NULL */
	const char *asked_headers;	/* of a preflight */
	bool		answered;		/* an answer is under way to the client, or was thrown away */
	size_t		below;			/* bytes of the path before what is routed */
	bool		spaces;			/* a '+' in the path is taken for a space */
	const char *values[GW_PARAM_COUNT];	/* for the statement */
	GwSlice		body;
	GwAccept	accept;
	const char *client_tags;	/* If-None-Match; see conditional.h */
	GwSlice		cache_key;		/* empty: not an answer that is kept */
	GwDeflater *deflater;		/* of an answer that flows; NULL: it is not compressed */
	bool		flowing;		/* the head of such an answer is out */
	GwCacheEntry *cached;		/* held; what the key had when the call was built */
	GwArena		arena;
	uint64_t	gate_us;		/* waited at the gate */
} GwRequest;

/* With no head: one that could not be read, or whose time ran out. */
extern void gw_request_begin(GwRequest *request, const GwHttpHead *head);

/* Does the body matter, or is it only to be read over? */
extern bool gw_request_wants_body(const GwRequest *request);

/* Answers, now or later. */
extern void gw_request_run(GwRequest *request, GwSlice body);

/* Answers with an error: one that is spelt out, or what the database said. */
extern void gw_request_error(GwRequest *request, int status, const char *type, const char *message);
extern void gw_request_database_error(GwRequest *request, const GwPgResult *result);

/* Answers with an error of the gateway's own. */
extern void gw_request_refuse(GwRequest *request, int status, const char *message, bool close);

/* Answers with what was kept while its files were written. */
extern void gw_request_go_on(GwRequest *request);

/* The client is gone: true when the request was dropped, false when respond() will still come. */
extern bool gw_request_abandon(GwRequest *request);

/* What it was about and what it took, so far. */
extern GwUsage gw_request_usage(const GwRequest *request);

/* It is over: frees or keeps the arena, for the next request. Nothing but begin() and free() may follow. */
extern void gw_request_end(GwRequest *request);
extern void gw_request_free(GwRequest *request);

/* Hands the answer to the connection, which ends the request, except for one that flows. */
extern void gw_request_respond(GwRequest *request, GwReply *reply);

/* Once per tick: those who waited too long at a gate. */
extern void gw_request_tick(uint64_t now_us);

#endif
