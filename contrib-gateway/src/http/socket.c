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
gw_stream_open(GwStream *stream, struct event_base *base, int fd, event_callback_fn on_readable,
			   event_callback_fn on_writable, void *owner)
{
	stream->fd = fd;
	stream->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, owner);
	stream->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, owner);
	gw_stream_read_events(stream, true);
}

/* Closes the socket and drops what it did not take. */
void
gw_stream_close(GwStream *stream)
{
	if (stream->fd < 0)
		return;
	event_free(stream->readable);
	event_free(stream->writable);
	stream->readable = stream->writable = NULL;
	if (stream->out != NULL)
	{
		gw_process.buffered_bytes -= evbuffer_get_length(stream->out);
		evbuffer_free(stream->out);
		stream->out = NULL;
	}
	gw_tls_free(stream->tls);
	stream->tls = NULL;
	close(stream->fd);
	stream->fd = -1;
}

void
gw_stream_end(GwStream *stream)
{
	if (stream->tls != NULL)
		gw_tls_end(stream->tls);
	shutdown(stream->fd, SHUT_WR);
}

/* -- input ------------------------------------------------------------------------------------- */

/* Calls the reader in the next turn, whatever the socket says. */
static void
read_again(GwStream *stream)
{
	const struct timeval now = {0, 1}; /* with 0, libevent would forget the socket */

	if (!stream->watching || stream->again)
		return;
	event_add(stream->readable, &now);
	stream->again = true;
}

static void
watch_readable(GwStream *stream)
{
	bool wanted = stream->reading && !stream->blocked;

	if (stream->watching == wanted)
		return;
	stream->watching = wanted;
	stream->again = false;
	if (!wanted)
	{
		event_del(stream->readable);
		return;
	}
	event_add(stream->readable, NULL);
	if (stream->tls != NULL)
		read_again(stream);
}

void
gw_stream_read_events(GwStream *stream, bool wanted)
{
	if (stream->fd < 0 || stream->reading == wanted)
		return;
	stream->reading = wanted;
	watch_readable(stream);
}

static ssize_t
read_plain(GwStream *stream, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(stream->fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static void watch_writable(GwStream *stream, bool wanted);

/* Record by record, as much as there is room for. What ends the input is met again by the next
 * read. */
static ssize_t
read_tls(GwStream *stream, char *buffer, size_t size)
{
	size_t  have = 0;
	ssize_t n;

	do
	{
		n = gw_tls_read(stream->tls, buffer + have, size - have);
		have += n > 0 ? (size_t) n : 0;
	} while (n > 0 && have < size);
	if (gw_tls_reads_blocked(stream->tls))
	{
		stream->blocked = true;
		watch_readable(stream);
		watch_writable(stream, true);
	}
	if (have == 0)
		return n;
	if (n >= 0 || errno != EAGAIN)
		read_again(stream);
	return (ssize_t) have;
}

/* As recv(2). */
ssize_t
gw_stream_read(GwStream *stream, char *buffer, size_t size)
{
	if (stream->again)
		event_remove_timer(stream->readable);
	stream->again = false;
	return stream->tls == NULL ? read_plain(stream, buffer, size) : read_tls(stream, buffer, size);
}

bool
gw_stream_has_input(const GwStream *stream)
{
	char byte;

	return (stream->tls != NULL && gw_tls_has_input(stream->tls)) ||
		   recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* -- TLS --------------------------------------------------------------------------------------- */

bool
gw_stream_begin_tls(GwStream *stream)
{
	stream->tls = gw_tls_begin(stream->fd);
	return stream->tls != NULL;
}

/* Waits for what the library asks for, and for nothing else: a client that does not read could keep
 * the process busy. */
GwTlsStep
gw_stream_handshake(GwStream *stream)
{
	GwTlsStep step = gw_tls_handshake(stream->tls);

	stream->blocked = step == GW_TLS_WRITE;
	watch_readable(stream);
	watch_writable(stream, step == GW_TLS_WRITE);
	if (step == GW_TLS_PLAIN || step == GW_TLS_FAILED)
	{
		gw_tls_free(stream->tls);
		stream->tls = NULL;
	}
	else if (step == GW_TLS_DONE)
		read_again(stream);
	return step;
}

struct x509_st *
gw_stream_certificate(GwStream *stream, bool *refused)
{
	return stream->tls == NULL ? NULL : gw_tls_certificate(stream->tls, refused);
}

/* -- output ------------------------------------------------------------------------------------ */

static void
watch_writable(GwStream *stream, bool wanted)
{
	if (stream->writing == wanted)
		return;
	if (wanted)
		event_add(stream->writable, NULL);
	else
		event_del(stream->writable);
	stream->writing = wanted;
}

static void
release(GwBody *body)
{
	if (body->release != NULL)
		body->release(body->data, body->len, body->handle);
	body->release = NULL;
}

/* Puts what the socket did not take into the buffer: skip bytes of head and body are gone. */
static void
keep_rest(GwStream *stream, GwSlice head, GwBody body, size_t skip)
{
	size_t head_left = skip < head.len ? head.len - skip : 0;
	size_t body_skip = skip > head.len ? skip - head.len : 0;
	size_t body_left = body.len - body_skip;

	if (stream->out == NULL)
		stream->out = evbuffer_new();
	evbuffer_add(stream->out, head.data + head.len - head_left, head_left);
	if (body.release != NULL && body_left > GW_COPY_BYTES_MAX)
		evbuffer_add_reference(stream->out, body.data + body_skip, body_left, body.release,
							   body.handle);
	else
	{
		evbuffer_add(stream->out, body.data + body_skip, body_left);
		release(&body);
	}
	gw_process.buffered_bytes += head_left + body_left;
}

/* The next record of head and body, from the byte at: where it lies, or put together when it is of
 * both. */
static GwSlice
next_record(GwSlice head, GwBody body, size_t at)
{
	static char joined[GW_TLS_RECORD_BYTES];
	size_t      left = head.len + body.len - at;
	size_t      len = left < sizeof(joined) ? left : sizeof(joined);
	size_t      of_head = at < head.len ? head.len - at : 0;

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
write_parts(GwStream *stream, GwSlice head, GwBody body)
{
	struct iovec parts[2] = {{(void *) head.data, head.len}, {(void *) body.data, body.len}};
	ssize_t      n = 0;
	size_t       done = 0;

	if (stream->tls == NULL)
	{
		do
			n = writev(stream->fd, parts, body.len > 0 ? 2 : 1);
		while (n < 0 && errno == EINTR);
		return n;
	}
	while (n >= 0 && done < head.len + body.len)
	{
		GwSlice record = next_record(head, body, done);

		n = gw_tls_write(stream->tls, record.data, record.len);
		done += n > 0 ? (size_t) n : 0;
	}
	return n < 0 && (done == 0 || errno != EAGAIN) ? n : (ssize_t) done;
}

/* As evbuffer_write(). */
static int
write_out(GwStream *stream)
{
	size_t  len = evbuffer_get_length(stream->out);
	ssize_t n;

	if (stream->tls == NULL)
		return evbuffer_write(stream->out, stream->fd);
	if (len > GW_TLS_RECORD_BYTES)
		len = GW_TLS_RECORD_BYTES;
	n = gw_tls_write(stream->tls, (char *) evbuffer_pullup(stream->out, (ssize_t) len), len);
	if (n > 0)
		evbuffer_drain(stream->out, (size_t) n);
	return (int) n;
}

/* What a read waited for can be written now: reading goes on. */
static void
unblock(GwStream *stream)
{
	if (!stream->blocked)
		return;
	stream->blocked = false;
	watch_readable(stream);
}

GwSent
gw_stream_send(GwStream *stream, GwSlice head, GwBody body, bool later)
{
	ssize_t n = 0;

	if (!later && gw_stream_pending(stream) == 0)
	{
		n = write_parts(stream, head, body);
		if (n < 0 && errno != EAGAIN)
		{
			release(&body);
			return GW_SENT_FAILED;
		}
		if (n < 0)
			n = 0;
		stream->sent += (uint64_t) n;
		if ((size_t) n == head.len + body.len)
		{
			release(&body);
			return GW_SENT_ALL;
		}
	}
	keep_rest(stream, head, body, (size_t) n);
	return later ? GW_SENT_ALL : gw_stream_flush(stream);
}

GwSent
gw_stream_flush(GwStream *stream)
{
	unblock(stream);
	while (gw_stream_pending(stream) > 0)
	{
		int n = write_out(stream);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
		{
			watch_writable(stream, true);
			return GW_SENT_PART;
		}
		if (n <= 0)
			return GW_SENT_FAILED;
		stream->sent += (uint64_t) n;
		gw_process.buffered_bytes -= (uint64_t) n;
	}
	watch_writable(stream, false);
	return GW_SENT_ALL;
}

size_t
gw_stream_pending(const GwStream *stream)
{
	return stream->out ? evbuffer_get_length(stream->out) : 0;
}
