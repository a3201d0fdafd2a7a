/*
 * conn.h
 *		One client connection: its state, and how a request and the connection end. Its input and
 *		its output are in files of their own, and clients.c has all connections.
 *
 *	HANDSHAKE (with TLS) -> IDLE -> HEAD -> BODY -> WAIT -> FLOW (if the answer is too large to be
 *	held) -> WRITE (if the socket is full) -> IDLE, LINGER or CLOSED
 *
 * One request of a connection is under way at a time; pipelined ones wait unread, or in a bounded
 * buffer.
 *
 * A connection whose client is gone while its call is in the database stays as CLOSED until the
 * answer comes: writes are never cancelled.
 *
 * A reply can come from deep inside of another's event: a pool that lost a connection, a gate that
 * let the next one in. So it only sends and notes what is to follow. The next request of the
 * connection begins, and memory is released, in gw_clients_settle() alone, which the main loop
 * calls when no handler is on the stack. Between its reply and the next request's begin, a
 * request's memory is poisoned where sanitizers watch.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONN_H
#define GW_CONN_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/queue.h>

#include "http/chunked.h"
#include "http/exchange.h"
#include "http/forwarded.h"
#include "http/socket.h"

typedef enum GwConnState
{
	GW_CONN_IDLE,
	GW_CONN_HANDSHAKE,
	GW_CONN_HEAD,
	GW_CONN_BODY,
	GW_CONN_WAIT,   /* the request is under way */
	GW_CONN_FLOW,   /* the answer comes in pieces */
	GW_CONN_WRITE,  /* the answer waits for the socket */
	GW_CONN_LINGER, /* all is sent; reading over what the client still sends */
	GW_CONN_CLOSED
} GwConnState;

typedef struct GwConn
{
	TAILQ_ENTRY(GwConn) link;
	TAILQ_ENTRY(GwConn) settle_link;
	TAILQ_ENTRY(GwConn) handshake_link;
	bool        unsettled; /* waits for gw_clients_settle() */
	GwConnState state;
	GwSocket    socket;
	GwText      in; /* input that could not be used yet */
	GwSlice     view;
	bool        view_shared; /* view lies in the buffer of the process */
	bool        advancing;   /* gw_input_advance() is on the stack */
	bool        eof;         /* the client sends no more */
	bool        live;        /* a request was begun and not answered */
	bool        close;       /* after this answer */
	bool        linger;      /* ... but read on for a while */
	bool        keep_alive;  /* the client's wish */
	bool        http10;
	uint64_t    flowed; /* bytes of a body that came in pieces */
	bool        chunked_body;
	bool        keep_body;
	GwInflater *inflater; /* of a compressed body */
	int64_t     requests;
	uint64_t    since_us;   /* start of the state */
	uint64_t    started_us; /* first byte of the request */
	GwHeadScan  scan;
	GwChunked   chunked;
	uint64_t    body_left;
	uint64_t    body_seen;
	GwText      body;
	char        peer[INET6_ADDRSTRLEN];    /* address alone */
	char        network[GW_ADDRESS_BYTES]; /* of the peer */
	char        client[INET6_ADDRSTRLEN + 8];
	char        forwarded[GW_ADDRESS_BYTES]; /* the client of this request, behind proxies */
	char        forwarded_network[GW_ADDRESS_BYTES];
	const GwHandler *const *handlers; /* NULL ends them */
	const GwHandler        *handler;  /* of the latest request */
	GwExchange             *exchange; /* in the memory of that handler */
	max_align_t             memory[]; /* for each handler, in order */
} GwConn;

/* All connections, and those that wait for gw_clients_settle(). gw_counters.clients tells how many
 * there are. */
typedef TAILQ_HEAD(GwConnList, GwConn) GwConnList;
extern GwConnList gw_conns;
extern GwConnList gw_conns_unsettled;

/* Those in HANDSHAKE, the oldest first. gw_counters.tls_handshaking tells how many. */
extern GwConnList gw_conns_handshaking;

extern void gw_conn_set_state(GwConn *conn, GwConnState state);

/* The first state of a connection with TLS. */
extern void gw_conn_begin_handshake(GwConn *conn);

/* Does the state allow to use input? */
extern bool gw_conn_takes_input(const GwConn *conn);

/* The memory of a handler's exchange: its size in a connection, and where it is. */
extern size_t      gw_conn_memory_size(const GwHandler *handler);
extern GwExchange *gw_conn_memory(GwConn *conn, const GwHandler *const *handler);

/* Leaves to gw_clients_settle() what follows. */
extern void gw_conn_settle_later(GwConn *conn);

extern void gw_conn_free_body(GwConn *conn);

/* The request is over, answered or not: nothing touches it after this. */
extern void gw_conn_end_request(GwConn *conn, int status, size_t bytes);

/* Closes the socket. A request that has not reached the database is over with it; one that has goes
 * on, and the connection waits for its answer. */
extern void gw_conn_shut(GwConn *conn);

/* Ends the connection so that the client reads all that was sent: says that no more comes, and
 * reads over what the client still sends. To close at once would answer that with a reset, which
 * also takes what the client has not read yet. */
extern void gw_conn_part(GwConn *conn);

/* Only where no handler is on the stack. */
extern void gw_conn_free(GwConn *conn);

#endif
