/*
 * socket.h
 *		Bytes in and out of a client's socket. The place where TLS goes.
 *
 * Output is written at once when the socket takes it: the usual answer costs one writev and no
 * allocation. What the socket does not take waits in an evbuffer; large bodies are referenced
 * there, not copied. libevent's bufferevents are not used: they would take a turn of the event loop
 * and two epoll_ctl calls per answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SOCKET_H
#define GW_SOCKET_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/types.h>

#include "base/text.h"

typedef enum GwSent
{
	GW_SENT_ALL,
	GW_SENT_PART, /* the rest waits; on_writable will be called */
	GW_SENT_FAILED
} GwSent;

typedef struct GwStream
{
	int              fd; /* -1: closed */
	bool             reading;
	bool             writing; /* waits for the socket to become writable */
	struct event    *readable;
	struct event    *writable;
	struct evbuffer *out;  /* NULL until something had to wait */
	uint64_t         sent; /* bytes since gw_stream_start_counting */
} GwStream;

/* A body to send; when release is given it owns the bytes through handle. */
typedef struct GwBody
{
	const char *data;
	size_t      len;
	void       *handle;
	void (*release)(const void *data, size_t len, void *handle);
} GwBody;

extern void    gw_stream_open(GwStream *stream, struct event_base *base, int fd,
							  event_callback_fn on_readable, event_callback_fn on_writable,
							  void *owner);
extern void    gw_stream_close(GwStream *stream);
extern void    gw_stream_read_events(GwStream *stream, bool wanted);
extern ssize_t gw_stream_read(GwStream *stream, char *buffer, size_t size);

/* With later set nothing is written yet: more is to come before gw_stream_flush. */
extern GwSent gw_stream_send(GwStream *stream, GwSlice head, GwBody body, bool later);
extern GwSent gw_stream_flush(GwStream *stream);
extern size_t gw_stream_pending(const GwStream *stream);

#endif
