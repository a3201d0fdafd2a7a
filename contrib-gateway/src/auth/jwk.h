/*
 * jwk.h
 *		Public keys of an issuer, from its JSON Web Key Set (RFC 7517). Pure.
 *
 * A set may hold keys that are of no use here: secret ones, keys for encryption, RSA keys of less
 * than 2048 bits, curves that are not known. They are left out, and do no harm to the rest.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_JWK_H
#define GW_JWK_H

#include "auth/algorithm.h"

#define GW_KEYS_MAX      64  /* usable keys of one issuer; more are left out */
#define GW_KID_BYTES_MAX 255 /* longer names of keys are not taken */

typedef struct GwKey
{
	char               kid[GW_KID_BYTES_MAX + 1]; /* "" when it has no name */
	GwKeyKind          kind;
	const GwAlgorithm *only; /* the one it is for; NULL: any of its kind */
	EVP_PKEY          *key;
} GwKey;

typedef struct GwKeySet
{
	int   count;
	int   left_out;
	GwKey keys[GW_KEYS_MAX];
} GwKeySet;

/* NULL: the text is not a set of keys. */
extern GwKeySet *gw_jwk_set_read(GwSlice text);
extern void      gw_jwk_set_free(GwKeySet *set);

extern bool gw_jwk_fits(const GwKey *key, const GwAlgorithm *algorithm);

#endif
