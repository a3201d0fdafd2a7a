/*
 * tls.c
 *		OpenSSL on a non-blocking socket; see tls.h.
 *
 * OpenSSL's queue of errors is one for the process, and libcurl uses it too: it is emptied before
 * each call that is asked for its error afterwards.
 *
 * While a record of a write is on its way nothing is read: a client that asks for new keys would be
 * answered by the read, and OpenSSL takes that for a write that was changed, and fails.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/text.h"
#include "http/tls_context.h"

struct GwTls
{
	SSL     *ssl;
	bool     broken; /* nothing more may be done with it */
	bool     reads_blocked;
	bool     writing;  /* a record is on its way */
	bool     refused;  /* the client's certificate is not believed any more */
	uint64_t verified; /* number of the context by which it was */
};

GwTls *
gw_tls_begin(int fd)
{
	GwTls *tls;
	SSL   *ssl = SSL_new(gw_tls_context());

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
	{
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	tls = gw_alloc(sizeof(*tls));
	*tls = (GwTls){.ssl = ssl, .verified = gw_tls_context_number()};
	return tls;
}

void
gw_tls_free(GwTls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

/* -- the handshake ----------------------------------------------------------------------------- */

/* Counts it. A certificate that was refused is worth a line in the log; what else scanners send is
 * not. */
static GwTlsStep
fail_handshake(GwTls *tls, int error)
{
	long        verdict = SSL_get_verify_result(tls->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	tls->broken = true;
	if (verdict != X509_V_OK)
	{
		gw_counters.tls_failures[GW_TLS_BAD_CERTIFICATE]++;
		gw_log(GW_WARNING, "TLS: the certificate of a client was refused: %s",
			   X509_verify_cert_error_string(verdict));
	}
	else if (error == SSL_ERROR_SSL &&
			 ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
	{
		gw_counters.tls_failures[GW_TLS_BAD_HANDSHAKE]++;
		gw_log(GW_DEBUG, "TLS: no agreement with a client: %s", reason ? reason : "unknown");
	}
	else
		gw_counters.tls_failures[GW_TLS_LEFT]++;
	ERR_clear_error();
	return GW_TLS_FAILED;
}

/* A request line begins with a capital letter, and no record of TLS does. */
static bool
speaks_http(const GwTls *tls)
{
	char byte = '\0';

	return SSL_in_before(tls->ssl) &&
		   recv(SSL_get_fd(tls->ssl), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && byte >= 'A' &&
		   byte <= 'Z';
}

GwTlsStep
gw_tls_handshake(GwTls *tls)
{
	int done;
	int error;

	if (tls->broken)
		return GW_TLS_FAILED;
	if (speaks_http(tls))
		return GW_TLS_PLAIN;
	ERR_clear_error();
	done = SSL_do_handshake(tls->ssl);
	if (done == 1)
	{
		gw_counters.tls_handshakes++;
		if (SSL_session_reused(tls->ssl))
			gw_counters.tls_resumptions++;
		return GW_TLS_DONE;
	}
	error = SSL_get_error(tls->ssl, done);
	if (error == SSL_ERROR_WANT_READ)
		return GW_TLS_READ;
	if (error == SSL_ERROR_WANT_WRITE)
		return GW_TLS_WRITE;
	return fail_handshake(tls, error);
}

/* -- bytes ------------------------------------------------------------------------------------- */

/* Sets errno. */
static ssize_t
fail(GwTls *tls, int error)
{
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
	{
		errno = EAGAIN;
		return -1;
	}
	tls->broken = true;
	ERR_clear_error();
	errno = ECONNRESET;
	return -1;
}

ssize_t
gw_tls_read(GwTls *tls, char *buffer, size_t size)
{
	size_t n = 0;
	int    error;

	if (tls->broken)
		return fail(tls, SSL_ERROR_SSL);
	if (tls->writing)
	{
		tls->reads_blocked = true;
		return fail(tls, SSL_ERROR_WANT_WRITE);
	}
	ERR_clear_error();
	if (SSL_read_ex(tls->ssl, buffer, size, &n) == 1)
	{
		tls->reads_blocked = false;
		return (ssize_t) n;
	}
	error = SSL_get_error(tls->ssl, 0);
	tls->reads_blocked = error == SSL_ERROR_WANT_WRITE;
	return error == SSL_ERROR_ZERO_RETURN ? 0 : fail(tls, error);
}

ssize_t
gw_tls_write(GwTls *tls, const char *data, size_t len)
{
	size_t n = 0;
	int    error;

	if (tls->broken)
		return fail(tls, SSL_ERROR_SSL);
	ERR_clear_error();
	if (SSL_write_ex(tls->ssl, data, len, &n) == 1)
	{
		tls->writing = false;
		return (ssize_t) n;
	}
	error = SSL_get_error(tls->ssl, 0);
	tls->writing = error == SSL_ERROR_WANT_WRITE;
	return fail(tls, error);
}

bool
gw_tls_reads_blocked(const GwTls *tls)
{
	return tls->reads_blocked;
}

bool
gw_tls_has_input(const GwTls *tls)
{
	return SSL_has_pending(tls->ssl) != 0;
}

void
gw_tls_end(GwTls *tls)
{
	if (tls->broken || tls->writing || !SSL_is_init_finished(tls->ssl))
		return;
	ERR_clear_error();
	if (SSL_shutdown(tls->ssl) < 0)
		ERR_clear_error();
}

/* -- the client's certificate ------------------------------------------------------------------ */

/* By the context in force: it, or one above it, may have been revoked since, or its authority been
 * taken out. */
static bool
verify_again(const GwTls *tls, X509 *certificate)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	bool            good = check != NULL &&
				X509_STORE_CTX_init(check, gw_tls_context_trusted(), certificate,
									SSL_get_peer_cert_chain(tls->ssl)) == 1 &&
				X509_STORE_CTX_set_default(check, "ssl_client") == 1 &&
				X509_verify_cert(check) == 1;

	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return good;
}

X509 *
gw_tls_certificate(GwTls *tls, bool *refused)
{
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

	if (certificate == NULL)
		return NULL;
	if (tls->verified != gw_tls_context_number())
	{
		tls->refused = tls->refused || !verify_again(tls, certificate);
		tls->verified = gw_tls_context_number();
	}
	*refused = tls->refused;
	return tls->refused ? NULL : certificate;
}

STACK_OF(X509) * gw_tls_chain(const GwTls *tls)
{
	return SSL_get_peer_cert_chain(tls->ssl);
}

const char *
gw_tls_server_name(const GwTls *tls)
{
	return SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
}
