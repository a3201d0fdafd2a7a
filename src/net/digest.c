/*
 * digest.c
 *		SHA-256, HMAC and MD5 by OpenSSL. See digest.h.
 *
 * PostgreSQL's own functions for these need a resource owner, which the worker has none of between
 * its transactions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "net/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "errors.h"

void
ice_digest_sha256(const void *data, size_t len, uint8_t *out)
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		ice_raise(ICE_ERR_STORAGE, "could not compute a SHA-256 digest");
}

void
ice_digest_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t *out)
{
	if (HMAC(EVP_sha256(), key, (int) key_len, data, len, out, NULL) == NULL)
		ice_raise(ICE_ERR_STORAGE, "could not compute an HMAC");
}

bool
ice_digest_md5(const void *data, size_t len, uint8_t *out)
{
	return EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) == 1;
}

void
ice_digest_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++)
	{
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}
