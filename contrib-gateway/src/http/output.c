/*
 * output.c
 *		The answers of a connection. See output.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/output.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/process.h"

void
gw_output_after_answer(GwConn *conn)
{
	if (!conn->close)
		gw_conn_set_state(conn, GW_CONN_IDLE);
	else if (conn->linger)
		gw_conn_part(conn);
	else
	{
		gw_socket_end(&conn->socket);
		gw_conn_shut(conn);
	}
}

static void
take_sent(GwConn *conn, GwSent sent)
{
	if (sent == GW_SENT_ALL)
		gw_output_after_answer(conn);
	else if (sent == GW_SENT_PART)
		gw_conn_set_state(conn, GW_CONN_WRITE);
	else
		gw_conn_shut(conn);
}

static bool
must_close(const GwConn *conn, const GwReply *reply)
{
	return reply->close || !conn->keep_alive || gw_process.draining ||
		   conn->requests >= gw_conf.keepalive_requests_max ||
		   (conn->eof && conn->in.len == 0 && conn->view.len == 0);
}

/* May this answer wait for the next ones? Only when more requests are at hand already. */
static bool
may_wait(const GwConn *conn)
{
	return conn->advancing && conn->view.len > 0 && !conn->close &&
		   gw_socket_pending(&conn->socket) < GW_READ_BYTES;
}

/* Chunks say how long a piece is, to those that know them; frames need none. */
static bool
has_chunks(const GwConn *conn)
{
	return !conn->http10 && !conn->exchange->frames;
}

/* The head of an answer whose body comes in pieces. Without chunks only the end of the connection
 * ends it. A client may send frames before it has read the head. */
static void
begin_flow(GwConn *conn, const GwReply *reply)
{
	static GwText head;

	conn->close = must_close(conn, reply) || !has_chunks(conn);
	conn->linger = conn->keep_alive && !conn->http10;
	conn->flowed = 0;
	head.len = 0;
	gw_reply_head(&head, reply, conn->exchange->id, conn->close, conn->http10);
	gw_conn_set_state(conn, GW_CONN_FLOW);
	if (gw_socket_send(&conn->socket, (GwSlice){head.data, head.len}, (GwBody){0}, false) ==
			GW_SENT_FAILED ||
		(conn->exchange->endless && conn->eof))
		gw_conn_shut(conn);
	else if (conn->exchange->frames)
		gw_conn_settle_later(conn);
}

/* The exchange's feed(): a piece of the body, as a chunk. */
static GwFed
feed(GwExchange *exchange, GwSlice piece)
{
	GwConn *conn = exchange->conn;
	GwText  chunk = {0};
	GwSent  sent;

	if (conn->state != GW_CONN_FLOW)
		return GW_FED_GONE;
	if (gw_socket_pending(&conn->socket) == 0)
		conn->since_us = gw_clock_us();
	if (has_chunks(conn))
		gw_text_printf(&chunk, "%zx\r\n", piece.len);
	gw_text_add(&chunk, piece.data, piece.len);
	if (has_chunks(conn))
		gw_text_puts(&chunk, "\r\n");
	sent = gw_socket_send(&conn->socket, (GwSlice){chunk.data, chunk.len}, (GwBody){0}, false);
	gw_text_free(&chunk);
	conn->flowed += piece.len;
	if (sent == GW_SENT_FAILED)
	{
		gw_conn_shut(conn);
		return GW_FED_GONE;
	}
	return gw_socket_pending(&conn->socket) > exchange->flow_max ? GW_FED_FULL : GW_FED;
}

/* The exchange's stalled_us(). */
static uint64_t
stalled_us(const GwExchange *exchange, uint64_t now)
{
	const GwConn *conn = exchange->conn;

	return conn->state == GW_CONN_FLOW && gw_socket_pending(&conn->socket) > 0
			   ? gw_clock_since(now, conn->since_us)
			   : 0;
}

/* The exchange's finish(): the last chunk, or an end that the client cannot take for one. */
static void
finish(GwExchange *exchange, bool whole)
{
	GwConn *conn = exchange->conn;
	bool    chunks;

	if (conn->state != GW_CONN_FLOW)
		return;
	chunks = has_chunks(conn);
	gw_conn_end_request(conn, !whole ? 500 : exchange->frames ? 101 : 200, conn->flowed);
	if (!whole)
		gw_conn_shut(conn);
	else if (!chunks)
		take_sent(conn, gw_socket_flush(&conn->socket));
	else
		take_sent(conn, gw_socket_send(&conn->socket, GW_LITERAL("0\r\n\r\n"), (GwBody){0}, false));
	gw_conn_settle_later(conn);
}

/* The exchange's respond(): sends the answer. The request is over when this returns, except for an
 * answer that flows. */
static void
respond(GwExchange *exchange, GwReply *reply)
{
	static GwText head;
	GwConn       *conn = exchange->conn;
	GwBody        body = {reply->body, reply->body_len, reply->handle, reply->release};
	GwSent        sent;

	if (conn->state == GW_CONN_CLOSED)
	{
		if (body.release)
			body.release(body.data, body.len, body.handle);
		if (reply->flows)
			conn->handler->stop(exchange);
		gw_conn_end_request(conn, reply->status, 0);
		gw_conn_settle_later(conn);
		return;
	}
	if (reply->flows)
	{
		begin_flow(conn, reply);
		return;
	}
	conn->close = must_close(conn, reply);
	conn->linger = reply->close || conn->keep_alive || conn->view.len > 0 || conn->in.len > 0;
	head.len = 0;
	gw_reply_head(&head, reply, exchange->id, conn->close, conn->http10);
	if (exchange->method == GW_HEAD)
	{
		if (body.release)
			body.release(body.data, body.len, body.handle);
		body = (GwBody){0};
	}
	gw_conn_end_request(conn, reply->status, body.len);
	sent = gw_socket_send(&conn->socket, (GwSlice){head.data, head.len}, body, may_wait(conn));
	take_sent(conn, sent);
	gw_conn_settle_later(conn);
}

void
gw_output_flush(GwConn *conn)
{
	GwSent sent;

	if (gw_socket_pending(&conn->socket) == 0 || conn->socket.writing)
		return;
	sent = gw_socket_flush(&conn->socket);
	if (sent == GW_SENT_FAILED)
		gw_conn_shut(conn);
	else if (sent == GW_SENT_PART && conn->state == GW_CONN_IDLE)
		gw_conn_set_state(conn, GW_CONN_WRITE);
}

void
gw_output_bind(GwConn *conn)
{
	for (const GwHandler *const *handler = conn->handlers; *handler != NULL; handler++)
	{
		GwExchange *exchange = gw_conn_memory(conn, handler);

		exchange->conn = conn;
		exchange->respond = respond;
		exchange->feed = feed;
		exchange->finish = finish;
		exchange->stalled_us = stalled_us;
	}
}
