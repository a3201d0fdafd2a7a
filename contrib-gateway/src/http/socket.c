/*
 * socket.c
 *		Bytes in and out of a client's socket; see socket.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/socket.h"

#include <errno.h>
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
	close(stream->fd);
	stream->fd = -1;
}

void
gw_stream_read_events(GwStream *stream, bool wanted)
{
	if (stream->fd < 0 || stream->reading == wanted)
		return;
	if (wanted)
		event_add(stream->readable, NULL);
	else
		event_del(stream->readable);
	stream->reading = wanted;
}

/* As recv(2). */
ssize_t
gw_stream_read(GwStream *stream, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(stream->fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

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

GwSent
gw_stream_send(GwStream *stream, GwSlice head, GwBody body, bool later)
{
	struct iovec parts[2] = {{(void *) head.data, head.len}, {(void *) body.data, body.len}};
	ssize_t      n = 0;

	if (!later && gw_stream_pending(stream) == 0)
	{
		do
			n = writev(stream->fd, parts, body.len > 0 ? 2 : 1);
		while (n < 0 && errno == EINTR);
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
	while (gw_stream_pending(stream) > 0)
	{
		int n = evbuffer_write(stream->out, stream->fd);

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
