/*
 * tls.h
 *		TLS on one connection's socket: a handshake, then bytes in and out.
 *
 * The functions are as those of a non-blocking socket, except for two things. A write that blocked
 * must be tried again with the same bytes, wherever they are then, and perhaps more. A read can
 * block because something must be written first (gw_tls_reads_blocked()); trying again before the
 * socket is writable would be in vain.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TLS_H
#define GW_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GW_TLS_RECORD_BYTES 16384 /* more is not sent at once */

typedef struct GwTls GwTls;
struct x509_st;
struct stack_st_X509;

typedef enum GwTlsStep
{
	GW_TLS_DONE,
	GW_TLS_READ,  /* when the socket is readable, go on */
	GW_TLS_WRITE, /* when it is writable, go on */
	GW_TLS_PLAIN, /* the client does not speak TLS, but HTTP; nothing was read */
	GW_TLS_FAILED /* the client was told why, if it can be told; counted */
} GwTlsStep;

/* NULL: there is no memory for it. */
extern GwTls    *gw_tls_begin(int fd);
extern GwTlsStep gw_tls_handshake(GwTls *tls);

/* As recv(2) and send(2). The end of reading is what the client has signed as such; a connection
 * that just ends is an error. */
extern ssize_t gw_tls_read(GwTls *tls, char *buffer, size_t size);
extern ssize_t gw_tls_write(GwTls *tls, const char *data, size_t len);
extern bool    gw_tls_reads_blocked(const GwTls *tls);

/* Has input come that was not read yet? */
extern bool gw_tls_has_input(const GwTls *tls);

/* Tells the client that no more comes. */
extern void gw_tls_end(GwTls *tls);
extern void gw_tls_free(GwTls *tls);

/* The client's certificate, as verified at the handshake, and again since whom to believe has
 * changed. NULL: there is none. refused: there was one, and it is not believed any more. */
extern struct x509_st *gw_tls_certificate(GwTls *tls, bool *refused);

/* What the client sent with its certificate; NULL: nothing. */
extern struct stack_st_X509 *gw_tls_chain(const GwTls *tls);

/* The name of the server that the client meant (RFC 6066, section 3); NULL: it said none. */
extern const char *gw_tls_server_name(const GwTls *tls);

#endif
