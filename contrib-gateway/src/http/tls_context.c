/*
 * tls_context.c
 *		Makes contexts of OpenSSL's; see tls_context.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/tls_context.h"

#include <time.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "http/tls_files.h"
#include "http/tls_ticket.h"

#define CHAIN_DEPTH_MAX 8 /* of a client's certificate */
#define CHAIN_BYTES_MAX 32768
#define LOOK_US         1000000 /* between two looks at the files */
#define SOON_DAYS       14      /* a certificate that expires so soon is worth a warning */
#define DAY_S           86400

static SSL_CTX *current;
static uint64_t number;
static int64_t  expires_s;
static uint64_t looked_us;

/* -- making one -------------------------------------------------------------------------------- */

/* Appends what went wrong, in OpenSSL's words. */
static bool
fail(GwText *error, const char *what, const char *value)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	gw_text_printf(error, "setting \"%s\", \"%s\": %s\n", what, value,
				   reason != NULL ? reason : "it cannot be used");
	ERR_clear_error();
	return false;
}

/* OpenSSL's: nobody is there to type a password. */
static int
no_password(char *buffer, int size, int writing, void *unused)
{
	(void) buffer;
	(void) size;
	(void) writing;
	(void) unused;
	return -1;
}

/* OpenSSL's: http/1.1 is what is spoken here. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
				const unsigned char *offered, unsigned int offered_len, void *unused)
{
	static const unsigned char spoken[] = "\x08http/1.1";

	(void) ssl;
	(void) unused;
	if (SSL_select_next_proto((unsigned char **) out, out_len, spoken, sizeof(spoken) - 1, offered,
							  offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL's: any name will do, and goes into the session, so that a session is of one name. What it
 * means is told with the request. */
static int
take_server_name(SSL *ssl, int *alert, void *unused)
{
	(void) ssl;
	(void) alert;
	(void) unused;
	return SSL_TLSEXT_ERR_OK;
}

static bool
take_certificate(SSL_CTX *context, const GwConf *conf, GwText *error)
{
	if (!gw_tls_files_key_is_safe(conf->tls_key_file, error))
		return false;
	if (SSL_CTX_use_certificate_chain_file(context, conf->tls_cert_file) != 1)
		return fail(error, "tls_cert_file", conf->tls_cert_file);
	if (SSL_CTX_use_PrivateKey_file(context, conf->tls_key_file, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(context) != 1)
		return fail(error, "tls_key_file", conf->tls_key_file);
	return true;
}

static bool
take_revoked(SSL_CTX *context, const GwConf *conf, GwText *error)
{
	X509_STORE  *store = SSL_CTX_get_cert_store(context);
	X509_LOOKUP *lookup;

	if (conf->tls_crl_file[0] == '\0')
		return true;
	lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (lookup == NULL || X509_load_crl_file(lookup, conf->tls_crl_file, X509_FILETYPE_PEM) < 1)
		return fail(error, "tls_crl_file", conf->tls_crl_file);
	return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

/* Whose certificates of clients are believed. Such sessions are not resumed: who was believed is
 * asked at each connection. */
static bool
take_clients(SSL_CTX *context, const GwConf *conf, GwText *error)
{
	STACK_OF(X509_NAME) * names;

	if (conf->tls_client_auth == GW_CLIENT_AUTH_OFF)
	{
		gw_tls_ticket_use(context);
		return true;
	}
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(context, 0);
	if (SSL_CTX_load_verify_file(context, conf->tls_client_ca_file) != 1 ||
		(names = SSL_load_client_CA_file(conf->tls_client_ca_file)) == NULL)
		return fail(error, "tls_client_ca_file", conf->tls_client_ca_file);
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify_depth(context, CHAIN_DEPTH_MAX);
	SSL_CTX_set_max_cert_list(context, CHAIN_BYTES_MAX);
	SSL_CTX_set_verify(context,
					   conf->tls_client_auth == GW_CLIENT_AUTH_REQUIRED
						   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
						   : SSL_VERIFY_PEER,
					   NULL);
	return take_revoked(context, conf, error);
}

/* Versions and ciphers. */
static bool
take_strength(SSL_CTX *context, const GwConf *conf, GwText *error)
{
	SSL_CTX_set_min_proto_version(
		context, conf->tls_min_version == GW_TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
									 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
	if (SSL_CTX_set_cipher_list(context, conf->tls_ciphers) != 1)
		return fail(error, "tls_ciphers", conf->tls_ciphers);
	if (conf->tls_ciphersuites[0] != '\0' &&
		SSL_CTX_set_ciphersuites(context, conf->tls_ciphersuites) != 1)
		return fail(error, "tls_ciphersuites", conf->tls_ciphersuites);
	return true;
}

/* NULL, and why, when it cannot be made. */
static SSL_CTX *
make(const GwConf *conf, GwText *error)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	if (context == NULL)
	{
		gw_text_puts(error, "OpenSSL cannot be used\n");
		return NULL;
	}
	SSL_CTX_set_default_passwd_cb(context, no_password);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
								  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_max_early_data(context, 0);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_tlsext_servername_callback(context, take_server_name);
	SSL_CTX_set_session_id_context(context, (const unsigned char *) "icecat", 6);
	if (take_strength(context, conf, error) && take_certificate(context, conf, error) &&
		take_clients(context, conf, error))
		return context;
	SSL_CTX_free(context);
	ERR_clear_error();
	return NULL;
}

/* -- the one in force -------------------------------------------------------------------------- */

static int64_t
expiry_of(const X509 *certificate)
{
	struct tm tm;

	if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	return (int64_t) timegm(&tm);
}

static void
put_in_force(SSL_CTX *context)
{
	int64_t left_s;

	SSL_CTX_free(current);
	current = context;
	number++;
	expires_s = expiry_of(SSL_CTX_get0_certificate(context));
	left_s = expires_s - (int64_t) time(NULL);
	if (left_s < 0)
		gw_log(GW_WARNING, "the certificate in \"%s\" has expired", gw_conf.tls_cert_file);
	else if (left_s < (int64_t) SOON_DAYS * DAY_S)
		gw_log(GW_WARNING, "the certificate in \"%s\" expires in %lld days", gw_conf.tls_cert_file,
			   (long long) (left_s / DAY_S));
}

bool
gw_tls_context_check(const GwConf *conf, GwText *error)
{
	SSL_CTX *context = make(conf, error);

	SSL_CTX_free(context);
	return context != NULL;
}

/* Says line by line what is wrong. */
static void
log_error(GwText *error)
{
	char *text = error->data;
	char *line;

	while (text != NULL && (line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			gw_log(GW_ERROR, "TLS: %s", line);
}

bool
gw_tls_context_start(void)
{
	GwText   error = {0};
	SSL_CTX *context;

	gw_tls_files_note(&gw_conf);
	context = make(&gw_conf, &error);
	if (context != NULL)
		put_in_force(context);
	log_error(&error);
	gw_text_free(&error);
	return context != NULL;
}

void
gw_tls_context_reload(void)
{
	if (current == NULL)
		return;
	if (gw_tls_context_start())
	{
		gw_counters.tls_reloads++;
		gw_log(GW_INFO, "TLS: certificate and keys were read again");
		return;
	}
	gw_counters.tls_reload_failures++;
	gw_log(GW_ERROR, "TLS: certificate and keys stay as they were");
}

void
gw_tls_context_tick(uint64_t now)
{
	if (current == NULL || gw_clock_since(now, looked_us) < LOOK_US)
		return;
	looked_us = now;
	if (gw_tls_files_changed(&gw_conf))
		gw_tls_context_reload();
}

bool
gw_tls_context_is_on(void)
{
	return current != NULL;
}

SSL_CTX *
gw_tls_context(void)
{
	return current;
}

uint64_t
gw_tls_context_number(void)
{
	return number;
}

X509_STORE *
gw_tls_context_trusted(void)
{
	return SSL_CTX_get_cert_store(current);
}

int64_t
gw_tls_context_expires_s(void)
{
	return expires_s;
}
