/*
 * socket.h
 *		Bytes in and out of a client's socket, plain or by TLS.
 *
 * Output is written at once when the socket takes it: the usual answer costs one writev and no
 * allocation. What the socket does not take waits in an evbuffer; large bodies are referenced
 * there, not copied. libevent's bufferevents are not used: they would take a turn of the event loop
 * and two epoll_ctl calls per answer.
 *
 * With TLS, the library may hold input that the socket does not show any more. A stream that stops
 * before all of it was read is called again in the next turn of the loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SOCKET_H
#define GW_SOCKET_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/types.h>

#include "base/text.h"
#include "http/tls.h"

typedef enum GwSent
{
	GW_SENT_ALL,
	GW_SENT_PART, /* the rest waits; on_writable will be called */
	GW_SENT_FAILED
} GwSent;

typedef struct GwStream
{
	int              fd;       /* -1: closed */
	GwTls           *tls;      /* NULL: plain */
	bool             reading;  /* wanted ... */
	bool             blocked;  /* ... but not before something was written */
	bool             watching; /* so the event is there */
	bool             again;    /* the next turn reads on */
	bool             writing;  /* waits for the socket to become writable */
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

extern void gw_stream_open(GwStream *stream, struct event_base *base, int fd,
						   event_callback_fn on_readable, event_callback_fn on_writable,
						   void *owner);
extern void gw_stream_close(GwStream *stream);

/* Begins TLS, on a fresh connection; false when it cannot. Until the handshake is DONE nothing else
 * may be read or written. PLAIN: the client does not speak TLS, and the stream is plain again; so
 * it is after FAILED, to be ended. */
extern bool      gw_stream_begin_tls(GwStream *stream);
extern GwTlsStep gw_stream_handshake(GwStream *stream);

/* The client's certificate; see gw_tls_certificate(). */
extern struct x509_st *gw_stream_certificate(GwStream *stream, bool *refused);

/* Has the client sent something that was not read yet? */
extern bool gw_stream_has_input(const GwStream *stream);

/* Says that no more comes. */
extern void    gw_stream_end(GwStream *stream);
extern void    gw_stream_read_events(GwStream *stream, bool wanted);
extern ssize_t gw_stream_read(GwStream *stream, char *buffer, size_t size);

/* With later set nothing is written yet: more is to come before gw_stream_flush. */
extern GwSent gw_stream_send(GwStream *stream, GwSlice head, GwBody body, bool later);
extern GwSent gw_stream_flush(GwStream *stream);
extern size_t gw_stream_pending(const GwStream *stream);

#endif
