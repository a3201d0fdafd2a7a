/*
 * tls_ticket.c
 *		Seals and opens session tickets (RFC 5077, section 4) with keys that change; see
 *		tls_ticket.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/conf.h"

#define NAME_BYTES   16
#define SECRET_BYTES 32

typedef struct TicketKey
{
	unsigned char name[NAME_BYTES];
	unsigned char cipher[SECRET_BYTES];
	unsigned char mac[SECRET_BYTES];
	uint64_t      made_us; /* 0: there is none */
} TicketKey;

static TicketKey current;
static TicketKey former;

static bool
is_older(const TicketKey *key, uint64_t now, uint64_t seconds)
{
	return key->made_us == 0 || gw_clock_since(now, key->made_us) >= seconds * 1000000;
}

/* Forgets keys whose time is over, and makes a new one when there is none to seal with. */
static bool
rotate(void)
{
	uint64_t now = gw_clock_us();
	uint64_t session_s = (uint64_t) gw_conf.tls_session_s;

	if (is_older(&former, now, 2 * session_s))
		OPENSSL_cleanse(&former, sizeof(former));
	if (!is_older(&current, now, session_s))
		return true;
	if (!is_older(&current, now, 2 * session_s))
		former = current;
	if (RAND_bytes((unsigned char *) &current, offsetof(TicketKey, made_us)) != 1)
	{
		OPENSSL_cleanse(&current, sizeof(current));
		return false;
	}
	current.made_us = now;
	return true;
}

static const TicketKey *
find(const unsigned char *name)
{
	if (current.made_us != 0 && memcmp(current.name, name, NAME_BYTES) == 0)
		return &current;
	if (former.made_us != 0 && memcmp(former.name, name, NAME_BYTES) == 0)
		return &former;
	return NULL;
}

/* OpenSSL's: sets up cipher and MAC; 0: no ticket, or one that is of no use; 2: good, but the
 * client is to get a new one. */
static int
use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
		int sealing)
{
	const TicketKey *key;
	OSSL_PARAM       params[2];

	(void) ssl;
	if (!rotate())
		return 0;
	key = sealing ? &current : find(name);
	if (key == NULL)
		return 0;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *) "sha256", 0);
	params[1] = OSSL_PARAM_construct_end();
	if (sealing)
		memcpy(name, key->name, NAME_BYTES);
	if ((sealing && RAND_bytes(iv, EVP_CIPHER_iv_length(EVP_aes_256_cbc())) != 1) ||
		EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, sealing) != 1 ||
		EVP_MAC_init(mac, key->mac, SECRET_BYTES, params) != 1)
		return -1;
	return key == &former ? 2 : 1;
}

void
gw_tls_ticket_use(SSL_CTX *context)
{
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	if (gw_conf.tls_session_s == 0)
	{
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(context, 0);
		return;
	}
	SSL_CTX_set_timeout(context, (long) gw_conf.tls_session_s);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key);
}
