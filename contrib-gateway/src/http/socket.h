/*
 * socket.h
 *		Bytes in and out of a client's socket, plain or by TLS.
 *
 * Output is written at once when the socket takes it: the usual answer costs one writev and no
 * allocation. What the socket does not take waits in an evbuffer; large bodies are referenced
 * there, not copied. libevent's bufferevents are not used: they would take a turn of the event loop
 * and two epoll_ctl calls per answer.
 *
 * With TLS, the library may hold input that the socket does not show any more. A GwSocket that
 * stops before all of it was read is called again in the next turn of the loop.
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

typedef struct GwSocket
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
	struct evbuffer *out;   /* NULL until something had to wait */
	size_t           retry; /* TLS: a write of so many bytes blocked, and comes again */
	uint64_t         sent;  /* bytes since its owner set it to 0 */
} GwSocket;

/* A body to send; when release is given it owns the bytes through handle. */
typedef struct GwBody
{
	const char *data;
	size_t      len;
	void       *handle;
	void (*release)(const void *data, size_t len, void *handle);
} GwBody;

extern void gw_socket_open(GwSocket *socket, struct event_base *base, int fd,
						   event_callback_fn on_readable, event_callback_fn on_writable,
						   void *owner);
extern void gw_socket_close(GwSocket *socket);

/* Begins TLS, on a fresh connection; false when it cannot. Until the handshake is DONE nothing else
 * may be read or written. PLAIN: the client does not speak TLS, and the socket is plain again; so
 * it is after FAILED, to be ended. */
extern bool      gw_socket_begin_tls(GwSocket *socket);
extern GwTlsStep gw_socket_handshake(GwSocket *socket);

/* The client's certificate; see gw_tls_certificate(). */
extern struct x509_st *gw_socket_certificate(GwSocket *socket, bool *refused);

/* Has the client sent something that was not read yet? */
extern bool gw_socket_has_input(const GwSocket *socket);

/* Says that no more comes. */
extern void    gw_socket_end(GwSocket *socket);
extern void    gw_socket_read_events(GwSocket *socket, bool wanted);
extern ssize_t gw_socket_read(GwSocket *socket, char *buffer, size_t size);

/* With later set nothing is written yet: more is to come before gw_socket_flush. */
extern GwSent gw_socket_send(GwSocket *socket, GwSlice head, GwBody body, bool later);
extern GwSent gw_socket_flush(GwSocket *socket);
extern size_t gw_socket_pending(const GwSocket *socket);

#endif
