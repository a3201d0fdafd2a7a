/*
 * conn.c
 *		Client connections. See conn.h.
 *
 *	IDLE -> HEAD -> BODY -> WAIT -> FLOW (if the answer is too large to be held) -> WRITE (if the socket is full) -> IDLE, LINGER or CLOSED
 *
 * One request of a connection is under way at a time; pipelined ones wait unread, or in a bounded
 * buffer. Input is read into one buffer of the process; only what cannot be used at once is kept
 * per connection, so that idle connections cost little. `view` is the input not yet used: it lies
 * in the shared buffer or in `in`, and is saved by keep_rest before the event handler returns.
 *
 * A connection whose client is gone while its call is in the database stays as CLOSED until the
 * answer comes: writes are never cancelled.
 *
 * A reply can come from deep inside of another's event: a pool that lost a connection, a gate that let the next one in.
 * So it only sends and notes what is to follow. The next request of the connection begins, and memory is released, in
 * gw_conn_settle() alone, which the main loop calls when no handler is on the stack. Between its reply and the next
 * request's begin, a request's memory is poisoned where sanitizers watch.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/poison.h"
#include "base/process.h"
#include "base/status.h"
#include "http/chunked.h"
#include "http/forwarded.h"
#include "http/socket.h"

typedef enum ConnState
{
	CONN_IDLE,
	CONN_HEAD,
	CONN_BODY,
	CONN_WAIT,					/* the request is under way */
	CONN_FLOW,					/* the answer comes in pieces */
	CONN_WRITE,					/* the answer waits for the socket */
	CONN_LINGER,				/* all is sent; reading over what the client still sends */
	CONN_CLOSED
} ConnState;

typedef struct GwConn
{
	TAILQ_ENTRY(GwConn) link;
	TAILQ_ENTRY(GwConn) settle_link;
	bool		unsettled;		/* waits for gw_conn_settle */
	ConnState	state;
	GwStream	stream;
	GwText		in;				/* input that could not be used yet */
	GwSlice		view;
	bool		view_shared;	/* view lies in the buffer of the process */
	bool		advancing;		/* conn_advance is on the stack */
	bool		eof;			/* the client sends no more */
	bool		live;			/* a request was begun and not answered */
	bool		close;			/* after this answer */
	bool		linger;			/* ... but read on for a while */
	bool		keep_alive;		/* the client's wish */
	bool		http10;
	uint64_t	flowed;			/* bytes of a body that came in pieces */
	bool		chunked_body;
	bool		keep_body;
	GwInflater *inflater;		/* of a compressed body */
	int64_t		requests;
	uint64_t	since_us;		/* start of the state */
	uint64_t	started_us;		/* first byte of the request */
	GwHeadScan	scan;
	GwChunked	chunked;
	uint64_t	body_left;
	uint64_t	body_seen;
	GwText		body;
	char		peer[INET6_ADDRSTRLEN];	/* address alone */
	char		client[INET6_ADDRSTRLEN + 8];
	char		forwarded[GW_ADDRESS_BYTES];	/* the client of this request, behind proxies */
	const GwHandler *handler;
	GwExchange *exchange;		/* in the memory of the handler */
	max_align_t memory[];
} GwConn;

static TAILQ_HEAD(, GwConn) conns = TAILQ_HEAD_INITIALIZER(conns);
static TAILQ_HEAD(, GwConn) unsettled = TAILQ_HEAD_INITIALIZER(unsettled);
static int	conn_count;
static char shared_input[GW_READ_BYTES];

static void conn_advance(GwConn *conn);
static void conn_process(GwConn *conn);

static void
set_state(GwConn *conn, ConnState state)
{
	conn->state = state;
	conn->since_us = gw_clock_us();
	if (state == CONN_WRITE)
		conn->stream.sent = 0;
}

static GwConn *
conn_of(GwExchange *exchange)
{
	return (GwConn *) ((char *) exchange - offsetof(GwConn, memory));
}

static void
free_body(GwConn *conn)
{
	gw_process.buffered_bytes -= conn->body.len;
	conn->body.len = 0;
	gw_inflate_end(conn->inflater);
	conn->inflater = NULL;
	if (conn->body.cap > GW_KEPT_BYTES_MAX)
		gw_text_free(&conn->body);
}

/* Leaves to gw_conn_settle() what follows. */
static void
settle_later(GwConn *conn)
{
	if (conn->unsettled)
		return;
	conn->unsettled = true;
	TAILQ_INSERT_TAIL(&unsettled, conn, settle_link);
}

/* Only where no handler is on the stack. */
static void
conn_free(GwConn *conn)
{
	if (conn->unsettled)
		TAILQ_REMOVE(&unsettled, conn, settle_link);
	TAILQ_REMOVE(&conns, conn, link);
	conn_count--;
	gw_counters.clients--;
	free_body(conn);
	gw_text_free(&conn->body);
	gw_text_free(&conn->in);
	ASAN_UNPOISON_MEMORY_REGION(conn->exchange, conn->handler->size);
	conn->handler->free(conn->exchange);
	free(conn);
}

/* One access log line and the counters. */
static void
log_request(GwConn *conn, int status, size_t bytes, uint64_t now)
{
	const GwExchange *exchange = conn->exchange;
	GwUsage		usage = conn->handler->usage(exchange);
	GwAccessLine line = {
		.request_id = exchange->id,
		.method = exchange->method_text,
		.path = exchange->path,
		.operation = usage.name,
		.status = status,
		.bytes_in = conn->body_seen,
		.bytes_out = bytes,
		.duration_us = now - exchange->started_us,
		.wait_us = usage.wait_us,
		.db_us = usage.db_us,
		.client = conn->forwarded[0] != '\0' ? conn->forwarded : conn->client,
	};

	gw_log_access(&line);
	gw_counters_request(usage.operation, (int) exchange->method, status, line.duration_us);
	gw_counters.bytes_out += bytes;
	gw_counters.in_flight--;
}

/* The request is over, answered or not: nothing touches it after this. */
static void
end_request(GwConn *conn, int status, size_t bytes)
{
	log_request(conn, status, bytes, gw_clock_us());
	conn->live = false;
	free_body(conn);
	conn->handler->end(conn->exchange);
	ASAN_POISON_MEMORY_REGION(conn->exchange, conn->handler->size);
}

/*
 * Closes the socket. A request that has not reached the database is over with it; one that has goes
 * on, and the connection waits for its answer.
 */
static void
conn_shut(GwConn *conn)
{
	if (conn->state == CONN_CLOSED)
		return;
	if (conn->live && conn->state == CONN_FLOW)
	{
		conn->handler->stop(conn->exchange);
		end_request(conn, 499, conn->flowed);
	}
	else if (conn->live && (conn->state != CONN_WAIT || conn->handler->abandon(conn->exchange)))
		end_request(conn, 499, 0);
	gw_stream_close(&conn->stream);
	set_state(conn, CONN_CLOSED);
	settle_later(conn);
}

/* Ends the connection so that the client reads all that was sent: says that no more comes, and reads over what the client still
 * sends. To close at once would answer that with a reset, which also takes what the client has not read yet. */
static void
conn_part(GwConn *conn)
{
	if (conn->eof || gw_conf.linger_timeout_ms == 0)
	{
		conn_shut(conn);
		return;
	}
	shutdown(conn->stream.fd, SHUT_WR);
	set_state(conn, CONN_LINGER);
	conn->in.len = 0;
	gw_stream_read_events(&conn->stream, true);
}

/* All of the answer is on its way. */
static void
after_answer(GwConn *conn)
{
	if (!conn->close)
		set_state(conn, CONN_IDLE);
	else if (conn->linger)
		conn_part(conn);
	else
		conn_shut(conn);
}

static void
take_sent(GwConn *conn, GwSent sent)
{
	if (sent == GW_SENT_ALL)
		after_answer(conn);
	else if (sent == GW_SENT_PART)
		set_state(conn, CONN_WRITE);
	else
		conn_shut(conn);
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
		gw_stream_pending(&conn->stream) < GW_READ_BYTES;
}

/* The head of an answer whose body comes in pieces. Without chunks only the end of the connection ends it. */
static void
begin_flow(GwConn *conn, const GwReply *reply)
{
	static GwText head;

	conn->close = must_close(conn, reply) || conn->http10;
	conn->linger = conn->keep_alive && !conn->http10;
	conn->flowed = 0;
	head.len = 0;
	gw_reply_head(&head, reply, conn->exchange->id, conn->close, conn->http10);
	set_state(conn, CONN_FLOW);
	if (gw_stream_send(&conn->stream, (GwSlice){head.data, head.len}, (GwBody){0}, false) ==
		GW_SENT_FAILED)
		conn_shut(conn);
}

/* The exchange's feed(): a piece of the body, as a chunk. */
static GwFed
conn_feed(GwExchange *exchange, GwSlice piece)
{
	GwConn	   *conn = conn_of(exchange);
	GwText		chunk = {0};
	GwSent		sent;

	if (conn->state != CONN_FLOW)
		return GW_FED_GONE;
	if (!conn->http10)
		gw_text_printf(&chunk, "%zx\r\n", piece.len);
	gw_text_add(&chunk, piece.data, piece.len);
	if (!conn->http10)
		gw_text_puts(&chunk, "\r\n");
	sent = gw_stream_send(&conn->stream, (GwSlice){chunk.data, chunk.len}, (GwBody){0}, false);
	gw_text_free(&chunk);
	conn->flowed += piece.len;
	if (sent == GW_SENT_FAILED)
	{
		conn_shut(conn);
		return GW_FED_GONE;
	}
	if (sent == GW_SENT_ALL)
		conn->since_us = gw_clock_us();
	return gw_stream_pending(&conn->stream) > GW_FLOW_BYTES_MAX ? GW_FED_FULL : GW_FED;
}

/* The exchange's finish(): the last chunk, or an end that the client cannot take for one. */
static void
conn_finish(GwExchange *exchange, bool whole)
{
	GwConn	   *conn = conn_of(exchange);

	if (conn->state != CONN_FLOW)
		return;
	end_request(conn, whole ? 200 : 500, conn->flowed);
	if (!whole)
		conn_shut(conn);
	else if (conn->http10)
		take_sent(conn, gw_stream_flush(&conn->stream));
	else
		take_sent(conn, gw_stream_send(&conn->stream, GW_LITERAL("0\r\n\r\n"), (GwBody){0}, false));
	settle_later(conn);
}

/* The exchange's respond(): sends the answer. The request is over when this returns, except for an answer that flows. */
static void
conn_respond(GwExchange *exchange, GwReply *reply)
{
	static GwText head;
	GwConn	   *conn = conn_of(exchange);
	GwBody		body = {reply->body, reply->body_len, reply->handle, reply->release};
	GwSent		sent;

	if (conn->state == CONN_CLOSED)
	{
		if (body.release)
			body.release(body.data, body.len, body.handle);
		if (reply->flows)
			conn->handler->stop(exchange);
		end_request(conn, reply->status, 0);
		settle_later(conn);
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
	end_request(conn, reply->status, body.len);
	sent = gw_stream_send(&conn->stream, (GwSlice){head.data, head.len}, body, may_wait(conn));
	take_sent(conn, sent);
	settle_later(conn);
}

/* Begins a request; without a head when that could not be read. */
static void
begin_exchange(GwConn *conn, const GwHttpHead *head, bool proxied)
{
	ASAN_UNPOISON_MEMORY_REGION(conn->exchange, conn->handler->size);
	conn->live = true;
	conn->body_seen = 0;
	conn->forwarded[0] = '\0';
	if (proxied)
		gw_forwarded_client(head, gw_conf.trusted_proxies, conn->forwarded);
	gw_exchange_begin(conn->exchange, head, proxied, conn->started_us);
	conn->handler->begin(conn->exchange, head);
}

/* Answers at once and closes: what follows cannot be trusted, or is too much. */
static void
refuse(GwConn *conn, GwFault fault)
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
		gw_inflate(conn->inflater, NULL, 0, &conn->body, 0) != GW_INFLATE_END)
		gw_exchange_fault(conn->exchange, 400, "The gzip body is cut short");
	set_state(conn, CONN_WAIT);
	gw_counters.bytes_in += conn->body_seen;
	conn->handler->run(conn->exchange, (GwSlice){conn->body.data, conn->body.len});
}

/* Decompresses a piece of the body. What cannot be used is read over, and told when the body has come. */
static void
inflate_body(GwConn *conn, GwSlice piece)
{
	size_t		before = conn->body.len;
	GwInflated	got = gw_inflate(conn->inflater, piece.data, piece.len, &conn->body,
								 (size_t) gw_conf.body_bytes_max);

	gw_process.buffered_bytes += conn->body.len - before;
	if (got == GW_INFLATE_FULL)
		gw_exchange_fault(conn->exchange, 413, "The decompressed request body is too large");
	else if (got == GW_INFLATE_BROKEN)
		gw_exchange_fault(conn->exchange, 400, "The gzip body is broken");
	if (got != GW_INFLATE_FULL && got != GW_INFLATE_BROKEN)
		return;
	conn->keep_body = false;
	free_body(conn);
}

/* A piece of the body. False when it is one too many; the client was told. */
static bool
take_body_bytes(GwConn *conn, GwSlice piece)
{
	conn->body_seen += piece.len;
	if (conn->body_seen > (uint64_t) gw_conf.body_bytes_max)
	{
		refuse(conn, (GwFault){413, "The request body is too large"});
		return false;
	}
	if (!conn->keep_body)
		return true;
	if (gw_process.buffered_bytes + piece.len > (uint64_t) gw_conf.buffered_bytes_max)
	{
		refuse(conn, (GwFault){503, "The gateway holds too many request bodies"});
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
		GwFault		fault = {0, NULL};
		GwSlice		piece = {NULL, 0};
		size_t		used = 0;
		GwChunkStep step = gw_chunked_next(&conn->chunked, conn->view.data, conn->view.len, &used,
										   &piece, &fault);

		use_view(conn, used);
		if (step == GW_CHUNK_DATA && take_body_bytes(conn, piece))
			continue;
		if (step == GW_CHUNK_DONE)
			run_request(conn);
		else if (step == GW_CHUNK_FAULT)
			refuse(conn, fault);
		return;
	}
}

static void
advance_body(GwConn *conn)
{
	size_t		n = conn->view.len;

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
			 gw_stream_send(&conn->stream, GW_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"), (GwBody){0},
							false) == GW_SENT_FAILED)
		conn_shut(conn);
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
	begin_exchange(conn, head, gw_proxies_hold(gw_conf.trusted_proxies, conn->peer));
	conn->keep_body = conn->handler->wants_body(conn->exchange);
	if (conn->keep_body && conn->exchange->coding == GW_CODING_GZIP)
		conn->inflater = gw_inflate_begin();
	if (head->length > (uint64_t) gw_conf.body_bytes_max)
		refuse(conn, (GwFault){413, "The request body is too large"});
	else if (!head->chunked && head->length == 0)
		run_request(conn);
	else
	{
		set_state(conn, CONN_BODY);
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
	GwFault		fault = {0, NULL};
	GwScan		found = gw_http_scan(&conn->scan, conn->view.data, conn->view.len, &limits, &fault);

	if (found == GW_SCAN_MORE)
		return false;
	if (found == GW_SCAN_DONE &&
		gw_http_parse_head(&head, conn->view.data + conn->scan.start,
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
	refuse(conn, fault);
	return true;
}

/* Uses the view as far as it goes. */
static void
conn_advance(GwConn *conn)
{
	bool		more = true;

	conn->advancing = true;
	while (more && conn->view.len > 0)
	{
		if (conn->state == CONN_IDLE)
		{
			set_state(conn, CONN_HEAD);
			conn->started_us = conn->since_us;
		}
		if (conn->state == CONN_HEAD)
			more = advance_head(conn);
		else if (conn->state == CONN_BODY)
			advance_body(conn);
		else
			more = false;
	}
	conn->advancing = false;
}

/* Saves what the view still holds. */
static void
keep_rest(GwConn *conn)
{
	if (conn->state == CONN_CLOSED || conn->state == CONN_LINGER)
		conn->view.len = 0;
	if (conn->view.len == 0)
		conn->in.len = 0;
	else if (conn->view_shared)
		gw_text_add(&conn->in, conn->view.data, conn->view.len);
	else
	{
		memmove(conn->in.data, conn->view.data, conn->view.len);
		conn->in.len = conn->view.len;
	}
	if (conn->in.len == 0 && conn->in.cap > 0)
		gw_text_free(&conn->in);
	conn->view = (GwSlice){NULL, 0};
}

/* Answers that waited for each other go out together. */
static void
flush_answers(GwConn *conn)
{
	GwSent		sent;

	if (gw_stream_pending(&conn->stream) == 0 || conn->stream.writing)
		return;
	sent = gw_stream_flush(&conn->stream);
	if (sent == GW_SENT_FAILED)
		conn_shut(conn);
	else if (sent == GW_SENT_PART && conn->state == CONN_IDLE)
		set_state(conn, CONN_WRITE);
}

/* Does the state allow to use input? */
static bool
takes_input(const GwConn *conn)
{
	return conn->state == CONN_IDLE || conn->state == CONN_HEAD || conn->state == CONN_BODY;
}

/* The client sends no more, and all that it sent is used. */
static void
conn_finish_input(GwConn *conn)
{
	if (takes_input(conn) || conn->state == CONN_LINGER)
		conn_shut(conn);
	else if (conn->state == CONN_WAIT && conn->handler->abandon(conn->exchange))
	{
		end_request(conn, 499, 0);
		conn_shut(conn);
	}
}

/* Goes on with kept input after an answer. */
static void
conn_process(GwConn *conn)
{
	if (takes_input(conn) && conn->in.len > 0)
	{
		conn->view = (GwSlice){conn->in.data, conn->in.len};
		conn->view_shared = false;
		conn_advance(conn);
		keep_rest(conn);
		flush_answers(conn);
	}
	if (conn->eof && takes_input(conn))
		conn_finish_input(conn);
	else if (conn->state != CONN_CLOSED && !conn->eof)
		gw_stream_read_events(&conn->stream,
							  takes_input(conn) || conn->in.len < GW_PIPELINED_BYTES_MAX);
}

bool
gw_conn_is_settled(void)
{
	return TAILQ_EMPTY(&unsettled);
}

void
gw_conn_settle(void)
{
	GwConn	   *conn;

	while ((conn = TAILQ_FIRST(&unsettled)) != NULL)
	{
		TAILQ_REMOVE(&unsettled, conn, settle_link);
		conn->unsettled = false;
		if (conn->state != CONN_CLOSED)
			conn_process(conn);
		if (conn->state == CONN_CLOSED && !conn->live)
			conn_free(conn);
	}
}

/* Reads once: into the shared buffer, or behind what is kept already. */
static ssize_t
conn_read(GwConn *conn)
{
	ssize_t		n;

	if (conn->in.len == 0)
	{
		n = gw_stream_read(&conn->stream, shared_input, sizeof(shared_input));
		conn->view_shared = true;
		conn->view = (GwSlice){shared_input, n > 0 ? (size_t) n : 0};
		return n;
	}
	gw_text_reserve(&conn->in, GW_READ_BYTES);
	n = gw_stream_read(&conn->stream, conn->in.data + conn->in.len, GW_READ_BYTES);
	if (n > 0)
		conn->in.len += (size_t) n;
	conn->view_shared = false;
	conn->view = (GwSlice){conn->in.data, conn->in.len};
	return n;
}

/* The client sent something, or left. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	GwConn	   *conn = arg;
	ssize_t		n = conn_read(conn);

	(void) fd;
	(void) what;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
	{
		conn->view.len = 0;
		conn->eof = true;
		gw_stream_read_events(&conn->stream, false);
		conn_finish_input(conn);
		if (n < 0)
			conn_shut(conn);
		return;
	}
	if (conn->state == CONN_LINGER)
		conn->view.len = 0;
	conn_advance(conn);
	keep_rest(conn);
	flush_answers(conn);
	if (!takes_input(conn) && conn->in.len >= GW_PIPELINED_BYTES_MAX)
		gw_stream_read_events(&conn->stream, false);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	GwConn	   *conn = arg;
	GwSent		sent = gw_stream_flush(&conn->stream);

	(void) fd;
	(void) what;
	if (sent == GW_SENT_FAILED)
		conn_shut(conn);
	else if (sent == GW_SENT_ALL && conn->state == CONN_WRITE)
		after_answer(conn);
	else if (conn->state == CONN_FLOW)
	{
		conn->since_us = gw_clock_us();
		if (sent == GW_SENT_ALL)
			conn->handler->go_on(conn->exchange);
	}
	settle_later(conn);
}

/* "address:port", for the access log. */
static void
describe_peer(GwConn *conn, const struct sockaddr *peer)
{
	char		host[INET6_ADDRSTRLEN] = "unknown";
	int			port = 0;

	if (peer->sa_family == AF_INET)
	{
		const struct sockaddr_in *in = (const struct sockaddr_in *) peer;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		port = ntohs(in->sin_port);
	}
	else if (peer->sa_family == AF_INET6)
	{
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) peer;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		port = ntohs(in6->sin6_port);
	}
	snprintf(conn->peer, sizeof(conn->peer), "%s", host);
	snprintf(conn->client, sizeof(conn->client), "%s:%d", host, port);
}

/* One connection too many: a short answer, and no state for it. */
static void
turn_away(int fd)
{
	static GwText answer;
	GwText		body = {0};
	GwReply		reply = {.status = 503, .retry_after_s = gw_conf.retry_after_s};
	char		scratch[2048];

	gw_counters.clients_refused++;
	gw_reply_error_body(&body, 503, gw_status_type(503), "Too many client connections");
	reply.body_len = body.len;
	answer.len = 0;
	gw_reply_head(&answer, &reply, "-", true, false);
	gw_text_add(&answer, body.data, body.len);
	gw_text_free(&body);
	(void) !write(fd, answer.data, answer.len);
	shutdown(fd, SHUT_WR);
	while (recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT) > 0)
		;						/* unread input would turn the close into a reset */
	close(fd);
}

void
gw_conn_accept(const GwService *service, int fd, const struct sockaddr *peer)
{
	int			on = 1;
	GwConn	   *conn;

	gw_counters.clients_accepted++;
	if (conn_count >= gw_conf.connections_max)
		gw_conn_settle();		/* some may have left in this turn; the listener is no one's handler */
	if (conn_count >= gw_conf.connections_max)
	{
		turn_away(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	conn = gw_alloc(sizeof(*conn) + service->handler->size);
	conn->handler = service->handler;
	conn->exchange = (GwExchange *) conn->memory;
	conn->exchange->respond = conn_respond;
	conn->exchange->feed = conn_feed;
	conn->exchange->finish = conn_finish;
	describe_peer(conn, peer);
	gw_stream_open(&conn->stream, service->base, fd, on_readable, on_writable, conn);
	TAILQ_INSERT_TAIL(&conns, conn, link);
	conn_count++;
	gw_counters.clients++;
	set_state(conn, CONN_IDLE);
}

/* When the state's time is over. Steady transfer prolongs it. */
static uint64_t
deadline(const GwConn *conn)
{
	uint64_t	ms;
	uint64_t	moved = 0;

	switch (conn->state)
	{
		case CONN_IDLE:
			ms = (uint64_t) gw_conf.idle_timeout_ms;
			break;
		case CONN_HEAD:
			ms = (uint64_t) gw_conf.header_timeout_ms;
			break;
		case CONN_BODY:
			ms = (uint64_t) gw_conf.body_timeout_ms;
			moved = conn->body_seen;
			break;
		case CONN_WRITE:
			ms = (uint64_t) gw_conf.write_timeout_ms;
			moved = conn->stream.sent;
			break;
		case CONN_FLOW:
			if (gw_stream_pending(&conn->stream) == 0)
				return UINT64_MAX;
			ms = (uint64_t) gw_conf.write_timeout_ms;
			break;
		case CONN_LINGER:
			ms = (uint64_t) gw_conf.linger_timeout_ms;
			break;
		default:
			return UINT64_MAX;
	}
	return conn->since_us + ms * 1000 + moved * 1000000 / (uint64_t) gw_conf.transfer_rate_min;
}

/* The state has lasted too long. */
static void
conn_expire(GwConn *conn)
{
	switch (conn->state)
	{
		case CONN_HEAD:
			gw_counters.timeouts_head++;
			conn->keep_alive = false;
			refuse(conn, (GwFault){408, "The request head did not arrive in time"});
			return;				/* the answer has dealt with the connection */
		case CONN_BODY:
			gw_counters.timeouts_body++;
			refuse(conn, (GwFault){408, "The request body did not arrive in time"});
			return;
		case CONN_FLOW:
		case CONN_WRITE:
			gw_counters.timeouts_write++;
			break;
		case CONN_IDLE:
			conn_part(conn);
			return;
		default:
			break;
	}
	conn_shut(conn);
}

void
gw_conn_tick(uint64_t now)
{
	GwConn	   *conn;

	TAILQ_FOREACH (conn, &conns, link)
	{
		if (now >= deadline(conn))
			conn_expire(conn);
	}
}

/* Has the client sent something that was not read yet? Then it is to be answered. */
static bool
has_input(const GwConn *conn)
{
	char		byte;

	return recv(conn->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
gw_conn_close_idle(uint64_t now)
{
	GwConn	   *conn;

	TAILQ_FOREACH (conn, &conns, link)
	{
		/* a fresh one's request may be on its way */
		if (conn->state == CONN_IDLE && !has_input(conn) &&
			(conn->requests > 0 || now - conn->since_us > GW_DRAIN_FRESH_MS * 1000))
			conn_part(conn);
	}
}

int
gw_conn_count(void)
{
	return conn_count;
}

void
gw_conn_close_all(void)
{
	GwConn	   *conn;

	while ((conn = TAILQ_FIRST(&conns)) != NULL)
	{
		conn_shut(conn);
		conn_free(conn);
	}
}
