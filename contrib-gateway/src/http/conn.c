/*
 * conn.c
 *		One client connection. See conn.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/conn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/poison.h"
#include "base/process.h"

GwConnList gw_conns = TAILQ_HEAD_INITIALIZER(gw_conns);
GwConnList gw_conns_unsettled = TAILQ_HEAD_INITIALIZER(gw_conns_unsettled);
GwConnList gw_conns_handshaking = TAILQ_HEAD_INITIALIZER(gw_conns_handshaking);

/* The one state that a connection enters once, at its beginning, and leaves for good. */
static void
leave_handshake(GwConn *conn)
{
	TAILQ_REMOVE(&gw_conns_handshaking, conn, handshake_link);
	gw_counters.tls_handshaking--;
}

void
gw_conn_begin_handshake(GwConn *conn)
{
	conn->state = GW_CONN_HANDSHAKE;
	conn->since_us = gw_clock_us();
	TAILQ_INSERT_TAIL(&gw_conns_handshaking, conn, handshake_link);
	gw_counters.tls_handshaking++;
}

void
gw_conn_set_state(GwConn *conn, GwConnState state)
{
	if (conn->state == GW_CONN_HANDSHAKE)
		leave_handshake(conn);
	conn->state = state;
	conn->since_us = gw_clock_us();
	if (state == GW_CONN_WRITE)
		conn->socket.sent = 0;
}

size_t
gw_conn_memory_size(const GwHandler *handler)
{
	const size_t unit = sizeof(max_align_t);

	return (handler->size + unit - 1) / unit * unit;
}

GwExchange *
gw_conn_memory(GwConn *conn, const GwHandler *const *handler)
{
	char *at = (char *) conn->memory;

	for (const GwHandler *const *before = conn->handlers; before != handler; before++)
		at += gw_conn_memory_size(*before);
	return (GwExchange *) at;
}

void
gw_conn_free_body(GwConn *conn)
{
	gw_process.buffered_bytes -= conn->body.len;
	gw_text_wipe(conn->body.data, conn->body.len);
	conn->body.len = 0;
	gw_coding_inflate_end(conn->inflater);
	conn->inflater = NULL;
	if (conn->body.cap > GW_KEPT_BYTES_MAX)
		gw_text_free(&conn->body);
}

void
gw_conn_settle_later(GwConn *conn)
{
	if (conn->unsettled)
		return;
	conn->unsettled = true;
	TAILQ_INSERT_TAIL(&gw_conns_unsettled, conn, settle_link);
}

void
gw_conn_free(GwConn *conn)
{
	if (conn->unsettled)
		TAILQ_REMOVE(&gw_conns_unsettled, conn, settle_link);
	TAILQ_REMOVE(&gw_conns, conn, link);
	gw_counters.clients--;
	gw_conn_free_body(conn);
	gw_text_free(&conn->body);
	gw_text_free(&conn->in);
	for (const GwHandler *const *handler = conn->handlers; *handler != NULL; handler++)
	{
		ASAN_UNPOISON_MEMORY_REGION(gw_conn_memory(conn, handler), (*handler)->size);
		(*handler)->free(gw_conn_memory(conn, handler));
	}
	free(conn);
}

/* One access log line and the counters. */
static void
log_request(GwConn *conn, int status, size_t bytes, uint64_t now)
{
	const GwExchange *exchange = conn->exchange;
	GwUsage           usage = conn->handler->usage(exchange);
	GwAccessLine      line = {
			 .request_id = exchange->id,
			 .method = exchange->method_text,
			 .path = exchange->path,
			 .operation = gw_counters_operation(usage.operation),
			 .status = status,
			 .bytes_in = conn->body_seen,
			 .bytes_out = bytes,
			 .duration_us = gw_clock_since(now, exchange->started_us),
			 .wait_us = usage.wait_us,
			 .db_us = usage.db_us,
			 .principal = usage.principal,
			 .database = usage.database,
			 .client = conn->forwarded[0] != '\0' ? conn->forwarded : conn->client,
    };

	gw_log_access(&line);
	gw_counters_request(usage.operation, (int) exchange->method, status, line.duration_us);
	gw_counters.bytes_out += bytes;
	gw_counters.in_flight--;
}

void
gw_conn_end_request(GwConn *conn, int status, size_t bytes)
{
	log_request(conn, status, bytes, gw_clock_us());
	conn->live = false;
	gw_conn_free_body(conn);
	conn->handler->end(conn->exchange);
	ASAN_POISON_MEMORY_REGION(conn->exchange, conn->handler->size);
}

void
gw_conn_shut(GwConn *conn)
{
	if (conn->state == GW_CONN_CLOSED)
		return;
	if (conn->live && conn->state == GW_CONN_FLOW)
	{
		conn->handler->stop(conn->exchange);
		gw_conn_end_request(conn, 499, conn->flowed);
	}
	else if (conn->live && (conn->state != GW_CONN_WAIT || conn->handler->abandon(conn->exchange)))
		gw_conn_end_request(conn, 499, 0);
	gw_socket_close(&conn->socket);
	gw_conn_set_state(conn, GW_CONN_CLOSED);
	gw_conn_settle_later(conn);
}

void
gw_conn_part(GwConn *conn)
{
	if (conn->eof || gw_conf.linger_timeout_ms == 0)
	{
		gw_conn_shut(conn);
		return;
	}
	gw_socket_end(&conn->socket);
	gw_conn_set_state(conn, GW_CONN_LINGER);
	conn->in.len = 0;
	gw_socket_read_events(&conn->socket, true);
}

bool
gw_conn_takes_input(const GwConn *conn)
{
	return conn->state == GW_CONN_IDLE || conn->state == GW_CONN_HEAD ||
		   conn->state == GW_CONN_BODY || (conn->state == GW_CONN_FLOW && conn->exchange->frames);
}
