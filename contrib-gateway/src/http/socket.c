/*
 * socket.c
 *		Bytes in and out of a client's socket; see socket.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/process.h"

void
gw_socket_open(GwSocket *socket, struct event_base *base, int fd, event_callback_fn on_readable,
			   event_callback_fn on_writable, void *owner)
{
	socket->fd = fd;
	socket->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, owner);
	socket->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, owner);
	gw_socket_read_events(socket, true);
}

/* Closes the socket and drops what it did not take. */
void
gw_socket_close(GwSocket *socket)
{
	if (socket->fd < 0)
		return;
	event_free(socket->readable);
	event_free(socket->writable);
	socket->readable = socket->writable = NULL;
	if (socket->out != NULL)
	{
		gw_process.buffered_bytes -= evbuffer_get_length(socket->out);
		evbuffer_free(socket->out);
		socket->out = NULL;
	}
	gw_tls_free(socket->tls);
	socket->tls = NULL;
	close(socket->fd);
	socket->fd = -1;
}

void
gw_socket_end(GwSocket *socket)
{
	if (socket->tls != NULL)
		gw_tls_end(socket->tls);
	shutdown(socket->fd, SHUT_WR);
}

/* -- input ------------------------------------------------------------------------------------- */

/* Calls the reader in the next turn, whatever the socket says. */
static void
read_again(GwSocket *socket)
{
	const struct timeval now = {0, 1}; /* with 0, libevent would forget the socket */

	if (!socket->watching || socket->again)
		return;
	event_add(socket->readable, &now);
	socket->again = true;
}

static void
watch_readable(GwSocket *socket)
{
	bool wanted = socket->reading && !socket->blocked;

	if (socket->watching == wanted)
		return;
	socket->watching = wanted;
	socket->again = false;
	if (!wanted)
	{
		event_del(socket->readable);
		return;
	}
	event_add(socket->readable, NULL);
	if (socket->tls != NULL)
		read_again(socket);
}

void
gw_socket_read_events(GwSocket *socket, bool wanted)
{
	if (socket->fd < 0 || socket->reading == wanted)
		return;
	socket->reading = wanted;
	watch_readable(socket);
}

static ssize_t
read_plain(GwSocket *socket, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(socket->fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static void watch_writable(GwSocket *socket, bool wanted);

/* Record by record, as much as there is room for. What ends the input is met again by the next
 * read. */
static ssize_t
read_tls(GwSocket *socket, char *buffer, size_t size)
{
	size_t  have = 0;
	ssize_t n;

	do
	{
		n = gw_tls_read(socket->tls, buffer + have, size - have);
		have += n > 0 ? (size_t) n : 0;
	} while (n > 0 && have < size);
	if (gw_tls_reads_blocked(socket->tls))
	{
		socket->blocked = true;
		watch_readable(socket);
		watch_writable(socket, true);
	}
	if (have == 0)
		return n;
	if (n >= 0 || errno != EAGAIN)
		read_again(socket);
	return (ssize_t) have;
}

/* As recv(2). */
ssize_t
gw_socket_read(GwSocket *socket, char *buffer, size_t size)
{
	if (socket->again)
		event_remove_timer(socket->readable);
	socket->again = false;
	return socket->tls == NULL ? read_plain(socket, buffer, size) : read_tls(socket, buffer, size);
}

bool
gw_socket_has_input(const GwSocket *socket)
{
	char byte;

	return (socket->tls != NULL && gw_tls_has_input(socket->tls)) ||
		   recv(socket->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* -- TLS --------------------------------------------------------------------------------------- */

bool
gw_socket_begin_tls(GwSocket *socket)
{
	socket->tls = gw_tls_begin(socket->fd);
	return socket->tls != NULL;
}

/* Waits for what the library asks for, and for nothing else: a client that does not read could keep
 * the process busy. */
GwTlsStep
gw_socket_handshake(GwSocket *socket)
{
	GwTlsStep step = gw_tls_handshake(socket->tls);

	socket->blocked = step == GW_TLS_WRITE;
	watch_readable(socket);
	watch_writable(socket, step == GW_TLS_WRITE);
	if (step == GW_TLS_PLAIN || step == GW_TLS_FAILED)
	{
		gw_tls_free(socket->tls);
		socket->tls = NULL;
	}
	else if (step == GW_TLS_DONE)
		read_again(socket);
	return step;
}

struct x509_st *
gw_socket_certificate(GwSocket *socket, bool *refused)
{
	return socket->tls == NULL ? NULL : gw_tls_certificate(socket->tls, refused);
}

/* -- output ------------------------------------------------------------------------------------ */

static void
watch_writable(GwSocket *socket, bool wanted)
{
	if (socket->writing == wanted)
		return;
	if (wanted)
		event_add(socket->writable, NULL);
	else
		event_del(socket->writable);
	socket->writing = wanted;
}

static void
release(GwBody *body)
{
	if (body->release != NULL)
		body->release(body->data, body->len, body->handle);
	body->release = NULL;
}

/* libevent's. */
static void
forget(const void *data, size_t len, void *memory)
{
	(void) data;
	gw_text_forget(memory, len);
}

/* Waits in memory that is cleared when it has been sent, as it may be a token. */
static void
keep_copy(GwSocket *socket, GwSlice head, GwSlice body)
{
	size_t len = head.len + body.len;
	char  *memory = gw_realloc(NULL, len + 1);

	memcpy(memory, head.data, head.len);
	if (body.len > 0)
		memcpy(memory + head.len, body.data, body.len);
	if (len == 0 || evbuffer_add_reference(socket->out, memory, len, forget, memory) != 0)
		gw_text_forget(memory, len);
}

/* Puts what the socket did not take into the buffer: skip bytes of head and body are gone. */
static void
keep_rest(GwSocket *socket, GwSlice head, GwBody body, size_t skip)
{
	size_t head_left = skip < head.len ? head.len - skip : 0;
	size_t body_skip = skip > head.len ? skip - head.len : 0;
	size_t body_left = body.len - body_skip;

	if (socket->out == NULL)
		socket->out = evbuffer_new();
	head = (GwSlice){head.data + head.len - head_left, head_left};
	if (body.release != NULL && body_left > GW_COPY_BYTES_MAX)
	{
		evbuffer_add(socket->out, head.data, head.len);
		evbuffer_add_reference(socket->out, body.data + body_skip, body_left, body.release,
							   body.handle);
	}
	else
	{
		keep_copy(socket, head, (GwSlice){body.data + body_skip, body_left});
		release(&body);
	}
	gw_process.buffered_bytes += head_left + body_left;
}

/* The next record of head and body, from the byte at: where it lies, or put together when it is of
 * both. */
static GwSlice
next_record(GwSlice head, GwBody body, size_t at, char joined[GW_TLS_RECORD_BYTES])
{
	size_t left = head.len + body.len - at;
	size_t len = left < GW_TLS_RECORD_BYTES ? left : GW_TLS_RECORD_BYTES;
	size_t of_head = at < head.len ? head.len - at : 0;

	if (of_head >= len)
		return (GwSlice){head.data + at, len};
	if (of_head == 0)
		return (GwSlice){body.data + (at - head.len), len};
	memcpy(joined, head.data + at, of_head);
	memcpy(joined + of_head, body.data, len - of_head);
	return (GwSlice){joined, len};
}

/* As writev(2): how much the socket took. */
static ssize_t
write_parts(GwSocket *socket, GwSlice head, GwBody body)
{
	static char  joined[GW_TLS_RECORD_BYTES];
	struct iovec parts[2] = {{(void *) head.data, head.len}, {(void *) body.data, body.len}};
	ssize_t      n = 0;
	size_t       done = 0;

	if (socket->tls == NULL)
	{
		do
			n = writev(socket->fd, parts, body.len > 0 ? 2 : 1);
		while (n < 0 && errno == EINTR);
		return n;
	}
	while (n >= 0 && done < head.len + body.len)
	{
		GwSlice record = next_record(head, body, done, joined);

		n = gw_tls_write(socket->tls, record.data, record.len);
		socket->retry = n < 0 ? record.len : 0;
		if (record.data == joined)
			gw_text_wipe(joined, record.len);
		done += n > 0 ? (size_t) n : 0;
	}
	return n < 0 && (done == 0 || errno != EAGAIN) ? n : (ssize_t) done;
}

/* As evbuffer_write(). A record is of what lies together, so that libevent makes no copy, which it
 * would not clear; only what blocked before must be as long as it was. */
static int
write_out(GwSocket *socket)
{
	size_t  len;
	ssize_t n;

	if (socket->tls == NULL)
		return evbuffer_write(socket->out, socket->fd);
	len = evbuffer_get_contiguous_space(socket->out);
	if (len > GW_TLS_RECORD_BYTES)
		len = GW_TLS_RECORD_BYTES;
	if (len < socket->retry)
		len = socket->retry;
	n = gw_tls_write(socket->tls, (char *) evbuffer_pullup(socket->out, (ssize_t) len), len);
	socket->retry = n < 0 ? len : 0;
	if (n > 0)
		evbuffer_drain(socket->out, (size_t) n);
	return (int) n;
}

/* What a read waited for can be written now: reading goes on. */
static void
unblock(GwSocket *socket)
{
	if (!socket->blocked)
		return;
	socket->blocked = false;
	watch_readable(socket);
}

GwSent
gw_socket_send(GwSocket *socket, GwSlice head, GwBody body, bool later)
{
	ssize_t n = 0;

	if (!later && gw_socket_pending(socket) == 0)
	{
		n = write_parts(socket, head, body);
		if (n < 0 && errno != EAGAIN)
		{
			release(&body);
			return GW_SENT_FAILED;
		}
		if (n < 0)
			n = 0;
		socket->sent += (uint64_t) n;
		if ((size_t) n == head.len + body.len)
		{
			release(&body);
			return GW_SENT_ALL;
		}
	}
	keep_rest(socket, head, body, (size_t) n);
	return later ? GW_SENT_ALL : gw_socket_flush(socket);
}

GwSent
gw_socket_flush(GwSocket *socket)
{
	unblock(socket);
	while (gw_socket_pending(socket) > 0)
	{
		int n = write_out(socket);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
		{
			watch_writable(socket, true);
			return GW_SENT_PART;
		}
		if (n <= 0)
			return GW_SENT_FAILED;
		socket->sent += (uint64_t) n;
		gw_process.buffered_bytes -= (uint64_t) n;
	}
	watch_writable(socket, false);
	return GW_SENT_ALL;
}

size_t
gw_socket_pending(const GwSocket *socket)
{
	return socket->out ? evbuffer_get_length(socket->out) : 0;
}
