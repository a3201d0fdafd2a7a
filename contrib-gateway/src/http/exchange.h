/*
 * exchange.h
 *		One request and its answer: all that a client connection and a handler know of each other.
 *
 * The connection reads a head and calls begin(), then run() with the whole body. The handler
 * answers by respond(), exactly once after run(), now or later, unless abandon() said that the
 * request was dropped. An answer that is too large to be held says so in its reply (flows), and
 * goes on by feed() and finish().
 *
 * The handler's own memory begins with a GwExchange; it lies in the connection and is used by one
 * request after the other. respond() and finish() end the request: nothing may touch it after them
 * until the next begin(). Where sanitizers watch, the connection poisons that memory in between.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_EXCHANGE_H
#define GW_EXCHANGE_H

#include "base/limits.h"
#include "http/coding.h"
#include "http/parse.h"
#include "http/reply.h"

/* What became of a piece of an answer. */
typedef enum GwFed
{
	GW_FED,      /* more may come */
	GW_FED_FULL, /* it was taken; the next one after go_on() */
	GW_FED_GONE  /* the client is gone, and stop() was called */
} GwFed;

struct GwConn;
struct x509_st;
struct stack_st_X509;

typedef struct GwExchange
{
	/* what the head says; set before begin() */
	GwMethod              method;
	char                  method_text[GW_METHOD_BYTES_MAX + 1];
	char                  id[GW_REQUEST_ID_BYTES_MAX + 1];
	GwCoding              coding;  /* of the body as it comes; the handler gets it decoded */
	bool                  proxied; /* the peer is a trusted proxy */
	/* the client is on this machine, and no proxy says that it speaks for another */
	bool                  local;
	uint64_t              started_us; /* the first byte */
	const char           *client; /* its address, as the log has it; in the connection's memory */
	/* of the client, verified; NULL: it showed none. For begin() and run() */
	const struct x509_st *certificate;
	struct stack_st_X509 *chain;       /* sent with it */
	const char           *server_name; /* that the handshake was for; NULL: none was said */
	/* of the client: its address, or the part of it that is one network's; in the connection's
	 * memory */
	const char           *network;

	/* of the handler, which may lower it in begin(): what a body may have, as it comes and decoded;
	 * more is answered 413 */
	uint64_t body_max;

	/* of both sides: the first fault is the answer. A status of 0: there is none yet */
	GwFault fault;

	/* of the handler, before an answer that flows: how much may wait for the client before feed()
	 * says FULL; the answer ends by the client alone, which is gone when it ends its own side, and
	 * how long it may take nothing is the handler's to say */
	size_t flow_max;
	bool   endless;
	/* of the handler, before such an answer: both sides send frames. What feed() takes goes as it
	 * is, and what the client sends goes to receive() */
	bool   frames;

	/* of the handler, for the log: as received, in its own memory; the query is never logged */
	GwSlice path;

	/* of the connection; set once */
	struct GwConn *conn;
	void (*respond)(struct GwExchange *exchange, GwReply *reply);
	GwFed (*feed)(struct GwExchange *exchange, GwSlice piece); /* after a reply that flows */
	void (*finish)(struct GwExchange *exchange, bool whole);
	/* for how long the client of an answer that flows has taken nothing of what waits for it */
	uint64_t (*stalled_us)(const struct GwExchange *exchange, uint64_t now);
} GwExchange;

/* What a request was about and what it took, for the log and the counters. */
typedef struct GwUsage
{
	int         operation; /* a number of the counters */
	uint64_t    wait_us;   /* for others */
	const char *database;  /* NULL: there is nothing to tell */
	const char *principal; /* NULL: not known */
	uint64_t    db_us;
} GwUsage;

/* Who answers. Each listener has a table of handlers, by which an incoming request is given to one
 * of them. */
typedef struct GwHandler
{
	size_t size; /* of its memory for one request, which begins with a GwExchange */

	/* Is this path the handler's? The last one of a table is not asked: it takes what no other one
	 * does. */
	bool (*takes)(GwSlice path);

	/* The head is read. It is NULL when it could not be, or came too late: refuse() follows. */
	void (*begin)(GwExchange *exchange, const GwHttpHead *head);

	/* Does the body matter, or is it only to be read over? */
	bool (*wants_body)(const GwExchange *exchange);

	/* Answers, now or later. The body stays until then. */
	void (*run)(GwExchange *exchange, GwSlice body);

	/* Answers with an error at once; the connection ends with it. */
	void (*refuse)(GwExchange *exchange, GwFault fault);

	/* The client is gone: true when the request was dropped, false when respond() will still
	 * come. */
	bool (*abandon)(GwExchange *exchange);

	/* The client of an answer that flows has taken what was waiting; or it is gone. Not needed
	 * where none flows. */
	void (*go_on)(GwExchange *exchange);
	void (*stop)(GwExchange *exchange);

	/* What the client sends after an answer with frames, as it comes; the exchange may be over
	 * after it. Not needed where there is none. */
	void (*receive)(GwExchange *exchange, GwSlice input);

	GwUsage (*usage)(const GwExchange *exchange);

	/* It is over; the next begin() may use the memory again. Or it is not needed any more. */
	void (*end)(GwExchange *exchange);
	void (*free)(GwExchange *exchange);
} GwHandler;

/* Forgets the request before, and takes from the head, or from none, what the exchange has to
 * say. */
extern void gw_exchange_begin(GwExchange *exchange, const GwHttpHead *head, bool proxied,
							  uint64_t started_us);

/* Makes this the answer, unless another fault is known already. The body need not be kept any
 * more. */
extern void gw_exchange_fault(GwExchange *exchange, int status, const char *message);

#endif
