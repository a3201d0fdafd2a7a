/*
 * credential.h
 *		What a secret is checked by, as the database gives it. Pure: the time is an argument.
 *
 * Secrets are 256 random bits, so one salted SHA-256 is enough: there is nothing to guess that a
 * slow hash would protect. A check takes the same time whether there is such a credential or not,
 * and whatever the secret is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CREDENTIAL_H
#define GW_CREDENTIAL_H

#include "base/text.h"

#define GW_CREDENTIAL_ID_BYTES_MAX 63  /* id of a client, name or prefix of a key */
#define GW_SECRET_BYTES_MAX        128 /* a longer one is wrong */
#define GW_CREDENTIAL_SECRETS      2
#define GW_SALT_BYTES              16
#define GW_SECRET_HASH_BYTES       32
#define GW_CREDENTIAL_TEXT         80

typedef struct GwVerifier
{
	unsigned char salt[GW_SALT_BYTES];
	unsigned char hash[GW_SECRET_HASH_BYTES];
	int64_t       until_s;
} GwVerifier;

typedef struct GwCredential
{
	char       name[GW_CREDENTIAL_TEXT];
	char       session[GW_CREDENTIAL_TEXT]; /* of a client: what its tokens carry */
	char       verdict[GW_CREDENTIAL_TEXT]; /* "role NAME", or why there is none */
	int        count;
	GwVerifier verifiers[GW_CREDENTIAL_SECRETS];
} GwCredential;

/* Is it one that the database could have? Others are not asked for. */
extern bool gw_credential_id_is_sound(GwSlice id);

/* The answer of icecat._credential(). */
extern bool gw_credential_read(GwSlice document, GwCredential *out);

/* Is it a secret of the credential, and until when? NULL is one that has none. */
extern bool gw_credential_matches(const GwCredential *credential, GwSlice secret, int64_t now_s,
								  int64_t *until_s);

/* The role of its verdict; NULL: it has none. */
extern const char *gw_credential_role(const GwCredential *credential);

#endif
