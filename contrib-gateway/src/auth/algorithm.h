/*
 * algorithm.h
 *		Signature algorithms of tokens (RFC 7518, RFC 8037), and checking a signature. Pure.
 *
 * Only asymmetric ones: a gateway holds no secret with which a token could be made. What is not in
 * the table (none, HS256 and so on) does not exist here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ALGORITHM_H
#define GW_ALGORITHM_H

#include <openssl/evp.h>

#include "base/text.h"

/* A kind of key. Each algorithm belongs to one. */
typedef enum GwKeyKind
{
	GW_KEY_RSA,
	GW_KEY_P256,
	GW_KEY_P384,
	GW_KEY_P521,
	GW_KEY_ED25519
} GwKeyKind;

typedef struct GwAlgorithm
{
	const char *name;
	GwKeyKind   kind;
	const char *digest; /* NULL: the algorithm has its own */
	bool        pss;
	/* of an ECDSA signature: bytes of each of its two numbers; else 0 */
	size_t      half;
} GwAlgorithm;

/* NULL: not one that is taken. Names are compared exactly. */
extern const GwAlgorithm *gw_algorithm_find(const char *name);

/* The key must be of the algorithm's kind. */
extern bool gw_algorithm_verify(const GwAlgorithm *algorithm, EVP_PKEY *key, GwSlice text,
								GwSlice signature);

#endif
