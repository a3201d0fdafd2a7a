/*
 * input.c
 *		What comes from a client. See input.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/input.h"

#include <string.h>

#include "base/conf.h"
#include "base/counters.h"
#include "base/poison.h"
#include "base/process.h"
#include "http/output.h"

static char   shared_input[GW_READ_BYTES];
static size_t shared_len; /* of it, until the requests in it were taken */

/* The first handler that takes the path; the last one for any other, and for what is no request. */
static void
choose_handler(GwConn *conn, const GwHttpHead *head)
{
	const GwHandler *const *handler = conn->handlers;

	while (handler[1] != NULL && (head == NULL || !(*handler)->takes(head->path)))
		handler++;
	conn->handler = *handler;
	conn->exchange = gw_conn_memory(conn, handler);
}

/* What the client showed at the handshake, if that is still believed. A proxy's certificate says
 * nothing of the clients that it speaks for. */
static void
take_handshake(GwConn *conn)
{
	const GwTls *tls = conn->socket.tls;
	bool         refused = false;

	conn->exchange->certificate = gw_socket_certificate(&conn->socket, &refused);
	conn->exchange->chain = tls != NULL ? gw_tls_chain(tls) : NULL;
	conn->exchange->server_name = tls != NULL ? gw_tls_server_name(tls) : NULL;
	if (conn->exchange->proxied)
		conn->exchange->certificate = NULL;
	if (!refused)
		return;
	conn->keep_alive = false;
	gw_exchange_fault(conn->exchange, 401, "The client's certificate is not accepted any more");
}

/* Whose wrong secrets are counted together. Where a proxy's fields contradict each other, a client
 * wrote one of them, and could be another one with each request: then it is the proxy. */
static void
take_network(GwConn *conn, const GwHttpHead *head)
{
	conn->exchange->network = conn->network;
	if (conn->forwarded[0] == '\0' || gw_forwarded_contradicts(head, gw_conf.trusted_proxies))
		return;
	gw_forwarded_network(conn->forwarded, conn->forwarded_network);
	conn->exchange->network = conn->forwarded_network;
}

/* Begins a request; without a head when that could not be read. */
static void
begin_exchange(GwConn *conn, const GwHttpHead *head, bool proxied)
{
	choose_handler(conn, head);
	ASAN_UNPOISON_MEMORY_REGION(conn->exchange, conn->handler->size);
	conn->live = true;
	conn->body_seen = 0;
	conn->forwarded[0] = '\0';
	if (proxied)
		gw_forwarded_client(head, gw_conf.trusted_proxies, conn->forwarded);
	gw_exchange_begin(conn->exchange, head, proxied, conn->started_us);
	take_network(conn, head);
	conn->exchange->local = head != NULL && gw_forwarded_is_local(head, conn->peer);
	take_handshake(conn);
	conn->exchange->client = conn->forwarded[0] != '\0' ? conn->forwarded : conn->client;
	conn->handler->begin(conn->exchange, head);
}

void
gw_input_refuse(GwConn *conn, GwFault fault)
{
	if (!conn->live)
		begin_exchange(conn, NULL, false);
	gw_counters.rejects[gw_status_index(fault.status)]++;
	conn->handler->refuse(conn->exchange, fault);
}

static void
run_request(GwConn *conn)
{
	if (conn->keep_body && conn->inflater != NULL &&
		gw_coding_inflate(conn->inflater, NULL, 0, &conn->body, 0) != GW_INFLATE_END)
		gw_exchange_fault(conn->exchange, 400, "The gzip body is cut short");
	gw_conn_set_state(conn, GW_CONN_WAIT);
	gw_counters.bytes_in += conn->body_seen;
	conn->handler->run(conn->exchange, (GwSlice){conn->body.data, conn->body.len});
}

/* Decompresses a piece of the body. What cannot be used is read over, and told when the body has
 * come. */
static void
inflate_body(GwConn *conn, GwSlice piece)
{
	size_t     before = conn->body.len;
	GwInflated got = gw_coding_inflate(conn->inflater, piece.data, piece.len, &conn->body,
									   (size_t) conn->exchange->body_max);

	gw_process.buffered_bytes += conn->body.len - before;
	if (got == GW_INFLATE_FULL)
		gw_exchange_fault(conn->exchange, 413, "The decompressed request body is too large");
	else if (got == GW_INFLATE_BROKEN)
		gw_exchange_fault(conn->exchange, 400, "The gzip body is broken");
	if (got != GW_INFLATE_FULL && got != GW_INFLATE_BROKEN)
		return;
	conn->keep_body = false;
	gw_conn_free_body(conn);
}

/* A piece of the body. False when it is one too many; the client was told. */
static bool
take_body_bytes(GwConn *conn, GwSlice piece)
{
	conn->body_seen += piece.len;
	if (conn->body_seen > conn->exchange->body_max)
	{
		gw_input_refuse(conn, (GwFault){413, "The request body is too large"});
		return false;
	}
	if (!conn->keep_body)
		return true;
	if (gw_process.buffered_bytes + piece.len > (uint64_t) gw_conf.buffered_bytes_max)
	{
		gw_input_refuse(conn, (GwFault){503, "The gateway holds too many request bodies"});
		return false;
	}
	if (conn->inflater != NULL)
	{
		inflate_body(conn, piece);
		return true;
	}
	gw_text_add(&conn->body, piece.data, piece.len);
	gw_process.buffered_bytes += piece.len;
	return true;
}

static void
use_view(GwConn *conn, size_t n)
{
	conn->view.data += n;
	conn->view.len -= n;
}

/* Decodes what there is; runs the request at the last chunk. */
static void
advance_chunked(GwConn *conn)
{
	for (;;)
	{
		GwFault     fault = {0, NULL};
		GwSlice     piece = {NULL, 0};
		size_t      used = 0;
		GwChunkStep step = gw_chunked_next(&conn->chunked, conn->view.data, conn->view.len, &used,
										   &piece, &fault);

		use_view(conn, used);
		if (step == GW_CHUNK_DATA && take_body_bytes(conn, piece))
			continue;
		if (step == GW_CHUNK_DONE)
			run_request(conn);
		else if (step == GW_CHUNK_FAULT)
			gw_input_refuse(conn, fault);
		return;
	}
}

static void
advance_body(GwConn *conn)
{
	size_t n = conn->view.len;

	if (conn->chunked_body)
	{
		advance_chunked(conn);
		return;
	}
	if (n > conn->body_left)
		n = (size_t) conn->body_left;
	if (!take_body_bytes(conn, (GwSlice){conn->view.data, n}))
		return;
	use_view(conn, n);
	conn->body_left -= n;
	if (conn->body_left == 0)
		run_request(conn);
}

/* Expect: 100-continue — ask for the body, or say at once why it is not wanted. */
static void
answer_expectation(GwConn *conn)
{
	if (conn->exchange->fault.status != 0)
		conn->handler->refuse(conn->exchange, conn->exchange->fault);
	else if (conn->view.len == 0 &&
			 gw_socket_send(&conn->socket, GW_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"), (GwBody){0},
							false) == GW_SENT_FAILED)
		gw_conn_shut(conn);
}

/* A head is complete and sound: start its request, and its body if it has one. */
static void
begin_request(GwConn *conn, const GwHttpHead *head)
{
	conn->requests++;
	conn->keep_alive = head->keep_alive;
	conn->http10 = head->minor == 0;
	conn->body_left = head->length;
	conn->chunked_body = head->chunked;
	conn->chunked = (GwChunked){0};
	begin_exchange(conn, head, gw_forwarded_proxies_hold(gw_conf.trusted_proxies, conn->peer));
	conn->keep_body = conn->handler->wants_body(conn->exchange);
	if (conn->keep_body && conn->exchange->coding == GW_CODING_GZIP)
		conn->inflater = gw_coding_inflate_begin();
	if (head->length > conn->exchange->body_max)
		gw_input_refuse(conn, (GwFault){413, "The request body is too large"});
	else if (!head->chunked && head->length == 0)
		run_request(conn);
	else
	{
		gw_conn_set_state(conn, GW_CONN_BODY);
		if (head->expect_continue)
			answer_expectation(conn);
	}
}

/* Looks for a whole head in the view. False when more input is needed. */
static bool
advance_head(GwConn *conn)
{
	static GwHttpHead head;
	GwHttpLimits limits = {(size_t) gw_conf.target_bytes_max, (size_t) gw_conf.header_bytes_max,
						   (int) gw_conf.header_count_max};
	GwFault      fault = {0, NULL};
	GwScan found = gw_parse_scan(&conn->scan, conn->view.data, conn->view.len, &limits, &fault);

	if (found == GW_SCAN_MORE)
		return false;
	if (found == GW_SCAN_DONE && gw_parse_head(&head, conn->view.data + conn->scan.start,
											   conn->scan.end - conn->scan.start, &limits, &fault))
	{
		const size_t end = conn->scan.end;

		conn->scan = (GwHeadScan){0};
		conn->view.data += end;
		conn->view.len -= end;
		begin_request(conn, &head);
		return true;
	}
	conn->keep_alive = false;
	gw_input_refuse(conn, fault);
	return true;
}

/* What a client sends after an answer with frames. */
static void
give_frames(GwConn *conn)
{
	GwSlice input = conn->view;

	use_view(conn, input.len);
	conn->body_seen += input.len;
	gw_counters.bytes_in += input.len;
	conn->handler->receive(conn->exchange, input);
}

void
gw_input_advance(GwConn *conn)
{
	bool more = true;

	conn->advancing = true;
	while (more && conn->view.len > 0)
	{
		if (conn->state == GW_CONN_IDLE)
		{
			gw_conn_set_state(conn, GW_CONN_HEAD);
			conn->started_us = conn->since_us;
		}
		if (conn->state == GW_CONN_HEAD)
			more = advance_head(conn);
		else if (conn->state == GW_CONN_BODY)
			advance_body(conn);
		else if (gw_conn_takes_input(conn))
			give_frames(conn);
		else
			more = false;
	}
	conn->advancing = false;
}

void
gw_input_keep_rest(GwConn *conn)
{
	if (conn->state == GW_CONN_CLOSED || conn->state == GW_CONN_LINGER)
		conn->view.len = 0;
	if (conn->view.len == 0)
		conn->in.len = 0;
	else if (conn->view_shared)
		gw_text_add(&conn->in, conn->view.data, conn->view.len);
	else
	{
		size_t len = conn->in.len;

		memmove(conn->in.data, conn->view.data, conn->view.len);
		conn->in.len = conn->view.len;
		gw_text_wipe(conn->in.data + conn->in.len, len - conn->in.len);
	}
	gw_text_wipe(shared_input, shared_len);
	shared_len = 0;
	if (conn->in.len == 0 && conn->in.cap > 0)
		gw_text_free(&conn->in);
	conn->view = (GwSlice){NULL, 0};
}

void
gw_input_finish(GwConn *conn)
{
	if (gw_conn_takes_input(conn) || conn->state == GW_CONN_LINGER)
		gw_conn_shut(conn);
	else if (conn->state == GW_CONN_FLOW && conn->exchange->endless)
		gw_conn_shut(conn);
	else if (conn->state == GW_CONN_WAIT && conn->handler->abandon(conn->exchange))
	{
		gw_conn_end_request(conn, 499, 0);
		gw_conn_shut(conn);
	}
}

void
gw_input_go_on(GwConn *conn)
{
	if (gw_conn_takes_input(conn) && conn->in.len > 0)
	{
		conn->view = (GwSlice){conn->in.data, conn->in.len};
		conn->view_shared = false;
		gw_input_advance(conn);
		gw_input_keep_rest(conn);
		gw_output_flush(conn);
	}
	if (conn->eof && gw_conn_takes_input(conn))
		gw_input_finish(conn);
	else if (conn->state != GW_CONN_CLOSED && !conn->eof)
		gw_socket_read_events(&conn->socket,
							  gw_conn_takes_input(conn) || conn->in.len < GW_PIPELINED_BYTES_MAX);
}

ssize_t
gw_input_read(GwConn *conn)
{
	ssize_t n;

	if (conn->in.len == 0)
	{
		n = gw_socket_read(&conn->socket, shared_input, sizeof(shared_input));
		conn->view_shared = true;
		shared_len = n > 0 ? (size_t) n : 0;
		conn->view = (GwSlice){shared_input, shared_len};
		return n;
	}
	gw_text_reserve(&conn->in, GW_READ_BYTES);
	n = gw_socket_read(&conn->socket, conn->in.data + conn->in.len, GW_READ_BYTES);
	if (n > 0)
		conn->in.len += (size_t) n;
	conn->view_shared = false;
	conn->view = (GwSlice){conn->in.data, conn->in.len};
	return n;
}
