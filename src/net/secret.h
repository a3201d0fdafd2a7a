/*
 * secret.h
 *		Encryption of secrets, and signatures by private keys.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SECRET_H
#define ICE_SECRET_H

#include "storage/net.h"

/* See IceNet in storage/net.h. */
extern uint8_t *ice_secret_rs256(const char *pem, const void *data, size_t len,
								 size_t *signature_len);
extern uint8_t *ice_secret_seal(const uint8_t *key, const void *associated, size_t associated_len,
								const void *plain, size_t len, size_t *sealed_len);
extern uint8_t *ice_secret_open(const uint8_t *key, const void *associated, size_t associated_len,
								const void *sealed, size_t len, size_t *plain_len);

#endif
