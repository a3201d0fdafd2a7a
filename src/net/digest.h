/*
 * digest.h
 *		SHA-256, HMAC and MD5 by OpenSSL, and how digests are written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DIGEST_H
#define ICE_DIGEST_H

#include "storage/net.h"

#define ICE_DIGEST_HEX (2 * ICE_SHA256_BYTES + 1)

extern void ice_digest_sha256(const void *data, size_t len, uint8_t *out);
extern void ice_digest_hmac(const void *key, size_t key_len, const void *data, size_t len,
							uint8_t *out);
/* False where the system allows no MD5. */
extern bool ice_digest_md5(const void *data, size_t len, uint8_t *out);
/* In lower case, with a zero byte at its end. */
extern void ice_digest_hex(const uint8_t *bytes, size_t len, char *out);

#endif
