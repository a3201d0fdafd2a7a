/*
 * clients.c
 *		All client connections: accepting, events, timeouts, draining. See clients.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/status.h"
#include "http/conn.h"
#include "http/forwarded.h"
#include "http/input.h"
#include "http/output.h"

bool
gw_clients_is_settled(void)
{
	return TAILQ_EMPTY(&gw_conns_unsettled);
}

void
gw_clients_settle(void)
{
	GwConn *conn;

	while ((conn = TAILQ_FIRST(&gw_conns_unsettled)) != NULL)
	{
		TAILQ_REMOVE(&gw_conns_unsettled, conn, settle_link);
		conn->unsettled = false;
		if (conn->state != GW_CONN_CLOSED)
			gw_input_go_on(conn);
		if (conn->state == GW_CONN_CLOSED && !conn->live)
			gw_conn_free(conn);
	}
}

/* One step of the handshake; true when it is over and all is well. Who does not speak TLS, but
 * HTTP, is told what to do. */
static bool
shake_hands(GwConn *conn)
{
	switch (gw_socket_handshake(&conn->socket))
	{
		case GW_TLS_DONE:
			gw_conn_set_state(conn, GW_CONN_IDLE);
			return true;
		case GW_TLS_PLAIN:
			gw_conn_set_state(conn, GW_CONN_HEAD);
			conn->started_us = conn->since_us;
			gw_input_refuse(conn,
							(GwFault){400, "This port speaks TLS: the address begins with https"});
			gw_conn_settle_later(conn);
			return false;
		case GW_TLS_FAILED:
			gw_conn_part(conn);
			return false;
		default:
			return false;
	}
}

/* The client sent something, or left. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	GwConn *conn = arg;
	ssize_t n;

	(void) fd;
	(void) what;
	if (conn->state == GW_CONN_HANDSHAKE && !shake_hands(conn))
		return;
	n = gw_input_read(conn);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
	{
		conn->view.len = 0;
		conn->eof = true;
		gw_socket_read_events(&conn->socket, false);
		gw_input_finish(conn);
		if (n < 0)
			gw_conn_shut(conn);
		return;
	}
	if (conn->state == GW_CONN_LINGER)
		conn->view.len = 0;
	gw_input_advance(conn);
	gw_input_keep_rest(conn);
	gw_output_flush(conn);
	if (!gw_conn_takes_input(conn) && conn->in.len >= GW_PIPELINED_BYTES_MAX)
		gw_socket_read_events(&conn->socket, false);
}

/* The socket takes more, or a handshake can go on. */
static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	GwConn *conn = arg;
	GwSent  sent;

	(void) fd;
	(void) what;
	if (conn->state == GW_CONN_HANDSHAKE)
	{
		shake_hands(conn);
		return;
	}
	sent = gw_socket_flush(&conn->socket);
	if (sent == GW_SENT_FAILED)
		gw_conn_shut(conn);
	else if (sent == GW_SENT_ALL && conn->state == GW_CONN_WRITE)
		gw_output_after_answer(conn);
	else if (conn->state == GW_CONN_FLOW)
	{
		conn->since_us = gw_clock_us();
		if (sent == GW_SENT_ALL)
			conn->handler->go_on(conn->exchange);
	}
	gw_conn_settle_later(conn);
}

/* "address:port", for the access log. */
static void
describe_peer(GwConn *conn, const struct sockaddr *peer)
{
	char host[INET6_ADDRSTRLEN] = "unknown";
	int  port = 0;

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
	gw_forwarded_network(conn->peer, conn->network);
	snprintf(conn->client, sizeof(conn->client), "%s:%d", host, port);
}

/* One connection too many, with TLS: all that can be said without a handshake is an alert,
 * "internal error". */
static void
turn_away_tls(int fd)
{
	static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 80};

	gw_counters.clients_refused++;
	(void) !write(fd, alert, sizeof(alert));
	close(fd);
}

/* One connection too many: a short answer, and no state for it. */
static void
turn_away(int fd)
{
	static GwText answer;
	GwText        body = {0};
	GwReply       reply = {.status = 503, .retry_after_s = gw_conf.retry_after_s};
	char          scratch[2048];

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
		; /* unread input would turn the close into a reset */
	close(fd);
}

/* Room for one more handshake. When there are too many, the oldest one goes, if it has had time to
 * get somewhere: so clients that only open connections keep nobody out. */
static bool
make_room(void)
{
	GwConn *oldest = TAILQ_FIRST(&gw_conns_handshaking);

	if (gw_counters.tls_handshaking < gw_conf.tls_handshakes_max)
		return true;
	gw_counters.tls_failures[GW_TLS_CROWD]++;
	if (oldest == NULL ||
		gw_clock_since(gw_clock_us(), oldest->since_us) < GW_HANDSHAKE_FRESH_MS * 1000)
		return false;
	gw_conn_shut(oldest);
	return true;
}

void
gw_clients_accept(const GwService *service, int fd, const struct sockaddr *peer)
{
	int     on = 1;
	size_t  memory = 0;
	GwConn *conn;

	gw_counters.clients_accepted++;
	if (gw_counters.clients >= gw_conf.connections_max)
		/* some may have left in this turn; the listener is no one's handler */
		gw_clients_settle();
	if (gw_counters.clients >= gw_conf.connections_max)
	{
		(service->tls ? turn_away_tls : turn_away)(fd);
		return;
	}
	if (service->tls && !make_room())
	{
		turn_away_tls(fd);
		return;
	}
	for (const GwHandler *const *handler = service->handlers; *handler != NULL; handler++)
		memory += gw_conn_memory_size(*handler);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	conn = gw_alloc(sizeof(*conn) + memory);
	conn->handlers = service->handlers;
	gw_output_bind(conn);
	describe_peer(conn, peer);
	gw_socket_open(&conn->socket, service->base, fd, on_readable, on_writable, conn);
	TAILQ_INSERT_TAIL(&gw_conns, conn, link);
	gw_counters.clients++;
	if (!service->tls)
		gw_conn_set_state(conn, GW_CONN_IDLE);
	else if (gw_socket_begin_tls(&conn->socket))
		gw_conn_begin_handshake(conn);
	else
		gw_conn_shut(conn);
}

/* When the state's time is over. Steady transfer prolongs it. */
static uint64_t
deadline(const GwConn *conn)
{
	uint64_t ms;
	uint64_t moved = 0;

	switch (conn->state)
	{
		case GW_CONN_HANDSHAKE:
			ms = (uint64_t) gw_conf.tls_handshake_timeout_ms;
			break;
		case GW_CONN_IDLE:
			ms = (uint64_t) gw_conf.idle_timeout_ms;
			break;
		case GW_CONN_HEAD:
			ms = (uint64_t) gw_conf.header_timeout_ms;
			break;
		case GW_CONN_BODY:
			ms = (uint64_t) gw_conf.body_timeout_ms;
			moved = conn->body_seen;
			break;
		case GW_CONN_WRITE:
			ms = (uint64_t) gw_conf.write_timeout_ms;
			moved = conn->socket.sent;
			break;
		case GW_CONN_FLOW:
			if (gw_socket_pending(&conn->socket) == 0 || conn->exchange->endless)
				return UINT64_MAX;
			ms = (uint64_t) gw_conf.write_timeout_ms;
			break;
		case GW_CONN_LINGER:
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
		case GW_CONN_HANDSHAKE:
			gw_counters.tls_failures[GW_TLS_LATE]++;
			break;
		case GW_CONN_HEAD:
			gw_counters.timeouts_head++;
			conn->keep_alive = false;
			gw_input_refuse(conn, (GwFault){408, "The request head did not arrive in time"});
			return; /* the answer has dealt with the connection */
		case GW_CONN_BODY:
			gw_counters.timeouts_body++;
			gw_input_refuse(conn, (GwFault){408, "The request body did not arrive in time"});
			return;
		case GW_CONN_FLOW:
		case GW_CONN_WRITE:
			gw_counters.timeouts_write++;
			break;
		case GW_CONN_IDLE:
			gw_conn_part(conn);
			return;
		default:
			break;
	}
	gw_conn_shut(conn);
}

void
gw_clients_tick(uint64_t now)
{
	GwConn *conn;

	TAILQ_FOREACH (conn, &gw_conns, link)
	{
		if (now >= deadline(conn))
			conn_expire(conn);
	}
}

void
gw_clients_close_idle(uint64_t now)
{
	GwConn *conn;

	TAILQ_FOREACH (conn, &gw_conns, link)
	{
		bool fresh = gw_clock_since(now, conn->since_us) <= GW_DRAIN_FRESH_MS * 1000;

		/* a fresh one's request may be on its way */
		if (conn->state == GW_CONN_IDLE && !gw_socket_has_input(&conn->socket) &&
			(conn->requests > 0 || !fresh))
			gw_conn_part(conn);
		else if (conn->state == GW_CONN_HANDSHAKE && !fresh)
			gw_conn_shut(conn);
	}
}

int
gw_clients_count(void)
{
	return (int) gw_counters.clients;
}

void
gw_clients_close_all(void)
{
	GwConn *conn;

	while ((conn = TAILQ_FIRST(&gw_conns)) != NULL)
	{
		gw_conn_shut(conn);
		gw_conn_free(conn);
	}
}
